"""EasyR1's stock reward manager in small, and what its trainer hands to it."""

from __future__ import annotations

import types
from collections import defaultdict

import numpy as np

FILE = "vincicoder_easyr1.py"


class CharacterTokenizer:
    """A token is a character; 0 pads, and 1 is a special token."""

    pad_token_id = 0

    def encode(self, text: str) -> list[int]:
        return [ord(each) for each in text]

    def decode(self, tokens, skip_special_tokens: bool) -> str:
        return "".join(chr(each) for each in tokens if each > 1 or not skip_special_tokens)


class Manager:
    """Passes on what EasyR1 passes on, and what VinciCoder's fork adds if ``fork`` is set."""

    def __init__(self, reward_fn, fork: bool = False):
        self.reward_fn = reward_fn
        self.fork = fork
        self.tokenizer = CharacterTokenizer()

    def compute_reward(self, data):
        return self.compute_reward_batch(data)

    def compute_reward_batch(self, data):
        inputs = []
        for index, tokens in enumerate(data.batch["responses"]):
            length = int((tokens != 0).sum())
            given = {
                "response": self.tokenizer.decode(tokens[:length], skip_special_tokens=True),
                "response_length": length,
                "ground_truth": data.non_tensor_batch["ground_truth"][index],
            }
            if self.fork:
                given["multi_modal_data"] = data.non_tensor_batch["multi_modal_data"][index]
                given["problem"] = data.non_tensor_batch["prompt_str"][index]
            inputs.append(given)
        scores = self.reward_fn(inputs)
        rewards = np.zeros(data.batch["responses"].shape, np.float32)
        metrics = defaultdict(list)
        for index, score in enumerate(scores):
            rewards[index, inputs[index]["response_length"] - 1] = score["overall"]
            for key, value in score.items():
                metrics[key].append(value)
        return rewards, metrics


def batch(responses: list[str], prompts: list[str] | None = None, **columns):
    """What EasyR1 hands to its manager: padded tokens, and object arrays for all other columns."""
    tokenizer = CharacterTokenizer()
    length = max(map(len, responses))
    tokens = np.array([tokenizer.encode(text.ljust(length, "\0")) for text in responses])
    tensors = {"responses": tokens}
    if prompts:
        width = max(map(len, prompts))
        tensors["prompts"] = np.array([tokenizer.encode(text.rjust(width, "\0")) for text in prompts])
    arrays = {}
    for name, values in columns.items():
        arrays[name] = np.empty(len(values), dtype=object)
        arrays[name][:] = values
    return types.SimpleNamespace(batch=tensors, non_tensor_batch=arrays)
