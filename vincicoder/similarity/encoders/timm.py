"""Networks of timm: DINOv2 with the same embedding as through transformers, and any other by its pooled embedding."""

from __future__ import annotations

import difflib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.errors import ConfigError, EncoderError
from vincicoder.registry import install_command
from vincicoder.similarity.encoders._torch import TokenEncoder, TorchEncoder, choose_device, choose_dtype
from vincicoder.similarity.tiling import TILE

if TYPE_CHECKING:
    import torch


def load(name: str, *, device: str | None, dtype: str | None, batch_tiles: int) -> TorchEncoder:
    """Load ``timm:NAME`` with the weights that timm downloads, ``timm:NAME@CHECKPOINT`` with a file's.

    The file is a ``.safetensors``, ``.pth`` or ``.bin`` in timm's layout; for a DINOv2, also in that of its original
    release. A DINOv2 sees tiles at their own size. Every other network sees them at the size, and with the mean and
    the standard deviation, that timm names for it, and what it would hand to a classifier is the embedding.

    Raises:
        ConfigError: The device or dtype cannot be used.
        EncoderError: torch or timm is missing, timm has no such network, the network yields no embedding of a tile, or
            its weights are not found.
    """
    try:
        import timm  # noqa: F401
        import torch
    except ImportError as error:
        raise EncoderError(
            f"Encoder {name!r} needs torch and timm ({error}). Install them with "
            f"`{install_command('timm')}`, or use encoder='embedded', which needs neither."
        ) from error
    network, _, checkpoint = name.removeprefix("timm:").partition("@")
    if not network or name == "timm":
        raise ConfigError(
            f"encoder={name!r} names no network. Expected 'timm:NAME' or 'timm:NAME@CHECKPOINT', such as "
            "'timm:vit_large_patch14_dinov2.lvd142m'."
        )
    where = choose_device(device)
    precision = choose_dtype(dtype, where)
    model = _load_model(name, network, checkpoint)
    if "dinov2" not in network:
        return _pooled(name, model.to(device=where, dtype=precision).eval(), where, precision, batch_tiles)
    _fit_to_tiles(model)
    # Its final norm would come after the state that the reward is defined by.
    model.norm = torch.nn.Identity()
    model = model.to(device=where, dtype=precision).eval()

    def forward(pixels: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = model.forward_features(pixels)
        return tokens

    return TokenEncoder(name, forward, model.num_prefix_tokens, where, precision, batch_tiles)


def _pooled(name: str, model: Any, device: torch.device, dtype: torch.dtype, batch_tiles: int) -> TorchEncoder:
    """Return an encoder by a network's pooled embedding.

    Raises:
        EncoderError: The network does not take a tile, or yields something else.
    """
    import torch

    wanted = import_module("timm.data").resolve_model_data_config(model)
    size = tuple(wanted["input_size"][1:])
    smoothed = wanted["interpolation"] if wanted["interpolation"] in ("bicubic", "bilinear") else "bicubic"

    def forward(pixels: torch.Tensor) -> torch.Tensor:
        if size != (TILE, TILE):  # in float32, as not every device resizes in half precision
            resized = torch.nn.functional.interpolate(pixels.float(), size, mode=smoothed, antialias=True)
            pixels = resized.to(pixels.dtype)
        embeddings: torch.Tensor = model(pixels)
        return embeddings

    try:
        with torch.inference_mode():
            found = tuple(forward(torch.zeros(1, 3, TILE, TILE, device=device, dtype=dtype)).shape)
    except (RuntimeError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise _no_embedding(name, f"it cannot be given a tile: {error}") from error
    if len(found) != 2 or not found[1]:
        raise _no_embedding(name, f"it yields an array of shape {found} for one tile, not one vector")
    return TorchEncoder(name, forward, device, dtype, batch_tiles, wanted["mean"], wanted["std"])


def _no_embedding(name: str, reason: str) -> EncoderError:
    return EncoderError(
        f"Encoder {name!r} does not work: {reason.splitlines()[0]}. Expected a network of timm's for RGB images that "
        "yields one pooled vector for an image, such as a ViT, a ConvNeXt or an EfficientNet."
    )


def _load_model(name: str, network: str, checkpoint: str) -> Any:
    import timm

    if not timm.is_model(network):
        known = timm.list_models()
        near = difflib.get_close_matches(network.partition(".")[0], known, 3) or timm.list_models("*dinov2*")
        raise EncoderError(
            f"Encoder {name!r}: timm {timm.__version__} has no network {network!r}; of the {len(known)} that it has, "
            f"these come nearest: {', '.join(near)}."
        )
    options: dict[str, Any] = {}
    if checkpoint:
        file = Path(checkpoint).expanduser()
        if not file.is_file():
            raise _not_found(name, f"there is no file {file}")
        options["pretrained_cfg_overlay"] = {"file": str(file)}
    try:
        return timm.create_model(network, pretrained=True, num_classes=0, **options)
    except Exception as error:
        raise _not_found(name, str(error).strip() or type(error).__name__) from error


def _fit_to_tiles(model: Any) -> None:
    """Resample the position embeddings for tiles just as today's transformers does.

    timm would smooth them on the way, which shifts every embedding; transformers does so only for the
    networks with registers, following the original release.
    """
    import torch

    learned = model.pos_embed.detach()
    prefix = 0 if model.no_embed_class else model.num_prefix_tokens
    side = round((learned.shape[1] - prefix) ** 0.5)
    model.set_input_size(img_size=(TILE, TILE))
    patches = learned[:, prefix:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    resampled = torch.nn.functional.interpolate(
        patches,
        size=model.patch_embed.grid_size,
        mode="bicubic",
        align_corners=False,
        antialias=model.reg_token is not None,
    )
    fitted = torch.cat([learned[:, :prefix], resampled.flatten(2).transpose(1, 2)], dim=1)
    model.pos_embed = torch.nn.Parameter(fitted, requires_grad=False)


def _not_found(name: str, reason: str) -> EncoderError:
    return EncoderError(
        f"The weights of encoder {name!r} cannot be loaded: {reason.splitlines()[0]}\n"
        "Expected a network whose weights timm can download, or 'timm:NAME@CHECKPOINT' with a local file. "
        "To get one:\n"
        "  hf download timm/vit_large_patch14_dinov2.lvd142m model.safetensors --local-dir dinov2-timm\n"
        "and give encoder='timm:vit_large_patch14_dinov2.lvd142m@dinov2-timm/model.safetensors'. For a trial "
        "without weights, on the CPU, there is encoder='embedded'."
    )
