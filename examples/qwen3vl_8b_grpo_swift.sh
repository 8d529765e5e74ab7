#!/usr/bin/env bash
# Visual RL of Qwen3-VL-8B with ms-swift's GRPO and the VinciCoder reward, with the paper's settings.
#
#   MODEL=path/to/your-sft-model bash examples/qwen3vl_8b_grpo_swift.sh [FLAG VALUE ...]
#
# FLAG VALUE are any further flags of `swift rlhf`; they override those here. DRY_RUN=1 prints the command and
# stops, SKIP_CHECKS=1 starts without `vincicoder check`. SMOKE=1 runs two steps of the same with a tiny random model and a few rows that it makes, on the CPU, to test
# the set-up before there is a GPU.
#
# vLLM writes the responses, on the GPUs that train (VLLM=colocate) or on GPUs of its own (VLLM=server). For the latter,
# start the rollouts first, with the same variables, on the machine that VLLM_HOST names:
#   CUDA_VISIBLE_DEVICES=0,1,2,3 ROLE=rollout bash examples/qwen3vl_8b_grpo_swift.sh
#   CUDA_VISIBLE_DEVICES=4,5,6,7 GPUS_PER_NODE=4 VLLM=server bash examples/qwen3vl_8b_grpo_swift.sh
# On several nodes run the same line on each, with NNODES, NODE_RANK, MASTER_ADDR and MASTER_PORT set.
#
# Environment variables, with their defaults:
#   SWIFT            the swift command                                   [swift]
#   MODEL            the model to train: hub id or directory             [DocTron-Hub/VinciCoder-8B-SFT]
#   MODEL_TYPE       its architecture and template, as ms-swift names it [qwen3_vl]
#   DATASET          data set, file or directory                         [vincicoder-rl]
#   USE_HF           true: models and data from Hugging Face, false: from ModelScope          [true]
#   VINCICODER_RL_DATA    local directory with the public RL set
#   NNODES, NODE_RANK, MASTER_ADDR, MASTER_PORT                          [1, 0, 127.0.0.1, 29500]
#   GPUS_PER_NODE                                                        [8]
#   VLLM             colocate or server                                  [colocate]
#   VLLM_HOST, VLLM_PORT  where the rollouts are with VLLM=server        [127.0.0.1, 8000]
#   TENSOR_PARALLEL  GPUs per rollout engine                             [4]
#   GPU_MEMORY       share of a GPU that a colocated engine takes        [0.35]
#   DEEPSPEED        zero2, zero3, zero3_offload or a JSON file          [zero3]
#   BATCH, GROUP     prompts per step; responses per prompt              [256, 8]
#   MICRO_BATCH      responses per GPU at a time                         [2]
#   EPOCHS, LR       passes over the data; learning rate                 [1, 1e-6]
#   MAX_PROMPT, MAX_RESPONSE    tokens                                   [6144, 10240]
#   TRUNCATED        what a response gets that MAX_RESPONSE cuts off: zero, mask or soft      [zero]
#   MIN_TOKENS, MAX_TOKENS      tokens of an image (32 x 32 pixels each)                      [256, 4096]
#   BENCHMARKS       benchmarks to validate on, such as unisvg,chartmimic  [none]
#   VALIDATION       where `vincicoder eval export --layout swift` wrote them  [validation]
#   EVAL_STEPS       steps from one validation to the next               [20]
#   OUTPUT           checkpoints and logs                                [output/qwen3vl-8b-grpo]
#   REPORT_TO        tensorboard, wandb, swanlab or none                 [tensorboard]
# The reward is set by VINCICODER_REWARD_CONFIG, a YAML file, or by variables such as
#   VINCICODER_REWARD_ENCODER   DINOv2's hub id or directory, or embedded  [facebook/dinov2-large]
#   VINCICODER_REWARD_WORKERS   renders at a time on each node           [one per CPU]
#   VINCICODER_REWARD_DEVICE    where the encoder runs                   [a GPU if there is one]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [[ ${1:-} == --help || ${1:-} == -h ]]; then
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
  exit
fi
[[ ${SKIP_CHECKS:-0} == 1 ]] || ! command -v python3 >/dev/null ||
  python3 "$root/examples/misspelt.py" "${BASH_SOURCE[0]}" || exit 2
fail() { printf 'qwen3vl_8b_grpo_swift.sh: %s\n' "$*" >&2; exit 2; }

: "${SWIFT:=swift}" "${MODEL:=DocTron-Hub/VinciCoder-8B-SFT}" "${MODEL_TYPE:=qwen3_vl}" "${DATASET:=vincicoder-rl}"
: "${USE_HF:=true}" "${NNODES:=1}" "${NODE_RANK:=0}" "${MASTER_ADDR:=127.0.0.1}" "${MASTER_PORT:=29500}"
: "${GPUS_PER_NODE:=8}" "${VLLM:=colocate}" "${VLLM_HOST:=127.0.0.1}" "${VLLM_PORT:=8000}"
: "${TENSOR_PARALLEL:=4}" "${GPU_MEMORY:=0.35}" "${DEEPSPEED:=zero3}"
: "${BATCH:=256}" "${GROUP:=8}" "${MICRO_BATCH:=2}" "${EPOCHS:=1}" "${LR:=1e-6}"
: "${MAX_PROMPT:=6144}" "${MAX_RESPONSE:=10240}" "${MIN_TOKENS:=256}" "${MAX_TOKENS:=4096}"
: "${TRUNCATED:=zero}"
: "${BENCHMARKS:=}" "${VALIDATION:=validation}" "${EVAL_STEPS:=20}"
: "${OUTPUT:=output/qwen3vl-8b-grpo}" "${REPORT_TO:=tensorboard}" "${ROLE:=train}" "${SMOKE:=0}"

[[ $VLLM == colocate || $VLLM == server ]] || fail "VLLM is '$VLLM'; expected colocate or server"
[[ $TRUNCATED == zero || $TRUNCATED == mask || $TRUNCATED == soft ]] ||
  fail "TRUNCATED is '$TRUNCATED'; expected zero, mask or soft"
[[ $ROLE == train || $ROLE == rollout ]] || fail "ROLE is '$ROLE'; expected train or rollout"
[[ -z ${VINCICODER_RL_DATA:-} || -e $VINCICODER_RL_DATA ]] ||
  fail "VINCICODER_RL_DATA is '$VINCICODER_RL_DATA', which does not exist"
validation=()
for name in ${BENCHMARKS//,/ }; do
  [[ -f $VALIDATION/$name.parquet ]] ||
    fail "there is no $VALIDATION/$name.parquet; run: vincicoder eval export $name --samples 50 --layout swift --out $VALIDATION"
  validation+=("$VALIDATION/$name.parquet")
done
command -v "$SWIFT" >/dev/null || fail "there is no command '$SWIFT'; install it with: pip install '$root[swift]'"
python=$(dirname "$(command -v "$SWIFT")")/python

plugins=("$root/swift_plugins/vincicoder_sft.py" "$root/swift_plugins/vincicoder_grpo.py")

if [[ $SMOKE == 1 ]]; then
  export HF_HUB_OFFLINE=1 VINCICODER_REWARD_ENCODER=${VINCICODER_REWARD_ENCODER:-embedded}
  MODEL=$("$python" "$root/examples/smoke_model.py" "$OUTPUT/smoke-model" --kind "$MODEL_TYPE")
  if [[ $DATASET == vincicoder-rl && -z ${VINCICODER_RL_DATA:-} ]]; then
    "$python" "$root/examples/smoke_data.py" "$OUTPUT/smoke-data" --layout rl
    export VINCICODER_RL_DATA=$OUTPUT/smoke-data
  fi
  plugins+=("$root/examples/smoke_tokens.py")
  NNODES=1 GPUS_PER_NODE=1 BATCH=2 GROUP=2 MICRO_BATCH=4 MAX_PROMPT=1024 MAX_RESPONSE=32 MIN_TOKENS=4 MAX_TOKENS=64
  REPORT_TO=none
else
  export NPROC_PER_NODE=$GPUS_PER_NODE NNODES NODE_RANK MASTER_ADDR MASTER_PORT
fi
# Newer versions of qwen-vl-utils count tokens, older ones pixels.
export IMAGE_MIN_TOKEN_NUM=$MIN_TOKENS IMAGE_MAX_TOKEN_NUM=$MAX_TOKENS
export MIN_PIXELS=$((MIN_TOKENS * 1024)) MAX_PIXELS=$((MAX_TOKENS * 1024))

model=(--model "$MODEL" --model_type "$MODEL_TYPE" --template "$MODEL_TYPE" --use_hf "$USE_HF")
engine=(
  --vllm_tensor_parallel_size "$TENSOR_PARALLEL"
  --vllm_max_model_len $((MAX_PROMPT + MAX_RESPONSE))
)
if [[ $ROLE == rollout ]]; then
  command=("$SWIFT" rollout "${model[@]}" "${engine[@]}" --host "$VLLM_HOST" --port "$VLLM_PORT")
else
  world=$((NNODES * GPUS_PER_NODE))
  steps=$((BATCH * GROUP / (world * MICRO_BATCH)))
  ((steps * world * MICRO_BATCH == BATCH * GROUP)) ||
    fail "BATCH x GROUP is $((BATCH * GROUP)), which is no multiple of MICRO_BATCH x GPUs = $((world * MICRO_BATCH))"
  training=(
    --dataset "$DATASET" --external_plugins "${plugins[@]}"
    --reward_funcs vincicoder --callbacks vincicoder
    --num_generations "$GROUP" --temperature 1.0 --top_p 1.0 --beta 0 --num_iterations 1
    --loss_type dapo --scale_rewards group --epsilon 0.2 --epsilon_high 0.3 --delta 3.0
    --max_length "$MAX_PROMPT" --truncation_strategy delete --max_completion_length "$MAX_RESPONSE"
    --per_device_train_batch_size "$MICRO_BATCH" --gradient_accumulation_steps "$steps"
    --num_train_epochs "$EPOCHS" --learning_rate "$LR" --lr_scheduler_type constant --warmup_ratio 0
    --adam_beta1 0.9 --adam_beta2 0.999 --weight_decay 1e-2 --max_grad_norm 1.0
    --tuner_type full --freeze_vit false --freeze_aligner false
    --split_dataset_ratio 0 --dataset_num_proc 4 --dataloader_num_workers 4
    --logging_steps 1 --log_completions true --save_steps 5 --save_total_limit 30 --report_to "$REPORT_TO"
    --output_dir "$OUTPUT"
  )
  case $TRUNCATED in
    mask) training+=(--overlong_filter true) ;;
    soft)
      training+=(--reward_funcs vincicoder soft_overlong --soft_max_length "$MAX_RESPONSE")
      training+=(--soft_cache_length $((MAX_RESPONSE / 5)))
      ;;
  esac
  if [[ -n $BENCHMARKS ]]; then
    export VINCICODER_REWARD_BENCHMARKS=$BENCHMARKS
    export VINCICODER_REWARD_VALIDATION_DIR=${VINCICODER_REWARD_VALIDATION_DIR:-$OUTPUT/validation}
    training+=(--val_dataset "${validation[@]}" --eval_strategy steps --eval_steps "$EVAL_STEPS")
    training+=(--per_device_eval_batch_size "$MICRO_BATCH")
  fi
  if [[ $SMOKE == 1 ]]; then
    training+=(--use_vllm false --torch_dtype float32 --attn_impl eager --check_model false --max_steps 2)
    training+=(--save_strategy no --dataset_num_proc 1 --dataloader_num_workers 0 --add_version false)
  else
    training+=(--torch_dtype bfloat16 --gradient_checkpointing true --deepspeed "$DEEPSPEED" --use_vllm true)
    training+=(--vllm_mode "$VLLM")
    if [[ $VLLM == server ]]; then
      training+=(--vllm_server_host "$VLLM_HOST" --vllm_server_port "$VLLM_PORT")
    else
      training+=("${engine[@]}" --vllm_gpu_memory_utilization "$GPU_MEMORY" --sleep_level 1)
      training+=(--offload_model true --offload_optimizer true)
    fi
  fi
  command=("$SWIFT" rlhf --rlhf_type grpo "${model[@]}" "${training[@]}" "$@")
fi

if [[ ${DRY_RUN:-0} == 1 ]]; then
  printf '%q ' "${command[@]}"
  echo
  exit
fi
if [[ $SMOKE != 1 ]]; then
  gpus=$("$python" -c 'import torch; print(torch.cuda.device_count())' 2>/dev/null || echo 0)
  ((gpus >= GPUS_PER_NODE)) || fail "GPUS_PER_NODE is $GPUS_PER_NODE, but this machine has $gpus GPUs; SMOKE=1 needs none"
  for module in vllm deepspeed; do
    "$python" -c "import importlib.util as u, sys; sys.exit(u.find_spec('$module') is None)" ||
      fail "there is no $module beside ms-swift; run: pip install $module"
  done
  if [[ $ROLE == train && ${SKIP_CHECKS:-0} != 1 ]]; then
    check=(--trainer swift --nodes "$NNODES" --gpus "$GPUS_PER_NODE")
    rows=$DATASET
    [[ $DATASET != vincicoder-rl* ]] || rows=${VINCICODER_RL_DATA:-}
    [[ ! -e $rows ]] || check+=(--data "$rows")
    PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH} "$python" -m vincicoder check "${check[@]}" ||
      fail "see above what is wrong and how to fix it; SKIP_CHECKS=1 starts all the same"
  fi
fi
exec "${command[@]}"
