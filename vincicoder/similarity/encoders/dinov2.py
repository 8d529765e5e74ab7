"""DINOv2 through transformers: the encoder that the reward is defined by."""

from __future__ import annotations

import functools
import operator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.errors import EncoderError
from vincicoder.registry import install_command
from vincicoder.similarity.encoders._torch import TokenEncoder, choose_device, choose_dtype
from vincicoder.similarity.tiling import TILE

if TYPE_CHECKING:
    import torch

_MODEL_TYPES = ("dinov2", "dinov2_with_registers")


def load(name: str, *, device: str | None, dtype: str | None, batch_tiles: int) -> TokenEncoder:
    """Load a DINOv2 by hub id or local directory, with registers or without, with a classifier head or without.

    Raises:
        ConfigError: The device or dtype cannot be used.
        EncoderError: torch or transformers is missing, the weights are not found or not complete, or they are
            of another network.
    """
    source = _source(name)
    try:
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        raise EncoderError(
            f"Encoder {name!r} needs torch and transformers ({error}). Install them with "
            f"`{install_command('dinov2')}`, or use encoder='embedded', which needs neither."
        ) from error
    where = choose_device(device)
    precision = choose_dtype(dtype, where)
    model = _load_model(name, source).to(device=where, dtype=precision).eval()
    # Without its final layer norm the network yields what transformers calls hidden_states[-1], and the
    # states of the other layers are freed on the way.
    model.layernorm = torch.nn.Identity()
    _fix_positions(model)

    def forward(pixels: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = model(pixel_values=pixels).last_hidden_state
        return tokens

    prefix = 1 + getattr(model.config, "num_register_tokens", 0)
    first = functools.partial(_class_token, model) if _is_known(model.encoder.layer[-1]) else None
    return TokenEncoder(name, forward, prefix, where, precision, batch_tiles, first)


def _fix_positions(model: Any) -> None:
    """Interpolate the embeddings of the patches' positions once, as all tiles have one size, and not for each batch."""
    import torch

    embeddings = model.embeddings
    with torch.no_grad():
        tokens = embeddings.position_embeddings.new_empty(1, (TILE // model.config.patch_size) ** 2 + 1, 1)
        tokens = tokens.expand(-1, -1, embeddings.position_embeddings.shape[-1])
        table = embeddings.interpolate_pos_encoding(tokens, TILE, TILE)
    embeddings.interpolate_pos_encoding = lambda *_: table


_PARTS = "norm1 attention.attention.query attention.attention.key attention.attention.value attention.output.dense "
_PARTS += "attention.attention.num_attention_heads layer_scale1 norm2 mlp layer_scale2"


def _is_known(layer: Any) -> bool:
    """Return whether a layer has the parts that ``_class_token`` uses, as in all versions of transformers so far."""
    try:
        operator.attrgetter(*_PARTS.split())(layer)
    except AttributeError:
        return False
    return True


def _class_token(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Return the class token alone: shape ``[B, 1, D]``.

    Nothing comes after the last layer, so there the other tokens are looked at but not computed, which saves a
    thirtieth of all.
    """
    from torch.nn.functional import scaled_dot_product_attention

    tokens = model.embeddings(pixels)
    *layers, last = model.encoder.layer
    for layer in layers:
        tokens = layer(tokens)
        tokens = tokens[0] if isinstance(tokens, tuple) else tokens  # until transformers 4.56
    attention, normed = last.attention.attention, last.norm1(tokens)

    def heads(projected: torch.Tensor) -> torch.Tensor:
        return projected.view(*projected.shape[:2], attention.num_attention_heads, -1).transpose(1, 2)

    query, key, value = attention.query(normed[:, :1]), attention.key(normed), attention.value(normed)
    seen = scaled_dot_product_attention(heads(query), heads(key), heads(value)).transpose(1, 2).flatten(2)
    token = last.layer_scale1(last.attention.output.dense(seen)) + tokens[:, :1]
    result: torch.Tensor = token + last.layer_scale2(last.mlp(last.norm2(token)))
    return result


def _load_model(name: str, source: str) -> Any:
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise _not_found(name, error) from error
    if config.model_type not in _MODEL_TYPES:
        raise EncoderError(
            f"Encoder {name!r} is a network of type {config.model_type!r}; expected one of "
            f"{', '.join(_MODEL_TYPES)}, such as facebook/dinov2-large."
        )
    try:
        model, loaded = AutoModel.from_pretrained(source, config=config, output_loading_info=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise _not_found(name, error) from error
    # transformers fills what a checkpoint lacks with random numbers. The mask token serves training only.
    missing = sorted(key for key in loaded["missing_keys"] if not key.endswith("mask_token"))
    if missing:
        raise EncoderError(
            f"Encoder {name!r} lacks {len(missing)} weights, such as {missing[0]!r}: the checkpoint is not "
            "complete or not of a DINOv2. Download it again."
        )
    return model


def _source(name: str) -> str:
    """Return the hub id or the directory that a name means; a directory must be there, whether torch is or not."""
    if not name.startswith(("~", ".", "/")):
        return name
    directory = Path(name).expanduser()
    if not (directory / "config.json").is_file():
        state = "has no config.json" if directory.is_dir() else "does not exist"
        raise _not_found(name, FileNotFoundError(f"{directory} {state}"))
    return str(directory)


def _not_found(name: str, error: Exception) -> EncoderError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return EncoderError(
        f"The weights of encoder {name!r} cannot be loaded: {reason}\n"
        "Expected the hub id of a DINOv2 or a directory with its config.json and weights. To get them:\n"
        "  hf download facebook/dinov2-large --local-dir dinov2-large  (or huggingface-cli download)\n"
        "  modelscope download --model facebook/dinov2-large --local_dir dinov2-large\n"
        "and give the directory: encoder='dinov2-large'. For a trial without weights, on the CPU, there is "
        "encoder='embedded'."
    )
