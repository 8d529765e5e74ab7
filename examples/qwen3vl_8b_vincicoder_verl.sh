#!/usr/bin/env bash
# Visual RL of Qwen3-VL-8B with verl 0.9 or later and the VinciCoder reward, with the paper's settings.
#
#   MODEL=path/to/your-sft-model TRAIN_FILES=/data/rl/train.parquet bash examples/qwen3vl_8b_vincicoder_verl.sh [KEY=VALUE ...]
#
# KEY=VALUE are any further verl settings; they override those here. DRY_RUN=1 prints the command and stops,
# SKIP_CHECKS=1 starts without `vincicoder check`. For several nodes start Ray beforehand (`ray start --head`, on the others `ray start --address=HEAD:6379`), then run this
# on the head. The data are Parquet files in verl's layout, with the columns prompt and images.
#
# Environment variables, with their defaults:
#   PYTHON           interpreter that has verl and vincicoder            [python3]
#   MODEL            the model to train: hub id or directory             [DocTron-Hub/VinciCoder-8B-SFT]
#   TRAIN_FILES      Parquet files, as one path or a list [a,b]          (none: must be given)
#   VAL_FILES        scored at the end                                   [TRAIN_FILES, or BENCHMARKS]
#   BENCHMARKS       benchmarks to validate on, such as unisvg,chartmimic  [none]
#   VALIDATION       where `vincicoder eval export --layout verl` wrote them  [validation]
#   EVAL_STEPS       steps from one validation to the next               [20]
#   NNODES, GPUS_PER_NODE                                                [2, 8]
#   TENSOR_PARALLEL  GPUs per rollout engine                             [4]
#   GPU_MEMORY       share of a GPU that a rollout engine takes          [0.35]
#   REWARD_ENCODER   DINOv2's hub id or directory, or embedded           [facebook/dinov2-large]
#   REWARD_DEVICE    where it runs; a GPU is shared with the trainer     [cuda]
#   REWARD_WORKERS   renders at a time on each node                     [one per CPU]
#   LEAST_SPREAD     standard deviation of a group's rewards below which nothing is learned from it  [0]
#   EPOCHS, LR       passes over the data; learning rate                 [1, 1e-6]
#   BATCH, GROUP     prompts per step; responses per prompt              [256, 8]
#   MAX_PROMPT, MAX_RESPONSE    tokens                                   [6144, 10240]
#   TRUNCATED        what a response gets that MAX_RESPONSE cuts off: zero, mask or soft      [zero]
#   LOGGER           verl's loggers, as a list                           [["console","tensorboard"]]
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
fail() { printf 'qwen3vl_8b_vincicoder_verl.sh: %s\n' "$*" >&2; exit 2; }

: "${PYTHON:=python3}" "${MODEL:=DocTron-Hub/VinciCoder-8B-SFT}" "${TRAIN_FILES:=}" "${VAL_FILES:=}"
: "${BENCHMARKS:=}" "${VALIDATION:=validation}" "${EVAL_STEPS:=20}"
: "${NNODES:=2}" "${GPUS_PER_NODE:=8}" "${TENSOR_PARALLEL:=4}" "${GPU_MEMORY:=0.35}"
: "${REWARD_ENCODER:=facebook/dinov2-large}" "${REWARD_DEVICE:=cuda}" "${REWARD_WORKERS:=}" "${LEAST_SPREAD:=0}"
: "${EPOCHS:=1}" "${LR:=1e-6}" "${BATCH:=256}" "${GROUP:=8}" "${MAX_PROMPT:=6144}" "${MAX_RESPONSE:=10240}"
: "${TRUNCATED:=zero}"
: "${LOGGER:=[\"console\",\"tensorboard\"]}" "${EXPERIMENT:=qwen3vl-8b-vincicoder}"
: "${CHECKPOINT_DIR:=checkpoints/$EXPERIMENT}"

[[ -n $TRAIN_FILES ]] || fail "TRAIN_FILES is not set; give the Parquet files to train on, in verl's layout"
files=()
for name in ${BENCHMARKS//,/ }; do
  [[ -f $VALIDATION/$name.parquet ]] ||
    fail "there is no $VALIDATION/$name.parquet; run: vincicoder eval export $name --samples 50 --layout verl --out $VALIDATION"
  files+=("$(realpath "$VALIDATION/$name.parquet")")
done
validated=$(IFS=,; echo "[${files[*]}]")
[[ -n $VAL_FILES ]] || { [[ -n $BENCHMARKS ]] && VAL_FILES=$validated || VAL_FILES=$TRAIN_FILES; }
settings=(
  data.train_files="$TRAIN_FILES"
  data.val_files="$VAL_FILES"
  data.prompt_key=prompt
  data.image_key=images
  data.max_prompt_length="$MAX_PROMPT"
  data.max_response_length="$MAX_RESPONSE"
  data.train_batch_size="$BATCH"
  data.filter_overlong_prompts=true
  data.truncation=error

  algorithm.adv_estimator=grpo
  algorithm.use_kl_in_reward=false
  algorithm.rollout_correction.rollout_is=null

  actor_rollout_ref.model.path="$MODEL"
  actor_rollout_ref.model.enable_gradient_checkpointing=true
  actor_rollout_ref.model.use_remove_padding=true
  actor_rollout_ref.actor.optim.lr="$LR"
  actor_rollout_ref.actor.optim.weight_decay=1e-2
  actor_rollout_ref.actor.optim.lr_warmup_steps_ratio=0.0
  actor_rollout_ref.actor.freeze_vision_tower=false
  actor_rollout_ref.actor.ppo_mini_batch_size="$BATCH"
  actor_rollout_ref.actor.use_dynamic_bsz=true
  actor_rollout_ref.actor.ppo_max_token_len_per_gpu=$((MAX_PROMPT + MAX_RESPONSE))
  actor_rollout_ref.actor.policy_loss.loss_mode=vanilla
  actor_rollout_ref.actor.loss_agg_mode=token-mean
  actor_rollout_ref.actor.clip_ratio_low=0.2
  actor_rollout_ref.actor.clip_ratio_high=0.3
  actor_rollout_ref.actor.clip_ratio_c=3.0
  actor_rollout_ref.actor.use_kl_loss=false
  actor_rollout_ref.actor.entropy_coeff=0
  actor_rollout_ref.actor.grad_clip=1.0
  actor_rollout_ref.actor.fsdp_config.param_offload=true
  actor_rollout_ref.actor.fsdp_config.optimizer_offload=true

  actor_rollout_ref.rollout.name=vllm
  actor_rollout_ref.rollout.n="$GROUP"
  actor_rollout_ref.rollout.temperature=1.0
  actor_rollout_ref.rollout.top_p=1.0
  actor_rollout_ref.rollout.tensor_model_parallel_size="$TENSOR_PARALLEL"
  actor_rollout_ref.rollout.gpu_memory_utilization="$GPU_MEMORY"
  actor_rollout_ref.rollout.max_num_batched_tokens=$((MAX_PROMPT + MAX_RESPONSE))
  actor_rollout_ref.rollout.log_prob_use_dynamic_bsz=true
  actor_rollout_ref.rollout.log_prob_max_token_len_per_gpu=$((MAX_PROMPT + MAX_RESPONSE))

  reward.reward_manager.source=importlib
  reward.reward_manager.name=VinciCoderRewardManager
  reward.reward_manager.module.path="$root/verl_rewards/vincicoder_manager.py"
  +reward.reward_kwargs.encoder="$REWARD_ENCODER"
  trainer.v1.sampler.custom_sampler.path="$root/verl_rewards/vincicoder_sampler.py"
  trainer.v1.sampler.custom_sampler.name=VinciCoderReplayBuffer
  +trainer.v1.sampler.sampler_kwargs.least_spread="$LEAST_SPREAD"

  trainer.total_epochs="$EPOCHS"
  trainer.nnodes="$NNODES"
  trainer.n_gpus_per_node="$GPUS_PER_NODE"
  trainer.project_name=vincicoder
  trainer.experiment_name="$EXPERIMENT"
  trainer.logger="$LOGGER"
  trainer.val_before_train=false
  trainer.test_freq=-1
  trainer.save_freq=5
  trainer.max_actor_ckpt_to_keep=30
  trainer.default_local_dir="$CHECKPOINT_DIR"
)
[[ $REWARD_ENCODER == embedded ]] || settings+=(+reward.reward_kwargs.device="$REWARD_DEVICE")
[[ -z $BENCHMARKS ]] ||
  settings+=(+reward.reward_kwargs.benchmarks="[$BENCHMARKS]" trainer.test_freq="$EVAL_STEPS"
    trainer.validation_data_dir="$CHECKPOINT_DIR/validation")
[[ $TRUNCATED == zero ]] || settings+=(+reward.reward_kwargs.truncated="$TRUNCATED")
[[ -z $REWARD_WORKERS ]] || settings+=(+reward.reward_kwargs.workers="$REWARD_WORKERS")
command=("$PYTHON" -m verl.trainer.main_ppo "${settings[@]}" "$@")

if [[ ${DRY_RUN:-0} == 1 ]]; then
  printf '%q ' "${command[@]}"
  echo
  exit
fi
has() { "$PYTHON" -c "import importlib.util as u, sys; sys.exit(u.find_spec('$1') is None)"; }
has verl && has verl.experimental.reward_loop || fail "$PYTHON has no verl >= 0.9; run: pip install '$root[verl]'"
export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
if [[ ${SKIP_CHECKS:-0} != 1 ]]; then
  check=(--trainer verl --nodes "$NNODES" --gpus "$GPUS_PER_NODE")
  for setting in "${settings[@]}" "$@"; do
    [[ ${setting#+} != reward.reward_kwargs.* || $setting == *.benchmarks=* ]] || check+=(--option "$setting")
  done
  IFS=, read -ra trained <<<"${TRAIN_FILES//[\[\] ]/}"
  for each in "${trained[@]}"; do
    check+=(--data "$each")
  done
  "$PYTHON" -m vincicoder check "${check[@]}" ||
    fail "see above what is wrong and how to fix it; SKIP_CHECKS=1 starts all the same"
fi
exec "${command[@]}"
