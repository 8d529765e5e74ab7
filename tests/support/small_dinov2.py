"""A small DINOv2 in a directory, as transformers saves it."""

from __future__ import annotations

from pathlib import Path

from needed import needs

torch = needs("torch")
transformers = needs("transformers")


def save_dinov2(directory: Path, architecture: str = "Dinov2Model") -> Path:
    """Save a small DINOv2 with weights wide enough that different images get different embeddings."""
    torch.manual_seed(0)
    config_class = transformers.Dinov2WithRegistersConfig if "Registers" in architecture else transformers.Dinov2Config
    config = config_class(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, patch_size=14, image_size=70, mlp_ratio=2
    )
    model = getattr(transformers, architecture)(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    model.save_pretrained(directory)
    return directory
