#!/usr/bin/env bash
# Supervised fine-tuning of Qwen3-VL-8B on VinciCoder's data with ms-swift.
set -euo pipefail

: "${MODEL:=Qwen/Qwen3-VL-8B-Instruct}"
NAME=qwen3vl-8b-sft
MODEL_TYPE=qwen3_vl
SIDE=32 # pixels of the square that becomes one token
# shellcheck source=examples/swift_sft.sh
source "$(dirname "${BASH_SOURCE[0]}")/swift_sft.sh"
