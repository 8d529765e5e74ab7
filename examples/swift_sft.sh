# shellcheck shell=bash disable=SC2034
# What qwen3vl_8b_sft.sh and qwen25vl_7b_sft.sh share; they set the model and source this file.
#
#   VINCICODER_SFT_DATA=/data/VinciCoder-1.6M-SFT bash examples/SCRIPT [FLAG VALUE ...]
#
# FLAG VALUE are any further flags of `swift sft`; they override those here. DRY_RUN=1 prints the command and stops.
# SMOKE=1 runs three updates of the same with a tiny random model on the CPU, on a few rows of its own or of
# VINCICODER_SFT_DATA, to test the set-up before there is a GPU. On several nodes run the same line on each, with
# NNODES, NODE_RANK, MASTER_ADDR and MASTER_PORT set; with SMOKE=1 too, to see whether they find each other.
#
# ENCODE=1 CACHE=DIR encodes the data and stops, on machines without a GPU: every row once, to learn its length. A run
# with the same CACHE then starts without that. Several machines share the work with PART=1/4, PART=2/4 and so on.
#
# Environment variables, with their defaults:
#   SWIFT            the swift command                                   [swift]
#   MODEL            the model to train: hub id or directory             [the script's]
#   DATASET          data sets: vincicoder-sft, vincicoder-sft:chart/web#100000, vincicoder-records,
#                    files or directories, separated by spaces           [vincicoder-sft]
#   VINCICODER_SFT_DATA, VINCICODER_RECORDS_DATA    local directories of the public set and of your own records
#   MIX              shares of rows by subset, such as "chart=2 web=1 svg-direct=1"; an epoch ends with the first subset
#                    that has no more rows                               [none: all rows]
#   REFINE_SHARE     share of refinements among the rows, 0 to 1; each subset of MIX needs both kinds   [as it comes]
#   HELD_OUT         share of the images of vincicoder-* sets that are kept for evaluation; its loss is logged for each
#                    domain and task every SAVE_STEPS. 0: none. Tables only                     [0.001]
#   CACHE, ENCODE, PART   see above; a directory that all nodes see      [none, 0, 1/1]
#   RESUME           auto: go on from the newest checkpoint in OUTPUT, if there is one; or a checkpoint's directory;
#                    with the same data and as many GPUs                 [none]
#   USE_HF           true: models and data from Hugging Face, false: from ModelScope          [true]
#   NNODES, NODE_RANK, MASTER_ADDR, MASTER_PORT                          [1, 0, 127.0.0.1, 29500]
#   GPUS_PER_NODE                                                        [8]
#   SMOKE_PROCESSES  the same for SMOKE=1                                [1]
#   SHARDING         zero2, zero3, zero3_offload, a DeepSpeed JSON file, fsdp2, or none       [zero2]
#   TUNER            full or lora                                        [full]
#   PACKING          true: fill sequences of MAX_LENGTH with several rows. Every row is encoded once before training
#                    to learn its length, unless STREAMING=true. Needs flash-attn             [true]
#   STREAMING        true: read rows while training instead of making a table of them first. The length of a stream
#                    is unknown, so MAX_STEPS is needed                  [false]
#   BATCH            what an update trains on, on all GPUs together, in BATCH_UNIT            [128]
#   BATCH_UNIT       rows, tokens or sequences. With PACKING a sequence holds several rows: rows and tokens become
#                    the nearest number of sequences that all GPUs can share, and the script says which    [rows]
#   ROW_TOKENS       mean tokens of a row with its image, for that conversion   [as CACHE has it, else 2200]
#   MICRO_BATCH      sequences per GPU at a time                         [1]
#   EPOCHS, MAX_STEPS, LR    MAX_STEPS -1: as EPOCHS says                [1, -1, 1e-5; 1e-4 with lora]
#   MAX_LENGTH       tokens of a row; longer ones are left out           [16384]
#   PACK_LENGTH      tokens that packing fills a sequence with; a longer row is one by itself [MAX_LENGTH]
#   MIN_TOKENS, MAX_TOKENS   tokens of an image                          [256, 4096]
#   FREEZE_VIT       true: leave the vision tower as it is               [false]
#   WORKERS          processes that prepare data                         [8]
#   SAVE_STEPS, SAVE_LIMIT   updates between checkpoints, and how many are kept                [500, 3]
#   OUTPUT           checkpoints and logs                                [output/NAME]
#   REPORT_TO        tensorboard, wandb, swanlab or none                 [tensorboard]
: "${NAME:?}" "${MODEL_TYPE:?}" "${SIDE:?}"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [[ ${1:-} == --help || ${1:-} == -h ]]; then
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0"
  sed -n '3,/^: /{/^: /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
  exit
fi
[[ ${SKIP_CHECKS:-0} == 1 ]] || ! command -v python3 >/dev/null ||
  python3 "$root/examples/misspelt.py" "$0" "${BASH_SOURCE[0]}" || exit 2
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 2; }

: "${SWIFT:=swift}" "${DATASET:=vincicoder-sft}" "${USE_HF:=true}"
: "${NNODES:=1}" "${NODE_RANK:=0}" "${MASTER_ADDR:=127.0.0.1}" "${MASTER_PORT:=29500}" "${GPUS_PER_NODE:=8}"
: "${SHARDING:=zero2}" "${TUNER:=full}" "${PACKING:=true}" "${STREAMING:=false}" "${FREEZE_VIT:=false}"
: "${BATCH:=128}" "${BATCH_UNIT:=rows}" "${ROW_TOKENS:=}" "${MICRO_BATCH:=1}" "${EPOCHS:=1}" "${MAX_STEPS:=-1}"
: "${MAX_LENGTH:=16384}" "${PACK_LENGTH:=$MAX_LENGTH}"
: "${MIN_TOKENS:=256}" "${MAX_TOKENS:=4096}" "${WORKERS:=8}" "${SAVE_STEPS:=500}" "${SAVE_LIMIT:=3}"
: "${OUTPUT:=output/$NAME}" "${REPORT_TO:=tensorboard}" "${SMOKE:=0}" "${DRY_RUN:=0}"
: "${HELD_OUT:=0.001}" "${MIX:=}" "${REFINE_SHARE:=}" "${RESUME:=none}" "${CACHE:=}" "${ENCODE:=0}" "${PART:=1/1}"
: "${SMOKE_PROCESSES:=1}"
[[ $TUNER == full || $TUNER == lora ]] || fail "TUNER is '$TUNER'; expected full or lora"
: "${LR:=$([[ $TUNER == full ]] && echo 1e-5 || echo 1e-4)}"

command -v "$SWIFT" >/dev/null || fail "there is no command '$SWIFT'; install it with: pip install '${root}[swift]'"
python=$(dirname "$(command -v "$SWIFT")")/python
plugins=("$root/swift_plugins/vincicoder_sft.py" "$root/swift_plugins/vincicoder_sft_run.py")
read -ra datasets <<<"$DATASET"

if [[ $SMOKE == 1 ]]; then
  export HF_HUB_OFFLINE=1
  MODEL=$("$python" "$root/examples/smoke_model.py" "$OUTPUT/smoke-model-$NODE_RANK" --kind "$MODEL_TYPE")
  if [[ $DATASET == vincicoder-sft* && -z ${VINCICODER_SFT_DATA:-} ]]; then
    "$python" "$root/examples/smoke_data.py" "$OUTPUT/smoke-data-$NODE_RANK" --layout sft
    export VINCICODER_SFT_DATA=$OUTPUT/smoke-data-$NODE_RANK
    datasets=(vincicoder-sft)
  fi
  datasets=("${datasets[@]/%#*/}")
  datasets=("${datasets[@]/%/#8}")
  plugins+=("$root/examples/smoke_tokens.py" "$root/examples/smoke_packing.py")
  GPUS_PER_NODE=$SMOKE_PROCESSES SHARDING=none BATCH=$((NNODES * SMOKE_PROCESSES)) BATCH_UNIT=sequences MAX_STEPS=3
  LR=1e-3 WORKERS=1 REPORT_TO=none MIN_TOKENS=4 MAX_TOKENS=64 MAX_LENGTH=1024 PACK_LENGTH=512 HELD_OUT=0
fi
for variable in VINCICODER_SFT_DATA VINCICODER_RECORDS_DATA; do
  [[ -z ${!variable:-} || -e ${!variable} ]] || fail "$variable is '${!variable}', which does not exist"
done
held_out=()
if [[ $HELD_OUT != 0 && $STREAMING != true ]]; then
  for each in "${datasets[@]%%#*}"; do
    case $each in
      vincicoder-sft | vincicoder-sft:* | vincicoder-records | vincicoder-records:*)
        name=${each%%:*}
        held_out+=("$name-held-out${each#"$name"}")
        ;;
    esac
  done
  export VINCICODER_HELD_OUT=$HELD_OUT
fi
shares=()
if [[ -n $MIX$REFINE_SHARE ]]; then
  [[ $DATASET == vincicoder-sft ]] || fail "MIX and REFINE_SHARE choose among vincicoder-sft, but DATASET is '$DATASET'"
  [[ ${REFINE_SHARE:-0.5} =~ ^(0(\.[0-9]+)?|1(\.0+)?)$ ]] || fail "REFINE_SHARE is '$REFINE_SHARE'; expected 0 to 1"
  datasets=()
  # Without MIX, the subsets of all domains together.
  for entry in ${MIX:-chart/web/svg/latex/chemistry/others=1}; do
    [[ $entry =~ ^([a-z/-]+)=([0-9]+(\.[0-9]+)?)$ ]] ||
      fail "MIX has '$entry'; expected a subset and its share, such as chart=2"
    names=${BASH_REMATCH[1]} share=${BASH_REMATCH[2]}
    if [[ -z $REFINE_SHARE || $names == *-direct || $names == *-refine ]]; then
      datasets+=("vincicoder-sft:$names")
      shares+=("$share 1")
    else
      datasets+=("vincicoder-sft:${names//\//-direct/}-direct" "vincicoder-sft:${names//\//-refine/}-refine")
      shares+=("$share $(awk "BEGIN { print 1 - $REFINE_SHARE }")" "$share $REFINE_SHARE")
    fi
  done
  mapfile -t shares < <(printf '%s\n' "${shares[@]}" |
    awk '{ share[NR] = $1 * $2; sum += share[NR] } END { for (i = 1; i <= NR; i++) printf "%.12g\n", share[i] / sum }')
fi
[[ $STREAMING != true || $MAX_STEPS -gt 0 ]] || fail "the length of a stream is unknown; set MAX_STEPS"
if [[ $SMOKE != 1 || $((NNODES * SMOKE_PROCESSES)) -gt 1 ]]; then
  export NPROC_PER_NODE=$GPUS_PER_NODE NNODES NODE_RANK MASTER_ADDR MASTER_PORT
fi
# Newer versions of qwen-vl-utils count tokens, older ones pixels.
export IMAGE_MIN_TOKEN_NUM=$MIN_TOKENS IMAGE_MAX_TOKEN_NUM=$MAX_TOKENS
export MIN_PIXELS=$((MIN_TOKENS * SIDE * SIDE)) MAX_PIXELS=$((MAX_TOKENS * SIDE * SIDE))

# What both encoding and training go by, and what lengths in a cache depend on.
data=(
  --model "$MODEL" --model_type "$MODEL_TYPE" --template "$MODEL_TYPE" --use_hf "$USE_HF"
  --external_plugins "${plugins[@]}" --split_dataset_ratio 0 --load_from_cache_file true --dataset_num_proc "$WORKERS"
  --max_length "$MAX_LENGTH" --truncation_strategy delete
)
rows=(--dataset "${datasets[@]}")
((${#held_out[@]} == 0)) || rows+=(--val_dataset "${held_out[@]}")
((${#shares[@]} < 2)) || rows+=(--interleave_prob "${shares[@]}")
encoded="MODEL_TYPE=$MODEL_TYPE MAX_LENGTH=$MAX_LENGTH MIN_TOKENS=$MIN_TOKENS MAX_TOKENS=$MAX_TOKENS"

if [[ $ENCODE == 1 ]]; then
  [[ -n $CACHE ]] || fail "ENCODE=1 needs CACHE, the directory that the encoded rows go to"
  [[ $PART =~ ^([1-9][0-9]*)/([1-9][0-9]*)$ ]] || fail "PART is '$PART'; expected a part and how many there are, such as 2/4"
  export VINCICODER_PART=$PART
  unset NPROC_PER_NODE NNODES
  part=$CACHE/part-${PART/\//-of-}
  [[ ! -e $part/encoded.txt ]] || fail "$part is encoded already; remove it to encode it again"
  rm -rf "$part"
  command=("$SWIFT" export --to_cached_dataset true "${data[@]}" "${rows[@]}" --output_dir "$part" "$@")
  if [[ $DRY_RUN == 1 ]]; then
    printf '%q ' "${command[@]}"
    echo
    exit
  fi
  "${command[@]}"
  PYTHONPATH=$root "$python" -m vincicoder data lengths "$part" --side "$SIDE" --min-tokens "$MIN_TOKENS" \
    --max-tokens "$MAX_TOKENS" --out "$part/lengths.json"
  echo "$encoded" >"$part/encoded.txt"
  exit
fi
if [[ -n $CACHE ]]; then
  parts=("$CACHE"/part-*-of-*/)
  [[ -f ${parts[0]}encoded.txt ]] || fail "CACHE is '$CACHE', which holds no encoded rows; make them with ENCODE=1"
  for part in "${parts[@]}"; do
    count=${part##*-of-}
    ((${#parts[@]} == ${count%/})) && [[ -f ${part}encoded.txt ]] ||
      fail "CACHE is '$CACHE', where a part is missing or unfinished; encode each part of the same number once"
    [[ $(<"${part}encoded.txt") == "$encoded" ]] ||
      fail "CACHE was encoded with $(<"${part}encoded.txt"), but this run has $encoded; encode it again"
  done
  # The files begin with the numbers of rows and of tokens.
  [[ -n $ROW_TOKENS ]] || ROW_TOKENS=$(awk -F '[:,]' '{ rows += $2; tokens += $4 } END { printf "%.0f", tokens / rows }' \
    "${parts[@]/%/lengths.json}")
  rows=(--cached_dataset "${parts[@]/%/train}")
  [[ ! -d ${parts[0]}val ]] || rows+=(--cached_val_dataset "${parts[@]/%/val}")
fi
: "${ROW_TOKENS:=2200}"
((PACK_LENGTH <= MAX_LENGTH)) || fail "PACK_LENGTH is $PACK_LENGTH; expected at most MAX_LENGTH, which is $MAX_LENGTH"
share=$((NNODES * GPUS_PER_NODE * MICRO_BATCH)) # sequences that all GPUs take at a time
filled=$PACK_LENGTH                             # tokens of a sequence
[[ $PACKING == true ]] || filled=$ROW_TOKENS    # each row is one
case $BATCH_UNIT in
  sequences) tokens=$((BATCH * filled)) ;;
  rows) tokens=$((BATCH * ROW_TOKENS)) ;;
  tokens) tokens=$BATCH ;;
  *) fail "BATCH_UNIT is '$BATCH_UNIT'; expected rows, tokens or sequences" ;;
esac
if [[ $BATCH_UNIT == tokens || $BATCH_UNIT == rows && $PACKING == true ]]; then
  # The nearest multiple, and at least one; `vincicoder plan --stage sft` reckons in the same way.
  steps=$(((2 * tokens + filled * share) / (2 * filled * share)))
  ((steps > 0)) || steps=1
else
  steps=$((BATCH / share))
  ((steps * share == BATCH)) || fail "BATCH is $BATCH, which is no multiple of MICRO_BATCH x GPUs = $share"
fi

case $RESUME in
  none) ;;
  auto)
    newest=$(for each in "$OUTPUT"/{,v*/}checkpoint-*/trainer_state.json; do
      [[ ! -f $each ]] || printf '%s %s\n' "$(basename "${each%/*}" | tr -dc 0-9)" "${each%/*}"
    done | sort -n | tail -1)
    RESUME=${newest#* }
    ;;
  *) [[ -f $RESUME/trainer_state.json ]] || fail "RESUME is '$RESUME', which is no checkpoint; expected auto or a directory" ;;
esac

flags=(
  "${data[@]}" "${rows[@]}" --streaming "$STREAMING" --packing "$PACKING" --dataloader_num_workers "$WORKERS"
  --callbacks vincicoder_sft --enable_channel_loss true
  --tuner_type "$TUNER" --freeze_llm false --freeze_vit "$FREEZE_VIT" --freeze_aligner false
  --per_device_train_batch_size "$MICRO_BATCH" --gradient_accumulation_steps "$steps"
  --num_train_epochs "$EPOCHS" --max_steps "$MAX_STEPS"
  --learning_rate "$LR" --lr_scheduler_type cosine --warmup_ratio 0.05 --weight_decay 0.1 --max_grad_norm 1.0
  --logging_steps 1 --report_to "$REPORT_TO" --output_dir "$OUTPUT"
)
if [[ $SMOKE == 1 ]]; then
  flags+=(--torch_dtype float32 --attn_impl "$([[ $PACKING == true ]] && echo sdpa || echo eager)" --check_model false)
  flags+=(--save_strategy no --use_cpu true)
  ((share == 1)) || flags+=(--ddp_backend gloo) # alone there is no group of processes
else
  flags+=(--torch_dtype bfloat16 --gradient_checkpointing true --save_steps "$SAVE_STEPS" --save_total_limit "$SAVE_LIMIT")
  flags+=(--attn_impl "$([[ $PACKING == true ]] && echo flash_attn || echo sdpa)")
  case $SHARDING in
    none) ;;
    fsdp2) flags+=(--fsdp fsdp2) ;;
    *) flags+=(--deepspeed "$SHARDING") ;;
  esac
fi
[[ $RESUME == none || -z $RESUME ]] || flags+=(--resume_from_checkpoint "$RESUME")
[[ $PACKING != true ]] || flags+=(--packing_length "$PACK_LENGTH" --packing_num_proc "$WORKERS")
command=("$SWIFT" sft "${flags[@]}" "$@")
say_batch() {
  printf '%s: %s %s an update were asked for; it has %s sequences, about %s rows, %s tokens\n' "$(basename "$0")" \
    "$BATCH" "$BATCH_UNIT" $((steps * share)) $((steps * share * filled / ROW_TOKENS)) $((steps * share * filled)) >&2
}

if [[ $DRY_RUN == 1 ]]; then
  say_batch
  printf '%q ' "${command[@]}"
  echo
  exit
fi
if [[ $SMOKE != 1 ]]; then
  gpus=$("$python" -c 'import torch; print(torch.cuda.device_count())' 2>/dev/null || echo 0)
  ((gpus >= GPUS_PER_NODE)) || fail "GPUS_PER_NODE is $GPUS_PER_NODE, but this machine has $gpus GPUs; SMOKE=1 needs none"
  has() { "$python" -c "import importlib.util as u, sys; sys.exit(u.find_spec('$1') is None)"; }
  [[ $PACKING != true ]] || has flash_attn || fail "packing needs flash-attn; install it, or set PACKING=false"
  [[ $SHARDING == none || $SHARDING == fsdp2 ]] || has deepspeed ||
    fail "SHARDING=$SHARDING needs DeepSpeed; run: pip install deepspeed, or set SHARDING=fsdp2"
  say_batch
fi
exec "${command[@]}"
