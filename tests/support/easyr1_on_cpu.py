"""Runs EasyR1's own ``verl.trainer.main`` without a GPU: settings KEY=VALUE, as EasyR1 takes them.

Settings, data, the loop of the trainer, both reward managers and the loggers are EasyR1's. Its workers need vLLM, so a
policy that is sampled with transformers, and learns nothing, stands in their place. It prints its samples, a line
``SAMPLES`` with JSON for each time that it is asked, and ends after the time that a checkpoint takes to write.
"""

from __future__ import annotations

import json
import sys
import time
import types
from typing import Any

_CHECKPOINT_SECONDS = 10


def _stub(module: str, name: str) -> None:
    """Put an empty class in place of a module that cannot be imported without vLLM."""
    sys.modules[module] = types.ModuleType(module)
    setattr(sys.modules[module], name, type(name, (), {}))


_stub("verl.workers.rollout.vllm_rollout_spmd", "vLLMRollout")
_stub("verl.workers.fsdp_workers", "FSDPWorker")

import numpy as np  # noqa: E402
import ray  # noqa: E402
import torch  # noqa: E402
from tensordict import TensorDict  # noqa: E402
from transformers import AutoModelForImageTextToText  # noqa: E402
from verl.protocol import DataProto  # noqa: E402
from verl.trainer import main, ray_trainer  # noqa: E402
from verl.utils import torch_functional  # noqa: E402
from verl.utils.dataset import process_image  # noqa: E402


class Policy:
    """What the trainer asks of its workers."""

    world_size = 1

    def __init__(self, trainer: Any) -> None:
        self.config, self.tokenizer, self.processor = trainer.config, trainer.tokenizer, trainer.processor
        self.model = AutoModelForImageTextToText.from_pretrained(self.config.worker.actor.model.model_path).eval()

    def prepare_rollout_engine(self) -> None: ...

    def release_rollout_engine(self) -> None: ...

    def generate_sequences(self, prompts: DataProto) -> DataProto:
        count = prompts.meta_info.get("n", self.config.worker.rollout.n)
        longest = self.config.data.max_response_length
        pixels = prompts.meta_info["min_pixels"], prompts.meta_info["max_pixels"]
        shown = prompts.non_tensor_batch["multi_modal_data"]
        images = [process_image(each["images"][0], *pixels) for each in shown]
        rows = zip(prompts.non_tensor_batch["raw_prompt_ids"], images, strict=True)
        answers = [answer for prompt, image in rows for answer in self._sampled(prompt, image, count, longest)]
        texts = [self.tokenizer.decode(answer, skip_special_tokens=True) for answer in answers]
        colours = [image.getpixel((0, 0)) for image in images for _ in range(count)]
        print("SAMPLES", json.dumps(list(zip(texts, colours, strict=True))), flush=True)

        responses = torch_functional.pad_2d_list_to_length(answers, self.tokenizer.pad_token_id, max_length=longest)
        before, mask, places = (
            prompts.batch[name].repeat_interleave(count, 0) for name in ("input_ids", "attention_mask", "position_ids")
        )
        written = torch_functional.get_response_mask(responses, self.tokenizer.eos_token_id, mask.dtype)
        further = places[..., -1:] + torch.arange(1, longest + 1)
        batch = {"prompts": before, "responses": responses, "response_mask": written}
        batch |= {"input_ids": torch.cat([before, responses], -1), "attention_mask": torch.cat([mask, written], -1)}
        batch["position_ids"] = torch.cat([places, further], -1)
        return DataProto(TensorDict(batch, len(responses)), {"multi_modal_data": np.repeat(shown, count, 0)})

    def _sampled(self, prompt: list[int], image: Any, count: int, longest: int) -> list[list[int]]:
        text = self.tokenizer.decode(prompt)
        inputs = self.processor(text=[text], images=[image], return_tensors="pt")
        ends = {"eos_token_id": self.tokenizer.eos_token_id, "pad_token_id": self.tokenizer.pad_token_id}
        with torch.no_grad():
            found = self.model.generate(
                **inputs, **ends, do_sample=True, top_k=0, max_new_tokens=longest, num_return_sequences=count
            )
        return [each[inputs["input_ids"].shape[1] :].tolist() for each in found]

    def compute_log_probs(self, batch: DataProto) -> DataProto:
        return DataProto.from_dict({"old_log_probs": torch.zeros(batch.batch["responses"].shape)})

    def update_actor(self, batch: DataProto) -> DataProto:
        return DataProto(non_tensor_batch={"actor/pg_loss": np.zeros(1)})


def _init_workers(trainer: Any) -> None:
    trainer.actor_rollout_ref_wg = Policy(trainer)


def _here(runner: Any) -> Any:
    """Return what makes EasyR1's runner in this process, where the policy is, and not as an actor."""
    actual = runner.__ray_metadata__.modified_class()
    run = types.SimpleNamespace(remote=lambda config: ray.put(actual.run(config)))
    return types.SimpleNamespace(remote=lambda: types.SimpleNamespace(run=run))


if __name__ == "__main__":
    torch.manual_seed(0)
    ray_trainer.RayPPOTrainer.init_workers = _init_workers
    ray_trainer.RayPPOTrainer._save_checkpoint = lambda trainer: time.sleep(_CHECKPOINT_SECONDS)
    main.Runner = _here(main.Runner)
    main.main()
