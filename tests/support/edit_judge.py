"""A judge of edits that gives 4 of 5 to every edit, and fails where the instruction says so."""

from __future__ import annotations

from typing import Any

SURE = {"0": -30.0, "1": -30.0, "2": -30.0, "3": -30.0, "4": 0.0, "5": -30.0}


def judged(body: dict[str, Any]) -> int | dict[str, Any]:
    """Answer a question, for ``chat_server.chatting``."""
    if "break down" in body["messages"][0]["content"][-1]["text"]:
        return 400
    likeliest = [{"token": token, "logprob": each} for token, each in SURE.items()]
    return {"message": {"content": "4"}, "logprobs": {"content": [{"token": "4", "top_logprobs": likeliest}]}}
