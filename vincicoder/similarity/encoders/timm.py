"""DINOv2 through timm: the same embedding as through transformers, for those who have timm's weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.errors import ConfigError, EncoderError
from vincicoder.registry import install_command
from vincicoder.similarity.encoders._torch import TorchEncoder, choose_device, choose_dtype
from vincicoder.similarity.tiling import TILE

if TYPE_CHECKING:
    import torch


def load(name: str, *, device: str | None, dtype: str | None, batch_tiles: int) -> TorchEncoder:
    """Load ``timm:NAME`` with the weights that timm downloads, ``timm:NAME@CHECKPOINT`` with a file's.

    The file is a ``.safetensors``, ``.pth`` or ``.bin`` in timm's layout or that of the original DINOv2
    release.

    Raises:
        ConfigError: The device or dtype cannot be used.
        EncoderError: torch or timm is missing, the network is unknown or no DINOv2, or its weights are not
            found.
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
    _fit_to_tiles(model)
    # Its final norm would come after the state that the reward is defined by.
    model.norm = torch.nn.Identity()
    model = model.to(device=where, dtype=precision).eval()

    def forward(pixels: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = model.forward_features(pixels)
        return tokens

    return TorchEncoder(name, forward, model.num_prefix_tokens, where, precision, batch_tiles)


def _load_model(name: str, network: str, checkpoint: str) -> Any:
    import timm

    if "dinov2" not in network or not timm.is_model(network):
        known = ", ".join(timm.list_models("*dinov2*"))
        raise EncoderError(f"Encoder {name!r}: {network!r} is not a DINOv2 of timm's; these are: {known}.")
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
