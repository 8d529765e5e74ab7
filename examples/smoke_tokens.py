"""Plugin for ms-swift that lets it train the model of ``smoke_model.py``, by ``--external_plugins``.

ms-swift has the ids of Qwen's image tokens written into its code. A tokenizer that has others would silently get no
images, so here the ids are taken from the tokenizer.
"""

from __future__ import annotations

from swift.template.templates.qwen import Qwen2VLTemplate


def _id_of(token: str) -> property:
    return property(lambda template: template.tokenizer.convert_tokens_to_ids(token))


Qwen2VLTemplate.image_token_id = _id_of("<|image_pad|>")
Qwen2VLTemplate.video_token_id = _id_of("<|video_pad|>")
