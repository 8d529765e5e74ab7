#!/usr/bin/env bash
# Supervised fine-tuning of Qwen2.5-VL-7B on VinciCoder's data with ms-swift.
set -euo pipefail

: "${MODEL:=Qwen/Qwen2.5-VL-7B-Instruct}"
NAME=qwen25vl-7b-sft
MODEL_TYPE=qwen2_5_vl
SIDE=28 # pixels of the square that becomes one token
# shellcheck source=examples/swift_sft.sh
source "$(dirname "${BASH_SOURCE[0]}")/swift_sft.sh"
