#!/usr/bin/env bash
# From a fresh clone to scored samples: installs what is missing, scores the sample set, writes a report.
#
#   bash examples/quickstart.sh
#
# Needs Debian or Ubuntu, Python 3.10 or newer, and root or sudo if system packages are missing. Uses the encoder
# `embedded`: no GPU, no weights, no torch. Running it again installs nothing that is there and
# scores nothing that is scored; remove OUT to start over.
#
# Environment variables, with their defaults:
#   PYTHON   the interpreter that makes the virtual environment      [python3]
#   VENV     the virtual environment                                 [.venv in the clone]
#   OUT      where results and report go                             [runs/quickstart in the clone]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case ${1:-} in
  "") ;;
  -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
    exit
    ;;
  *)
    echo "error: unknown argument $1; see --help" >&2
    exit 1
    ;;
esac
: "${VENV:=$root/.venv}" "${OUT:=$root/runs/quickstart}"
export PYTHON=${PYTHON:-python3}
say() { printf '==> %s\n' "$*"; }

bash "$root/examples/install_system.sh"
if [[ ! -x $VENV/bin/pip ]]; then
  say "Making the virtual environment $VENV"
  "$PYTHON" -m venv "$VENV"
fi
stamp=$VENV/.vincicoder-quickstart
current=$(cat "$root/pyproject.toml" "$root/setup.py" | sha256sum)
if [[ ! -f $stamp || $(<"$stamp") != "$current" ]]; then
  say "Installing the package and what it needs into $VENV"
  "$VENV/bin/pip" install --quiet --editable "$root"
  echo "$current" >"$stamp"
fi
bash "$root/examples/install_system.sh" --browser "$VENV/bin/python"

say "Scoring the samples"
mkdir -p "$OUT"
"$VENV/bin/vincicoder" score "$root/examples/samples/index.jsonl" --encoder embedded \
  --output "$OUT/results.jsonl" --report "$OUT/report"
