"""``llamafactory``: the columns of ``swift``, and the entry in ``dataset_info.json`` that LLaMA-Factory asks for."""

from __future__ import annotations

from typing import Any

from vincicoder.data.layouts.swift import Swift


class LlamaFactory(Swift):
    """As ``swift``; LLaMA-Factory knows a set by its entry in the file ``dataset_info.json`` beside it."""

    def entry(self, directory: str) -> dict[str, Any]:
        """Return what ``dataset_info.json`` says of a directory beside it."""
        return {
            "file_name": directory,
            "formatting": "sharegpt",
            "columns": {"messages": "messages", "images": "images"},
            "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"},
        }


LAYOUT = LlamaFactory()
