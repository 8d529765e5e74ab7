"""DINOv2 through transformers: the encoder that the reward is defined by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.errors import EncoderError
from vincicoder.registry import install_command
from vincicoder.similarity.encoders._torch import TokenEncoder, choose_device, choose_dtype

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

    def forward(pixels: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = model(pixel_values=pixels).last_hidden_state
        return tokens

    prefix = 1 + getattr(model.config, "num_register_tokens", 0)
    return TokenEncoder(name, forward, prefix, where, precision, batch_tiles)


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
