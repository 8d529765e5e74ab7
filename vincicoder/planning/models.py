"""The shapes of the models that are trained, and how many parameters follow from them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vincicoder.errors import ConfigError

QWEN3, QWEN25 = "qwen3_vl", "qwen2_5_vl"


@dataclass(frozen=True)
class Vision:
    """The vision tower of a model, named as in ``vision_config`` of its ``config.json``.

    Attributes:
        deepstack: Blocks whose output also goes to the language model; each has a merger of its own.
        positions: Learned positions; 0 where the tower has none.
        window: Patches of a window that attention stays in; 0 where it sees all.
        whole: Blocks that see all in spite of windows.
    """

    depth: int
    hidden: int
    intermediate: int
    heads: int
    out_hidden: int
    patch: int
    deepstack: int = 0
    positions: int = 0
    temporal_patch: int = 2
    merge: int = 2
    channels: int = 3
    window: int = 0
    whole: int = 0

    def seen(self, patches: float) -> float:
        """Return how many patches each patch sees, summed over the blocks."""
        whole = self.whole if self.window else self.depth
        return whole * patches + (self.depth - whole) * min(patches, self.window)

    @property
    def patches_per_token(self) -> int:
        """Patches that are merged into one token of the language model."""
        return self.merge**2


@dataclass(frozen=True)
class Shape:
    """What of a vision-language model decides its memory and its time.

    Attributes:
        name: How the model is called here.
        family: ``"qwen3_vl"`` or ``"qwen2_5_vl"``.
        tied: Whether the output layer is the embedding.

    Example:
        >>> shape = shape_of("8b")
        >>> shape.parameters
        8767123696
        >>> shape.kv_bytes_per_token() // 1024
        144
    """

    name: str
    family: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    tied: bool
    vision: Vision

    @property
    def queries(self) -> int:
        """Width of all query heads together."""
        return self.heads * self.head_size

    @property
    def keys(self) -> int:
        """Width of all key heads together; the values are as wide."""
        return self.kv_heads * self.head_size

    @property
    def layer_parameters(self) -> int:
        """Parameters of one layer of the language model."""
        attention = self.hidden * (2 * self.queries + 2 * self.keys)
        # Qwen3 normalises queries and keys, Qwen2.5 has biases on queries, keys and values.
        extra = 2 * self.head_size if self.family == QWEN3 else self.queries + 2 * self.keys
        return attention + extra + 3 * self.hidden * self.intermediate + 2 * self.hidden

    @property
    def embedding_parameters(self) -> int:
        """Parameters of the embedding and of the output layer."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def block_parameters(self) -> int:
        """Parameters of one block of the vision tower."""
        hidden, inner = self.vision.hidden, self.vision.intermediate
        attention = 4 * hidden * hidden + 4 * hidden
        if self.family == QWEN3:
            return attention + 2 * hidden * inner + inner + hidden + 4 * hidden
        return attention + 3 * hidden * inner + 2 * inner + hidden + 2 * hidden

    @property
    def vision_parameters(self) -> int:
        """Parameters of the vision tower, its mergers included."""
        vision, hidden = self.vision, self.vision.hidden
        merged = hidden * vision.merge**2
        merger = merged * merged + merged + merged * vision.out_hidden + vision.out_hidden
        patch = vision.channels * vision.temporal_patch * vision.patch**2 * hidden
        blocks = vision.depth * self.block_parameters
        if self.family == QWEN25:
            return patch + blocks + merger + hidden
        deepstack = vision.deepstack * (merger + 2 * merged)
        return patch + hidden + vision.positions * hidden + blocks + merger + 2 * hidden + deepstack

    @property
    def text_parameters(self) -> int:
        """Parameters of the language model."""
        return self.layers * self.layer_parameters + self.embedding_parameters + self.hidden

    @property
    def parameters(self) -> int:
        """Parameters of the whole model."""
        return self.text_parameters + self.vision_parameters

    @property
    def root_parameters(self) -> int:
        """Parameters outside layers and blocks, which sharded training gathers for the whole of a step."""
        return self.parameters - self.layers * self.layer_parameters - self.vision.depth * self.block_parameters

    def kv_bytes_per_token(self, itemsize: int = 2) -> int:
        """Return the bytes of keys and values that one token leaves in the cache.

        Args:
            itemsize: Bytes of a number; 2 for bfloat16.

        Example:
            >>> shape_of("qwen2.5-vl-7b").kv_bytes_per_token() // 1024
            56
        """
        return 2 * self.layers * self.keys * itemsize


def _qwen3(name: str, text: tuple[int, int, int, int], tied: bool, large_vision: bool) -> Shape:
    layers, hidden, intermediate, heads = text
    vision = (
        Vision(27, 1152, 4304, 16, hidden, 16, deepstack=3, positions=2304)
        if large_vision
        else Vision(24, 1024, 4096, 16, hidden, 16, deepstack=3, positions=2304)
    )
    return Shape(name, QWEN3, layers, hidden, intermediate, heads, 8, 128, 151936, tied, vision)


def _qwen25(name: str, text: tuple[int, int, int, int, int], vocabulary: int, tied: bool) -> Shape:
    layers, hidden, intermediate, heads, kv_heads = text
    vision = Vision(32, 1280, 3420, 16, hidden, 14, window=64, whole=4)
    return Shape(name, QWEN25, layers, hidden, intermediate, heads, kv_heads, 128, vocabulary, tied, vision)


# From config.json of Qwen/Qwen3-VL-*-Instruct and Qwen/Qwen2.5-VL-*-Instruct on the Hugging Face hub. The parameters
# that follow are those that the hub shows for the checkpoints, to the unit; the tests hold the numbers.
MODELS = {
    each.name: each
    for each in (
        _qwen3("qwen3-vl-2b", (28, 2048, 6144, 16), True, False),
        _qwen3("qwen3-vl-4b", (36, 2560, 9728, 32), True, False),
        _qwen3("qwen3-vl-8b", (36, 4096, 12288, 32), False, True),
        _qwen3("qwen3-vl-32b", (64, 5120, 25600, 64), False, True),
        _qwen25("qwen2.5-vl-3b", (36, 2048, 11008, 16, 2), 151936, True),
        _qwen25("qwen2.5-vl-7b", (28, 3584, 18944, 28, 4), 152064, False),
    )
}
"""The models that are known by name."""

# The short names are the models of the paper, and those between.
SHORT = {name.rpartition("-")[2]: name for name in MODELS}


def shape_of(model: str) -> Shape:
    """Return the shape of a model.

    Args:
        model: A name of `MODELS`, its size such as ``"8b"``, or a directory with a ``config.json``.

    Raises:
        ConfigError: The model is not known, or the directory holds no configuration of a known family.

    Example:
        >>> shape_of("qwen3-vl-4b").layers
        36
    """
    name = model.lower()
    if found := MODELS.get(SHORT.get(name, name)):
        return found
    if Path(model).is_dir():
        return read_shape(Path(model))
    raise ConfigError(
        f"model is {model!r}; expected one of: {', '.join(SHORT)}, {', '.join(MODELS)}, or a directory with config.json"
    )


def read_shape(directory: Path) -> Shape:
    """Return the shape that a directory's ``config.json`` describes.

    Args:
        directory: A checkpoint, as ``save_pretrained`` writes it.

    Raises:
        ConfigError: There is no such file, or it describes no model of a known family.
    """
    path = directory / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
        family = config["model_type"]
        if family not in (QWEN3, QWEN25):
            raise ConfigError(f"{path}: model_type is {family!r}; expected {QWEN3} or {QWEN25}")
        return _shape(directory.name, family, config)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path} is no configuration of a vision-language model: {error!r}") from error


def _shape(name: str, family: str, config: dict[str, Any]) -> Shape:
    text = config.get("text_config", config)  # older files of Qwen2.5-VL have these at the top
    vision = config["vision_config"]
    heads, hidden = int(text["num_attention_heads"]), int(text["hidden_size"])
    return Shape(
        name=name,
        family=family,
        layers=int(text["num_hidden_layers"]),
        hidden=hidden,
        intermediate=int(text["intermediate_size"]),
        heads=heads,
        kv_heads=int(text["num_key_value_heads"]),
        # Qwen2.5's own code ignores head_dim.
        head_size=int(text.get("head_dim") or hidden // heads) if family == QWEN3 else hidden // heads,
        vocabulary=int(text["vocab_size"]),
        tied=bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))),
        vision=Vision(
            depth=int(vision["depth"]),
            hidden=int(vision["hidden_size"]),
            intermediate=int(vision["intermediate_size"]),
            heads=int(vision["num_heads"]),
            out_hidden=int(vision["out_hidden_size"]),
            patch=int(vision["patch_size"]),
            deepstack=len(vision.get("deepstack_visual_indexes", ())),
            positions=int(vision.get("num_position_embeddings", 0)) if family == QWEN3 else 0,
            temporal_patch=int(vision.get("temporal_patch_size", 2)),
            merge=int(vision.get("spatial_merge_size", 2)),
            channels=int(vision.get("in_channels", vision.get("in_chans", 3))),
            window=(int(vision.get("window_size", 0)) // int(vision["patch_size"])) ** 2 if family == QWEN25 else 0,
            whole=len(vision.get("fullatt_block_indexes", ())),
        ),
    )
