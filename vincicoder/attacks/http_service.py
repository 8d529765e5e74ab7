"""Callers of ``vincicoder serve``: pages of other sites, strangers, senders of what is no request."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

from PIL import Image

from vincicoder.attacks.attack import Attack, Layer, Probe, Seen, listed
from vincicoder.attacks.bait import Bait
from vincicoder.attacks.services import Services

_CODE = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><circle r='9'/></svg>"
_RENDER = {"code": _CODE, "language": "svg"}


def _target() -> str:
    data = io.BytesIO()
    Image.new("RGB", (9, 9)).save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


def _sample(**changes: Any) -> dict[str, Any]:
    return {"requests": [{"response": f"```svg\n{_CODE}\n```", "target": _target(), "language": "svg", **changes}]}


def _refused(path: str, body: Any, *statuses: int, with_token: bool = False, **headers: str) -> Probe:
    """Return an attack that has escaped unless it is answered by one of these statuses."""

    def probe(bait: Bait, services: Services) -> Seen:
        names = bait.names()
        sent = (
            json.loads(json.dumps(body).replace("{FILE}", names["FILE"]).replace("{PNG}", names["PNG"]))
            if isinstance(body, dict)
            else body
        )
        method = "GET" if body is None else "POST"
        status, text = services.ask(method, path, sent, with_token, **headers)
        if bait.secret in text:
            return Seen("the answer holds the secret")
        shown = f"{status} {text[:100]}"
        return Seen("" if status in statuses else f"it was answered: {shown}", shown)

    return probe


def _raw(request: str, *refused: str) -> Probe:
    """Return an attack by raw bytes; it has escaped unless the answer's first line holds one of these statuses."""

    def probe(_: Bait, services: Services) -> Seen:
        body = json.dumps(_RENDER)
        filled = request.replace("{BODY}", body).replace("{LENGTH}", str(len(body)))
        answer = services.send(filled.replace("\n", "\r\n").encode()).decode("utf-8", "replace")
        lines = [line for line in answer.split("\r\n") if line.startswith("HTTP/1.")]
        shown = "; ".join(lines) or "the connection was closed"
        allowed = not lines or any(status in lines[0] for status in refused)
        return Seen("" if allowed and '"ok"' not in answer else f"it was answered: {shown}", shown)

    return probe


def _still_serves(_: Bait, services: Services) -> Seen:
    for with_token in (False, True):
        headers = {"Authorization": f"Bearer {services.token}"} if with_token else {}
        status, text = services.ask("POST", "/v1/score", _sample(), with_token, **headers)
        if status != 200 or json.loads(text)["results"][0]["status"] != "ok":
            return Seen(f"{status} {text[:200]}")
    return Seen(detail="scores with and without a token")


_SITE = "http://evil.example"
_HEAD = "POST /v1/render HTTP/1.1\nHost: localhost\nContent-Type: application/json\n"

_ROWS: dict[str, tuple[str, Probe]] = {
    "form": ("post as a page's form does", _refused("/v1/render", _RENDER, 415, Content_Type="text/plain")),
    "form-encoded": ("post as another form does", _refused("/v1/render", _RENDER, 415, Content_Type="application/x-www-form-urlencoded")),
    "form-parts": ("post as one with files does", _refused("/v1/render", _RENDER, 415, Content_Type="multipart/form-data; boundary=a")),
    "no-type": ("post without a type", _refused("/v1/render", _RENDER, 415, Content_Type="")),
    "type-in-parameter": ("hide the type in a parameter", _refused("/v1/render", _RENDER, 415, Content_Type="text/plain; application/json")),
    "other-site": ("post from a page of another site", _refused("/v1/render", _RENDER, 403, Origin=_SITE)),
    "other-site-null": ("post from a page without a site", _refused("/v1/render", _RENDER, 403, Origin="null")),
    "other-port": ("post from a page of another port", _refused("/v1/render", _RENDER, 403, Origin="http://127.0.0.1:1")),
    "other-site-preflight": ("ask for leave as a browser does", _refused("/v1/options", None, 403, Origin=_SITE)),
    "rebinding": ("have a foreign name lead here", _refused("/v1/render", _RENDER, 403, Host="evil.example")),
    "rebinding-port": ("the same with a port", _refused("/v1/render", _RENDER, 403, Host="evil.example:80")),
    "rebinding-suffix": ("with a name that begins like this machine's", _refused("/v1/render", _RENDER, 403, Host="localhost.evil.example")),
    "rebinding-user": ("with a name behind a user's", _refused("/v1/render", _RENDER, 403, Host="localhost@evil.example")),
    "rebinding-options": ("read the options so", _refused("/v1/options", None, 403, Host="evil.example")),
    "no-token": ("call without the token", _refused("/v1/render", _RENDER, 401, with_token=True)),
    "wrong-token": ("call with another", _refused("/v1/score", _sample(), 401, with_token=True, Authorization="Bearer x")),
    "empty-token": ("call with an empty one", _refused("/v1/score", _sample(), 401, with_token=True, Authorization="Bearer ")),
    "token-as-user": ("send one as a user's name", _refused("/metrics", None, 401, with_token=True, Authorization="Basic eDp4")),
    "file-target": ("have a file of the machine opened as target", _refused("/v1/score", _sample(target="{PNG}"), 422)),
    "file-url-target": ("the same by an address", _refused("/v1/score", _sample(target="file://{PNG}"), 422)),
    "text-target": ("the same with a file that is no image", _refused("/v1/score", _sample(target="{FILE}"), 422)),
    "object-target": ("the same in a mapping", _refused("/v1/score", _sample(target={"path": "{PNG}"}), 422)),
    "unknown-language": ("ask for a language that is a module", _refused("/v1/render", {"code": "x", "language": "os:system"}, 422)),
    "huge-body": ("send a body over the limit", _refused("/v1/render", {"code": "x" * (2 << 20), "language": "svg"}, 413)),
    "nested-body": ("send brackets 100,000 deep", _refused("/v1/score", b'{"requests":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 422)),
    "unknown-field": ("send a field that is none", _refused("/v1/score", _sample(allow_unsandboxed=True), 422)),
    "pickle": ("send a pickle", _refused("/v1/score", b"\x80\x04cos\nsystem\n(S'true'\ntR.", 422)),
    "smuggled-length": (
        "hide a second request behind two lengths",
        _raw(_HEAD + "Content-Length: 4\nContent-Length: {LENGTH}\n\n{BODY}", "400"),
    ),
    "smuggled-chunks": (
        "hide one behind a length and chunks",
        _raw(_HEAD.replace("localhost", "evil.example") + "Content-Length: {LENGTH}\nTransfer-Encoding: chunked\n\n0\n\n{BODY}", "400", "403", "422"),
    ),
    "smuggled-coding": (
        "use a coding that is none",
        _raw(_HEAD.replace("localhost", "evil.example") + "Transfer-Encoding: xchunked\n\n{BODY}", "400", "403", "501"),
    ),
    "two-hosts": (
        "name two hosts",
        _raw("POST /v1/render HTTP/1.1\nHost: evil.example\nHost: localhost\nContent-Type: application/json\nContent-Length: {LENGTH}\n\n{BODY}", "400", "403"),
    ),
    "no-host": ("name none", _raw("POST /v1/render HTTP/1.0\nContent-Type: application/json\nContent-Length: {LENGTH}\n\n{BODY}", "400", "403")),
    "no-http": ("send what is no request", _raw("\x16\x03\x01\x02\n\n", "400")),
    "long-header": ("send a header of a megabyte", _raw("GET /v1/options HTTP/1.1\nHost: localhost\nX: " + "x" * (1 << 20) + "\n\n", "400", "431")),
}  # fmt: skip

ATTACKS: tuple[Attack, ...] = (
    *listed("http", (Layer.SERVICE,), _ROWS),
    *listed("http", (), {"still-serves": ("an honest caller is still served", _still_serves)}),
)
