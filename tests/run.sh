#!/usr/bin/env bash
# Installs what the tests need, then runs them: all of them after the checks (format, lint, types), or some tiers.
#
#   bash tests/run.sh [TIER ...] [arguments of pytest]      such as: fast render, encoder -k dinov2, -m slow
#
# A TIER is a directory of tests, and the order is always this one:
#   fast       pure Python and renders of Python and SVG: the package and its extra dev
#   render     renders of every language, the sandbox, the browser: Chromium, TeX and fonts as well
#   encoder    encoders that need torch, reading text from pixels
#   golden     what users rely on is what it was
#   ray        the cluster, pipelines on Ray
#   trainers   ms-swift, EasyR1, verl and TRL, and the example scripts
#
# `bash tests/run.sh newest` is a job of its own: the trainers' tests with the newest release of each; see newest --help.
#
# fast installs no system package. The others need Debian or Ubuntu, and root or sudo if system packages are missing.
# Python is 3.10 or newer. Running it again installs nothing that is there. On a machine without a GPU, pip's own
# setting PIP_EXTRA_INDEX_URL with PyTorch's index of CPU builds saves some GB of download.
#
# Tests run in one process more than there are cores, 6 at most; -n 0 runs them in one, such as for --pdb.
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
  newest)
    shift
    exec bash tests/newest.sh "$@"
    ;;
esac
: "${VENV:=$PWD/.venv-test}"
export PYTHON=${PYTHON:-python3}
say() { printf '==> %s\n' "$*"; }

all=(fast render encoder golden ray trainers)
tiers=()
while [[ -n ${1:-} && " ${all[*]} " == *" $1 "* ]]; do
  tiers+=("$1")
  shift
done
wanted=" ${tiers[*]:-${all[*]}} "

extras=dev torch=
if [[ $wanted == *" render "* ]]; then extras+=,serve; fi
if [[ $wanted == *" encoder "* || $wanted == *" golden "* ]]; then extras+=,dinov2,timm,ocr torch=1; fi
if [[ $wanted == *" ray "* || $wanted == *" golden "* ]]; then extras+=,ray; fi
if [[ $wanted == *" trainers "* || $wanted == *" golden "* ]]; then extras+=,all,swift,verl torch=1; fi

# The files of tests go to a few processes, in order. Most wait for others (browsers, fork servers, limits), so that two
# cores have enough to do.
parallel=(-n auto --dist loadfile --no-loadscope-reorder)

install_python_packages() {
  if [[ ! -x $VENV/bin/pip ]]; then
    say "Making the virtual environment $VENV"
    "$PYTHON" -m venv "$VENV"
  fi
  local stamp=$VENV/.vincicoder-tests current packages with=()
  current="$(cat pyproject.toml setup.py tests/constraints.txt tests/run.sh | sha256sum) $extras"
  if [[ -f $stamp && $(<"$stamp") == "$current" ]]; then return; fi
  say "Installing the package and what the tests need into $VENV"
  if [[ $torch ]]; then with=(torchvision); fi
  "$VENV/bin/pip" install --quiet --constraint tests/constraints.txt --editable ".[$extras]" "${with[@]}"
  if [[ $torch ]] && ! "$VENV/bin/python" -c 'import sys, torch; sys.exit(torch.version.cuda is None)'; then
    packages=$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    cp tests/support/torchvision_on_cpu.py "$packages/"
    echo "import torchvision_on_cpu" >"$packages/torchvision_on_cpu.pth"
  fi
  echo "$current" >"$stamp"
}

if [[ $wanted != " fast " ]]; then bash examples/install_system.sh make dot:graphviz; fi
install_python_packages
if [[ $wanted != " fast " ]]; then bash examples/install_system.sh --browser "$VENV/bin/python"; fi

if ((${#tiers[@]} == 0)); then
  say "Checks"
  PATH=$VENV/bin:$PATH make --no-print-directory check audit
fi
say "Tests"
exec "$VENV/bin/python" -m pytest "${parallel[@]}" -m "not slow" "${tiers[@]/#/tests/}" "$@"
