#!/usr/bin/env bash
# Runs the trainers' tests with the newest release of each trainer: `bash tests/run.sh newest`.
#
#   bash tests/run.sh newest [TRAINER ...] [arguments of pytest]      such as: trl, swift verl -m slow
#
# A TRAINER is trl, swift, verl or easyr1. Each gets an environment of its own, with the newest releases of all that it
# allows: ms-swift wants an older TRL than the newest. Only torch is the one of tests/constraints.txt. Running it again
# upgrades what has a newer release. What differs between releases is in docs/releases.md.
#
# An environment takes 3 GB with torch's build for CPUs, and some GB more with the one for CUDA; tests/run.sh says how to
# get the former. Tests of trainers that are not in an environment are skipped there.
#
# Environment variables, with their defaults:
#   PYTHON        the interpreter that makes the environments            [python3]
#   NEWEST        directory of the environments                          [.venv-newest in the clone]
#   EASYR1_HOME   checkout of EasyR1; without it easyr1 is left out      [none]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ ${1:-} == -h || ${1:-} == --help ]]; then
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' tests/newest.sh
  exit
fi
: "${PYTHON:=python3}" "${NEWEST:=$PWD/.venv-newest}"
say() { printf '==> %s\n' "$*"; }

all=(trl swift verl)
[[ -z ${EASYR1_HOME:-} ]] || all+=(easyr1)
trainers=()
while [[ " trl swift verl easyr1 " == *" ${1:-none} "* ]]; do
  trainers+=("$1")
  shift
done
((${#trainers[@]})) || trainers=("${all[@]}")

declare -A extras=([trl]=charts,dinov2 [swift]=swift,charts [verl]=verl,ray,dinov2 [easyr1]=ray,dinov2)
declare -A packages=([trl]="trl peft torchvision" [swift]="ms-swift" [verl]="verl peft" [easyr1]="torchvision")
if [[ -n ${EASYR1_HOME:-} ]]; then
  # What needs a GPU is left out; the tests do without.
  packages[easyr1]+=" $(grep -vE '^(vllm|flash-attn|liger-kernel)' "$EASYR1_HOME/requirements.txt" | tr '\n' ' ')"
fi
declare -A tests=(
  [trl]="tests/trainers/vincicoder tests/trainers/examples/test_learn_on_cpu.py"
  [swift]="tests/trainers/swift_plugins tests/trainers/vincicoder"
  [verl]="tests/trainers/verl_rewards tests/trainers/examples/test_verl_script.py tests/trainers/vincicoder"
  [easyr1]="tests/trainers/examples/test_easyr1_script.py tests/trainers/verl_rewards/test_easyr1_run.py
    tests/trainers/vincicoder"
)

install() { # TRAINER: its environment, as new as it can be
  local venv=$NEWEST/$1 site
  [[ -x $venv/bin/pip ]] || "$PYTHON" -m venv "$venv"
  # shellcheck disable=SC2086 # words
  "$venv/bin/pip" install --quiet --upgrade --upgrade-strategy eager --constraint <(grep '^torch' tests/constraints.txt) \
    --editable ".[dev,${extras[$1]}]" ${packages[$1]}
  if ! "$venv/bin/python" -c 'import sys, torch; sys.exit(torch.version.cuda is None)'; then
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    cp tests/support/torchvision_on_cpu.py "$site/"
    echo "import torchvision_on_cpu" >"$site/torchvision_on_cpu.pth"
  fi
}

shown="trl|ms.swift|verl|torch|transformers|accelerate|peft|datasets|tensordict|ray"
bash examples/install_system.sh
failed=()
for trainer in "${trainers[@]}"; do
  if [[ $trainer == easyr1 && ! -d ${EASYR1_HOME:-}/verl ]]; then
    echo "EASYR1_HOME is '${EASYR1_HOME:-}'; expected a checkout of EasyR1" >&2
    exit 2
  fi
  say "$trainer: installing into $NEWEST/$trainer"
  install "$trainer"
  say "$trainer: $("$NEWEST/$trainer/bin/pip" list --format freeze | grep -E "^($shown)==" | tr '\n' ' ')"
  # shellcheck disable=SC2086 # words
  "$NEWEST/$trainer/bin/python" -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow" ${tests[$trainer]} "$@" ||
    failed+=("$trainer")
done
((${#failed[@]} == 0)) || { say "failed: ${failed[*]}"; exit 1; }
