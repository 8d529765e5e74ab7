"""A local endpoint that speaks the OpenAI protocol; what it answers is a function of the request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


class ChatServer:
    """Answers every request with what a function returns: a text, a whole choice, or the status of a refusal.

    Attributes:
        url: Up to ``/v1``.
        requests: The bodies of all requests.
    """

    def __init__(self, answer: Callable[[Body], str | int | Body], port: int = 0) -> None:
        self.requests: list[Body] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(body)
                told = answer(body)
                choice = told if isinstance(told, dict) else {"message": {"content": told}}
                content = json.dumps({"choices": [choice]}).encode()
                self.send_response(told if isinstance(told, int) else 200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def chatting(answer: Callable[[Body], str | int | Body]) -> Iterator[ChatServer]:
    server = ChatServer(answer)
    try:
        yield server
    finally:
        server.close()
