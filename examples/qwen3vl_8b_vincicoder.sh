#!/usr/bin/env bash
# Visual RL of Qwen3-VL-8B with EasyR1 and the VinciCoder reward, with the paper's settings.
#
#   EASYR1_HOME=~/EasyR1 MODEL=path/to/your-sft-model bash examples/qwen3vl_8b_vincicoder.sh [KEY=VALUE ...]
#
# KEY=VALUE are any further EasyR1 settings; they override those here. DRY_RUN=1 prints the command and stops,
# SKIP_CHECKS=1 starts without checking first. For several nodes start Ray beforehand, then run this on the head:
#   export RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0
#   ray start --head --port=6379          and on the others:  ray start --address=HEAD:6379
#
# Environment variables, with their defaults:
#   EASYR1_HOME      checkout of EasyR1; not needed if EasyR1 is installed
#   PYTHON           interpreter that has EasyR1 and vincicoder          [python3]
#   MODEL            the model to train: hub id or directory             [DocTron-Hub/VinciCoder-8B-SFT]
#   TRAIN_FILES      file, directory or hub id, as name or name@split    [DocTron-Hub/VinciCoder-42k-RL]
#   VAL_FILES        EasyR1 needs some, and scores them once at the end  [64 rows of TRAIN_FILES]
#   PROMPT_KEY, ANSWER_KEY, IMAGE_KEY   names of the columns             [problem, answer, images]
#   IMAGE_DIR        directory that relative paths in the data start from
#   NNODES, GPUS_PER_NODE                                                [2, 8]
#   TENSOR_PARALLEL  GPUs per rollout engine                             [4]
#   GPU_MEMORY       share of a GPU that a rollout engine takes          [0.35]
#   REWARD_CPUS      CPUs of each of EasyR1's two reward actors, which do not render          [1]
#   REWARD_WORKERS   renders at a time on each node                     [one per CPU]
#   REWARD_ENCODER   DINOv2's hub id or directory, or embedded           [facebook/dinov2-large]
#   REWARD_DEVICE    where it runs; a GPU is shared with the trainer     [cuda]
#   EPOCHS, LR       passes over the data; learning rate                 [1, 1.0e-6]
#   BATCH, GROUP     prompts per step; responses per prompt              [256, 8]
#   MAX_PROMPT, MAX_RESPONSE    tokens                                   [6144, 10240]
#   TRUNCATED        what a response gets that MAX_RESPONSE cuts off: zero, mask or soft      [zero]
#   LOGGER           EasyR1's loggers, as a list                         [["console","file"]]
#   EXPERIMENT       name of the run                                     [qwen3vl-8b-vincicoder]
#   CHECKPOINT_DIR   where checkpoints go, and are resumed from          [checkpoints/EXPERIMENT]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [[ ${1:-} == --help || ${1:-} == -h ]]; then
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
  exit
fi
[[ ${SKIP_CHECKS:-0} == 1 ]] || ! command -v python3 >/dev/null ||
  python3 "$root/examples/misspelt.py" "${BASH_SOURCE[0]}" || exit 2

: "${PYTHON:=python3}"
: "${MODEL:=DocTron-Hub/VinciCoder-8B-SFT}"
: "${TRAIN_FILES:=DocTron-Hub/VinciCoder-42k-RL}"
# A slice of the training rows: there is no separate validation set, and EasyR1 cannot do without one.
: "${VAL_FILES:=${TRAIN_FILES%@*}@train[:64]}"
: "${PROMPT_KEY:=problem}" "${ANSWER_KEY:=answer}" "${IMAGE_KEY:=images}" "${IMAGE_DIR:=}"
: "${NNODES:=2}" "${GPUS_PER_NODE:=8}" "${TENSOR_PARALLEL:=4}" "${GPU_MEMORY:=0.35}"
: "${REWARD_CPUS:=1}" "${REWARD_WORKERS:=}"
: "${REWARD_ENCODER:=facebook/dinov2-large}" "${REWARD_DEVICE:=cuda}"
: "${EPOCHS:=1}" "${LR:=1.0e-6}" "${BATCH:=256}" "${GROUP:=8}"
: "${MAX_PROMPT:=6144}" "${MAX_RESPONSE:=10240}" "${TRUNCATED:=zero}"
: "${LOGGER:=[\"console\",\"file\"]}" "${EXPERIMENT:=qwen3vl-8b-vincicoder}"
: "${CHECKPOINT_DIR:=checkpoints/$EXPERIMENT}"

environment=(
  PYTHONUNBUFFERED=1
  PYTHONPATH="${EASYR1_HOME:+$EASYR1_HOME:}$root${PYTHONPATH:+:$PYTHONPATH}"
  # The reward shares a GPU without asking Ray for one, which EasyR1 cannot do; older versions of Ray would hide it.
  RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0
)
settings=(
  data.train_files="$TRAIN_FILES"
  data.val_files="$VAL_FILES"
  data.prompt_key="$PROMPT_KEY"
  data.answer_key="$ANSWER_KEY"
  data.image_key="$IMAGE_KEY"
  data.format_prompt=null
  data.max_prompt_length="$MAX_PROMPT"
  data.max_response_length="$MAX_RESPONSE"
  data.rollout_batch_size="$BATCH"
  data.mini_rollout_batch_size="$BATCH"
  data.min_pixels=262144
  data.max_pixels=4194304
  data.filter_overlong_prompts=false # a longer prompt loses its end, as in the release

  algorithm.adv_estimator=grpo
  algorithm.disable_kl=true

  worker.actor.global_batch_size="$BATCH"
  worker.actor.micro_batch_size_per_device_for_update=1
  worker.actor.micro_batch_size_per_device_for_experience=2
  worker.actor.max_grad_norm=1.0
  worker.actor.padding_free=true
  worker.actor.dynamic_batching=true
  worker.actor.model.model_path="$MODEL"
  worker.actor.model.enable_gradient_checkpointing=true
  worker.actor.model.trust_remote_code=false
  worker.actor.model.freeze_vision_tower=false
  worker.actor.optim.lr="$LR"
  worker.actor.optim.weight_decay=1.0e-2
  worker.actor.optim.strategy=adamw_bf16
  worker.actor.optim.lr_warmup_ratio=0.0
  worker.actor.fsdp.torch_dtype=bf16
  worker.actor.offload.offload_params=true
  worker.actor.offload.offload_optimizer=true

  worker.rollout.n="$GROUP"
  worker.rollout.temperature=1.0
  worker.rollout.top_p=1.0
  worker.rollout.tensor_parallel_size="$TENSOR_PARALLEL"
  worker.rollout.gpu_memory_utilization="$GPU_MEMORY"
  worker.rollout.max_num_batched_tokens=$((MAX_PROMPT + MAX_RESPONSE + 6144))
  # Without n=1 the final validation gets eight responses where it expects one.
  worker.rollout.val_override_config.n=1
  worker.rollout.val_override_config.temperature=0.6
  worker.rollout.val_override_config.top_p=0.95

  worker.reward.reward_function="$root/verl_rewards/vincicoder_easyr1.py:compute_score"
  worker.reward.num_cpus="$REWARD_CPUS"
  worker.reward.reward_function_kwargs.encoder="$REWARD_ENCODER"

  trainer.total_epochs="$EPOCHS"
  trainer.nnodes="$NNODES"
  trainer.n_gpus_per_node="$GPUS_PER_NODE"
  trainer.project_name=vincicoder
  trainer.experiment_name="$EXPERIMENT"
  trainer.logger="$LOGGER"
  trainer.val_freq=-1
  trainer.val_before_train=false
  trainer.save_freq=5
  trainer.save_limit=30
  trainer.save_checkpoint_path="$CHECKPOINT_DIR"
)
if [[ $REWARD_ENCODER != embedded ]]; then
  settings+=(worker.reward.reward_function_kwargs.device="$REWARD_DEVICE")
fi
if [[ -n $REWARD_WORKERS ]]; then
  settings+=(worker.reward.reward_function_kwargs.workers="$REWARD_WORKERS")
fi
if [[ $TRUNCATED != zero ]]; then
  settings+=(worker.reward.reward_function_kwargs.truncated="$TRUNCATED")
  settings+=(worker.reward.reward_function_kwargs.max_response="$MAX_RESPONSE")
fi
if [[ -n $IMAGE_DIR ]]; then
  IMAGE_DIR=$(realpath "$IMAGE_DIR") # the reward works in another directory, perhaps on another node
  settings+=(data.image_dir="$IMAGE_DIR" worker.reward.reward_function_kwargs.image_dir="$IMAGE_DIR")
fi
command=(env "${environment[@]}" "$PYTHON" -m verl.trainer.main "${settings[@]}" "$@")

if [[ ${DRY_RUN:-0} == 1 ]]; then
  printf '%q ' "${command[@]}"
  echo
  exit
fi
if [[ ${SKIP_CHECKS:-0} != 1 ]]; then
  env "${environment[@]}" "$PYTHON" "$root/examples/easyr1_checks.py" --train-files "$TRAIN_FILES" --val-files "$VAL_FILES"
  check=(--trainer easyr1 --nodes "$NNODES" --gpus "$GPUS_PER_NODE" --reward-cpus "$REWARD_CPUS")
  check+=(--columns "problem=$PROMPT_KEY,answer=$ANSWER_KEY,images=$IMAGE_KEY")
  for setting in "${settings[@]}" "$@"; do
    [[ $setting != worker.reward.reward_function_kwargs.* ]] || check+=(--option "$setting")
  done
  train=${TRAIN_FILES%@*}
  [[ ! -d $train && ! ($train == *.@(parquet|jsonl) && -f $train) ]] || check+=(--data "$train")
  env "${environment[@]}" "$PYTHON" -m vincicoder check "${check[@]}" || {
    echo "Not started: see above what is wrong and how to fix it; SKIP_CHECKS=1 starts all the same." >&2
    exit 1
  }
fi
exec "${command[@]}"
