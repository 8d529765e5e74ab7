#!/usr/bin/env bash
# Everything the tests need, then the checks (format, lint, types), then the tests.
#
#   bash tests/run.sh [arguments of pytest]      such as: tests/fast/vincicoder/alignment, -k svg, -m slow
#
# Needs Debian or Ubuntu, Python 3.10 or newer, and root or sudo if system packages are missing. Running it again
# installs nothing that is there. On a machine without a GPU, pip's own setting PIP_EXTRA_INDEX_URL with PyTorch's index
# of CPU builds saves some GB of download.
#
# Environment variables, with their defaults:
#   PYTHON   the interpreter that makes the virtual environment      [python3]
#   VENV     the virtual environment                                 [.venv-test in the clone]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in
  -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' tests/run.sh
    exit
    ;;
esac
: "${VENV:=$PWD/.venv-test}"
export PYTHON=${PYTHON:-python3}
say() { printf '==> %s\n' "$*"; }

bash examples/install_system.sh make dot:graphviz
if [[ ! -x $VENV/bin/pip ]]; then
  say "Making the virtual environment $VENV"
  "$PYTHON" -m venv "$VENV"
fi
stamp=$VENV/.vincicoder-tests
current=$(cat pyproject.toml setup.py tests/constraints.txt tests/run.sh | sha256sum)
if [[ ! -f $stamp || $(<"$stamp") != "$current" ]]; then
  say "Installing the package and what the tests need into $VENV"
  "$VENV/bin/pip" install --quiet --constraint tests/constraints.txt --editable ".[dev,all,swift,verl,ray]" torchvision
  if ! "$VENV/bin/python" -c 'import sys, torch; sys.exit(torch.version.cuda is None)'; then
    packages=$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    cp tests/support/torchvision_on_cpu.py "$packages/"
    echo "import torchvision_on_cpu" >"$packages/torchvision_on_cpu.pth"
  fi
  echo "$current" >"$stamp"
fi
bash examples/install_system.sh --browser "$VENV/bin/python"

say "Checks"
PATH=$VENV/bin:$PATH make --no-print-directory check
say "Tests"
exec "$VENV/bin/python" -m pytest -m "not slow" "$@"
