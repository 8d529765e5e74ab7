"""A hub on this machine that takes data sets as ``huggingface_hub`` uploads them: small files, in one commit."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hub:
    """What it was sent.

    Attributes:
        url: Its address.
        created: Kind, name and visibility of the repositories that were asked for.
        cards: What it was asked to check.
        files: The contents of the committed files by path.
        tokens: The headers ``Authorization`` of all calls.
    """

    def __init__(self, refuses: int | None = None) -> None:
        self.created: list[tuple[str, str, str]] = []
        self.cards: list[str] = []
        self.files: dict[str, bytes] = {}
        self.tokens: set[str | None] = set()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.tokens.add(self.headers.get("Authorization"))
                self.answer({"sha": "0" * 40, "siblings": [], "id": "me/set"})

            def do_POST(self) -> None:
                hub.tokens.add(self.headers.get("Authorization"))
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if refuses is not None:
                    self.answer({"error": "You may not."}, refuses)
                elif self.path == "/api/repos/create":
                    asked = json.loads(body)  # older clients send "private", newer ones "visibility"
                    seen_by = asked.get("visibility") or ("private" if asked.get("private") else "public")
                    hub.created.append((asked["type"], asked["name"], seen_by))
                    self.answer({"url": f"{hub.url}/datasets/me/set"})
                elif self.path == "/api/validate-yaml":
                    hub.cards.append(json.loads(body)["content"])
                    self.answer({"errors": [], "warnings": []})
                elif "/preupload/" in self.path:
                    names = [each["path"] for each in json.loads(body)["files"]]
                    self.answer({"files": [{"path": n, "uploadMode": "regular", "shouldIgnore": False} for n in names]})
                elif "/commit/" in self.path:
                    for line in body.decode().splitlines():
                        entry = json.loads(line)
                        if entry["key"] == "file":
                            hub.files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
                    url = f"{hub.url}/datasets/me/set/commit/{'0' * 40}"
                    self.answer({"success": True, "commitOid": "0" * 40, "commitUrl": url})
                else:
                    self.answer({"error": f"unknown {self.path}"}, 404)

            def answer(self, data: Any, status: int = 200) -> None:
                content = json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def hub(refuses: int | None = None) -> Iterator[Hub]:
    server = Hub(refuses)
    try:
        yield server
    finally:
        server.close()
