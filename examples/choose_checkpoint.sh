#!/usr/bin/env bash
# Measures the checkpoints of a run on benchmarks, one after the other, and compares them in one report.
#
#   bash examples/choose_checkpoint.sh OUTPUT [BENCHMARK ...] [FLAG VALUE ...]
#
# OUTPUT is the run's directory. What follows goes to `vincicoder eval run`, such as: unisvg chartmimic --samples 200
# --data benchmarks/. Each checkpoint is served, measured and stopped again. Run the same line again after an
# interruption, or when there are more checkpoints: what is measured is not measured again.
#
# Environment variables, with their defaults:
#   SERVE      the command that serves a checkpoint behind an OpenAI-compatible endpoint; {checkpoint}, {name} and {port}
#              are filled in   [vllm serve {checkpoint} --served-model-name {name} --port {port}]
#   PORT       of that endpoint                                          [8000]
#   PATIENCE   seconds that it may take to start                         [1800]
#   EVALUATION directory for predictions, scores and the report          [OUTPUT/evaluation]
set -euo pipefail

fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 2; }
case ${1:-} in
  -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0"
    exit
    ;;
  "") fail "name the directory of a run; see --help" ;;
esac
[[ ${SKIP_CHECKS:-0} == 1 ]] || ! command -v python3 >/dev/null ||
  python3 "$(dirname "${BASH_SOURCE[0]}")/misspelt.py" "${BASH_SOURCE[0]}" || exit 2
output=${1%/}
shift
: "${PORT:=8000}" "${PATIENCE:=1800}" "${EVALUATION:=$output/evaluation}"
: "${SERVE:=vllm serve {checkpoint\} --served-model-name {name\} --port {port\}}"
mapfile -t checkpoints < <(find -L "$output" -maxdepth 2 -type d -name 'checkpoint-*' | sort -V)
((${#checkpoints[@]} > 0)) || fail "$output has no checkpoints; expected directories checkpoint-100 and so on"

server=
stop() {
  [[ -z $server ]] || kill -- "-$server" 2>/dev/null || true
  [[ -z $server ]] || wait "$server" 2>/dev/null || true
  server=
}
trap stop EXIT

code=0
for checkpoint in "${checkpoints[@]}"; do
  name=${checkpoint#"$output/"}
  name=${name//\//-}
  command=()
  for word in $SERVE; do
    word=${word//\{checkpoint\}/$checkpoint}
    word=${word//\{name\}/$name}
    command+=("${word//\{port\}/$PORT}")
  done
  set -m # the server gets a process group of its own, and is stopped with all that it started
  "${command[@]}" >&2 &
  server=$!
  set +m
  deadline=$((SECONDS + PATIENCE))
  until curl --silent --output /dev/null --max-time 5 "http://127.0.0.1:$PORT/v1/models"; do
    kill -0 "$server" 2>/dev/null || fail "$checkpoint could not be served: the command ended: ${command[*]}"
    ((SECONDS < deadline)) || fail "$checkpoint was not served within $PATIENCE seconds"
    sleep 1
  done
  vincicoder eval run --url "http://127.0.0.1:$PORT/v1" --model "$name" --out "$EVALUATION" "$@" || code=$?
  ((code < 2)) || fail "vincicoder eval run ended with $code"
  stop
done
printf 'All %s checkpoints are compared in %s\n' "${#checkpoints[@]}" "$EVALUATION/report/report.md"
exit "$code"
