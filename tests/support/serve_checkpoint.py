"""Serve a checkpoint that is a file ``answer.txt``, which is the answer to every request: DIR PORT."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from chat_server import ChatServer

if __name__ == "__main__":
    text = Path(sys.argv[1], "answer.txt").read_text("utf-8")
    ChatServer(lambda body: text, int(sys.argv[2]))
    signal.pause()
