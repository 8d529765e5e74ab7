"""Lets verl's trainer run on a machine without a GPU, through the places that verl leaves for other hardware.

verl loads this file in every process when it is named in ``VERL_USE_EXTERNAL_MODULES``. It brings a platform, CPUs that
Ray takes for a GPU; a rollout engine, an actor that samples with transformers; and the way of the weights from trainer
to engine. The rest is verl's own. Use `settings` and `environment`.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
import torch
import torch.distributed
from verl.plugin.platform.platform_base import PlatformBase
from verl.plugin.platform.platform_manager import PlatformRegistry
from verl.workers.rollout import base, replica

ENGINE = "transformers_on_cpu"
_SERVER = "rollout-server-{rank}"
_MEMORY = 1 << 34  # bytes that verl is told the device has


def environment() -> dict[str, str]:
    """Return the variables that a job on CPUs needs."""
    return {
        "VERL_USE_EXTERNAL_MODULES": Path(__file__).stem,
        "VERL_PLATFORM": "cpu",
        "VERL_ENGINE_DEVICE": "cuda",  # names the engine class, not what it runs on
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }


def settings() -> list[str]:
    """Return the settings that a job on CPUs needs, for a model that fits in no time."""
    return [
        f"actor_rollout_ref.rollout.name={ENGINE}",
        "actor_rollout_ref.rollout.tensor_model_parallel_size=1",
        "actor_rollout_ref.rollout.agent.num_workers=1",
        "actor_rollout_ref.actor.strategy=fsdp2",
        "actor_rollout_ref.actor.fsdp_config.param_offload=false",
        "actor_rollout_ref.actor.fsdp_config.optimizer_offload=false",
        "actor_rollout_ref.model.use_remove_padding=false",
        "actor_rollout_ref.model.enable_gradient_checkpointing=false",
        "+actor_rollout_ref.model.override_config.attn_implementation=eager",
        "data.dataloader_num_workers=0",
        "reward.num_workers=2",
        "trainer.nnodes=1",
        "trainer.n_gpus_per_node=1",
        "trainer.logger=[console]",
        "trainer.save_freq=-1",
        "+ray_kwargs.ray_init.num_gpus=1",
        "ray_kwargs.ray_init.num_cpus=16",
        "+ray_kwargs.ray_init.include_dashboard=false",
        "transfer_queue.backend.SimpleStorage.num_data_storage_units=1",
    ]


def _device() -> types.ModuleType:
    """Return ``torch.cpu`` with the functions of an accelerator that it lacks; they have nothing to do."""
    device = types.ModuleType("device")
    device.__dict__.update({name: value for name, value in vars(torch.cpu).items() if not name.startswith("__")})

    def nothing(*args: object, **kwargs: object) -> None: ...

    def zero(*args: object, **kwargs: object) -> int:
        return 0

    for name in (
        *("empty_cache", "ipc_collect", "synchronize", "set_device", "set_rng_state", "reset_peak_memory_stats"),
        *("manual_seed", "manual_seed_all"),
    ):
        setattr(device, name, nothing)
    for name in (
        *("current_device", "memory_allocated", "memory_reserved", "max_memory_allocated", "max_memory_reserved"),
    ):
        setattr(device, name, zero)
    properties = types.SimpleNamespace(name="cpu", total_memory=_MEMORY)
    device.__dict__.update(
        is_available=lambda: True,
        device_count=lambda: 1,
        mem_get_info=lambda *_: (_MEMORY // 2, _MEMORY),
        get_rng_state=lambda *_: torch.get_rng_state(),
        get_device_name=lambda *_: "cpu",
        get_device_properties=lambda *_: properties,
        memory=types.SimpleNamespace(_set_allocator_settings=nothing),
    )
    return device


@PlatformRegistry.register(platform="cpu")
class CpuPlatform(PlatformBase):
    """CPUs, one of which stands for a GPU where Ray counts them."""

    device_name = "cpu"
    vendor_name = "cpu"
    device_module = _device()

    def is_available(self) -> bool:
        return True

    def is_platform_available(self, use_smi_check: bool = False) -> bool:
        return False  # never taken unless asked for by name

    def current_device(self) -> Any:
        return torch.device("cpu")

    def device_count(self) -> int:
        return 1

    def set_device(self, device_index: int) -> None: ...

    def synchronize(self, device_index: int | None = None) -> None: ...

    def manual_seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    def manual_seed_all(self, seed: int) -> None:
        torch.manual_seed(seed)

    def set_allocator_settings(self, settings: str) -> None: ...

    def empty_cache(self) -> None: ...

    def get_device_capability(self, device_index: int = 0) -> tuple[None, None]:
        return None, None

    def communication_backend_name(self) -> str:
        return "gloo"

    def visible_devices_envvar(self) -> str:
        return "CUDA_VISIBLE_DEVICES"

    @contextlib.contextmanager
    def nvtx_range(self, msg: str) -> Iterator[None]:
        yield

    def profiler_start(self) -> None: ...

    def profiler_stop(self) -> None: ...

    def ray_resource_name(self) -> str:
        return "GPU"

    def ray_noset_envvars(self) -> list[str]:
        return ["RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"]

    def is_ipc_supported(self) -> bool:
        return False

    def cudart(self) -> None: ...


class Server:
    """The rollout engine: an actor that samples from the policy."""

    def __init__(self, path: str, length: int) -> None:
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self._model = AutoModelForImageTextToText.from_pretrained(path, dtype=torch.float32).eval()
        self._images = AutoProcessor.from_pretrained(path).image_processor
        self._length = length
        self._step: int | None = None

    async def update_weights(self, weights: dict[str, Any], step: int | None) -> None:
        """Take the trainer's weights; all must be known, and none may be missing."""
        self._model.load_state_dict({name: torch.as_tensor(value) for name, value in weights.items()})
        self._step = step

    async def generate(
        self, *, prompt_ids: list[int], sampling_params: dict[str, Any], image_data: Any = None, **_: Any
    ) -> replica.TokenOutput:
        """Sample one response."""
        tokens = torch.tensor([prompt_ids])
        seen: dict[str, Any] = {"attention_mask": torch.ones_like(tokens)}
        if image_data:
            seen |= self._images(images=list(image_data), return_tensors="pt")
            seen["mm_token_type_ids"] = (tokens == self._model.config.image_token_id).long()
        heat = sampling_params["temperature"]
        sampling = {"do_sample": True, "temperature": heat, "top_k": 0} if heat else {"do_sample": False}
        with torch.no_grad():
            out = self._model.generate(
                tokens,
                **(seen | sampling),
                max_new_tokens=self._length,
                output_logits=True,
                return_dict_in_generate=True,
            )
        new = out.sequences[0, len(prompt_ids) :].tolist()
        steps = zip(out.logits, new, strict=True)
        likely = [torch.log_softmax(logits[0] / (heat or 1.0), -1)[token].item() for logits, token in steps]
        return replica.TokenOutput(
            token_ids=new, log_probs=likely, stop_reason="completed", extra_fields={"global_steps": self._step}
        )

    async def set_global_steps(self, step: int) -> None:
        self._step = step

    async def nothing(self, *args: object, **kwargs: object) -> None:
        """Do nothing, where an engine on a GPU makes room or stops."""

    wake_up = sleep = abort_all_requests = resume_generation = wait_for_requests_to_drain = nothing
    clear_kv_cache = release_kv_cache = resume_kv_cache = nothing


class Replica(replica.RolloutReplica):
    """What verl asks to start a server."""

    async def launch_servers(self) -> None:
        name = _SERVER.format(rank=self.replica_rank)
        actor = ray.remote(Server).options(name=name, num_cpus=0, max_concurrency=8)
        server = actor.remote(self.model_config.path, self.config.response_length)
        await server.nothing.remote()
        self.servers = [server]
        self._server_handle = server
        self._server_address = name


class Adapter(base.BaseRollout):
    """The trainer's side of the engine."""

    def __init__(self, config: Any, model_config: Any, device_mesh: Any, replica_rank: int = -1, **_: Any) -> None:
        super().__init__(config, model_config, device_mesh)
        self._server = _SERVER.format(rank=max(0, replica_rank))

    async def resume(self, tags: list[str]) -> None: ...

    async def release(self) -> None: ...

    async def update_weights(self, weights: Any, global_steps: int | None = None, **_: Any) -> None:
        arrays = {name: tensor.detach().float().cpu().numpy() for name, tensor in weights}
        await ray.get_actor(self._server).update_weights.remote(arrays, global_steps)


replica.RolloutReplicaRegistry.register(ENGINE, lambda: Replica)
base._ROLLOUT_REGISTRY[ENGINE, "async"] = f"{Path(__file__).stem}.Adapter"

_init_process_group = torch.distributed.init_process_group


def _with_one_backend(backend: str | None = None, *args: Any, **kwargs: Any) -> Any:
    """verl asks for a backend of CPUs and one of the device, which are the same here and may be named once only."""
    return _init_process_group("gloo" if backend and backend.count("cpu:") > 1 else backend, *args, **kwargs)


torch.distributed.init_process_group = _with_one_backend
