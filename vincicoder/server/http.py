"""The reward over HTTP, for trainers that call a remote one: a Ray Serve application with a typed JSON API.

``POST /v1/score`` scores a batch, ``GET /healthz`` says whether the cluster can, ``GET /metrics`` counts for
Prometheus, ``/docs`` shows the API. Targets come as base64 text or ``data:`` URLs; a path would let callers look at
the server's files.
"""

# Annotations are evaluated here, unlike elsewhere: FastAPI reads them in the replica, where their text has no meaning.
import asyncio
import hmac
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ray import serve

from vincicoder import __version__
from vincicoder.cluster.client import ClusterReward
from vincicoder.errors import VinciCoderError
from vincicoder.images import is_inline, target_content
from vincicoder.reward import RewardRequest, RewardResult


class Sample(BaseModel):
    """One response to score."""

    model_config = ConfigDict(extra="forbid")

    response: str = Field(description="what the model wrote", max_length=1_000_000)
    target: str = Field(description="the picture: base64 text or a data: URL")
    language: str | None = Field(None, description="the language asked for; by default what the prompt says")
    prompt: str | None = Field(None, description="what the model was asked", max_length=1_000_000)
    id: str | None = Field(None, description="comes back in the result", max_length=1_000)


class Batch(BaseModel):
    """Responses to score together."""

    model_config = ConfigDict(extra="forbid")

    requests: list[Sample] = Field(min_length=1, max_length=4096)


class Score(BaseModel):
    """What a response earned; scores are in [0, 1], see the README for the statuses."""

    id: str | None
    overall: float
    visual: float
    coarse: float
    fine: float
    alignment: float
    execution: float
    status: str
    message: str
    language: str
    encoder: str
    preset: str
    seconds: dict[str, float]


class Scores(BaseModel):
    """Results in the order of the requests."""

    results: list[Score]


# Ray Serve copies the application, with the names that it uses, where its class is decorated: these come first.


def _score_of(result: RewardResult) -> dict[str, Any]:
    data = result.to_dict()
    return {name: data[name] for name in Score.model_fields}


def _exposition(stats: dict[str, Any]) -> str:
    lines = ["# TYPE vincicoder_requests_total counter"]
    statuses: dict[str, int] = {}
    for node in stats["nodes"].values():
        for status, count in node["statuses"].items():
            statuses[status] = statuses.get(status, 0) + count
    lines += [f'vincicoder_requests_total{{status="{status}"}} {count}' for status, count in sorted(statuses.items())]
    totals = {
        "vincicoder_targets_embedded_total": sum(node["embedded"] for node in stats["nodes"].values()),
        "vincicoder_targets_reused_total": sum(node["reused"] for node in stats["nodes"].values()),
        "vincicoder_tiles_encoded_total": sum(encoder["tiles"] for encoder in stats["encoders"]),
    }
    for name, value in totals.items():
        lines += [f"# TYPE {name} counter", f"{name} {value}"]
    lines += ["# TYPE vincicoder_nodes gauge", f"vincicoder_nodes {len(stats['nodes'])}", ""]
    return "\n".join(lines)


app = FastAPI(title="VinciCoder reward", version=__version__, description=__doc__)

_SCORE_DOCS: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": Batch.model_json_schema()}}}
}


@serve.deployment
@serve.ingress(app)
class HttpReward:
    """A replica. Requests that arrive together are scored together by the cluster.

    Args:
        options: Options of ``VisualReward`` and `Placement`.
        token: What callers must send as ``Authorization: Bearer TOKEN``; None lets everybody in.
        max_body_mb: Largest body of a request.
        body_seconds: How long a body may take to arrive.
    """

    def __init__(self, options: dict[str, Any], token: str | None, max_body_mb: float, body_seconds: float) -> None:
        self._reward = ClusterReward(options)
        self._token = token
        self._max_bytes = int(max_body_mb * 2**20)
        self._body_seconds = body_seconds
        self._reward.nodes(fresh=True)  # fails here, and not at the first request, if the encoder cannot be loaded

    @app.post("/v1/score", response_model=Scores, openapi_extra=_SCORE_DOCS, summary="Score a batch")
    async def score(self, request: Request) -> Any:
        """Score up to 4,096 responses. A bad response is data: it gets a status, not an error."""
        self._authorize(request)
        try:
            batch = Batch.model_validate_json(await self._body(request))
        except ValidationError as error:
            raise HTTPException(
                422, error.errors(include_url=False, include_input=False, include_context=False)
            ) from error
        for number, sample in enumerate(batch.requests):
            if not is_inline(sample.target):
                where = f"requests[{number}].target"
                raise HTTPException(
                    422, f"{where} is no picture; expected base64 text or a data: URL of a picture file"
                )
        requests = [
            RewardRequest(**{**sample.model_dump(), "target": target_content(sample.target)})
            for sample in batch.requests
        ]
        try:
            results = await asyncio.to_thread(lambda: dict(self._reward.stream(requests)))
        except VinciCoderError as error:
            raise HTTPException(503, f"{type(error).__name__}: {error}") from error
        return {"results": [_score_of(results[index]) for index in range(len(requests))]}

    @app.get("/healthz", summary="Whether the cluster can score")
    async def health(self) -> dict[str, Any]:
        """Return the version and the number of nodes; 503 when there is none."""
        nodes = await asyncio.to_thread(self._reward.nodes, fresh=True)
        if not nodes:
            raise HTTPException(503, "no node of the cluster can score")
        return {"status": "ok", "version": __version__, "nodes": len(nodes)}

    @app.get("/metrics", summary="Counts since the start, for Prometheus")
    async def metrics(self, request: Request) -> Response:
        """Return the cluster's counts as text."""
        self._authorize(request)
        return Response(
            _exposition(await asyncio.to_thread(self._reward.stats)), media_type="text/plain; version=0.0.4"
        )

    def _authorize(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._token is not None and not hmac.compare_digest(given.encode(), self._token.encode()):
            raise HTTPException(
                401, "send the token as `Authorization: Bearer TOKEN`", headers={"WWW-Authenticate": "Bearer"}
            )

    async def _body(self, request: Request) -> bytes:
        """Return the body, which is refused as soon as it is too large or too slow."""
        too_large = HTTPException(413, f"the body is larger than {self._max_bytes / 2**20:g} MiB; send fewer requests")
        try:
            if int(request.headers.get("content-length", 0)) > self._max_bytes:
                raise too_large
        except ValueError as error:
            raise HTTPException(400, "Content-Length is no number") from error

        async def read() -> bytes:
            body = bytearray()
            async for piece in request.stream():
                body += piece
                if len(body) > self._max_bytes:
                    raise too_large
            return bytes(body)

        try:
            return await asyncio.wait_for(read(), self._body_seconds)
        except asyncio.TimeoutError as error:
            raise HTTPException(408, f"the body did not arrive in {self._body_seconds:g} s") from error


def run(
    options: dict[str, Any],
    *,
    host: str,
    port: int,
    token: str | None,
    ray_address: str | None,
    replicas: int,
    max_body_mb: float,
    body_seconds: float,
) -> None:
    """Serve until SIGINT or SIGTERM, then answer what is under way and stop.

    Args:
        options: Options of ``VisualReward`` and `Placement`.
        host: Address to listen on.
        port: Port to listen on.
        token: What callers must send; None lets everybody in.
        ray_address: The Ray cluster; None starts one on this machine.
        replicas: Processes that take requests; the scoring itself is the cluster's.
        max_body_mb: Largest body of a request, MiB.
        body_seconds: How long a body may take to arrive, seconds.
    """
    import signal
    import threading

    import ray

    stop = threading.Event()
    ray.init(ray_address or "local", include_dashboard=False if ray_address is None else None, log_to_driver=False)
    serve.start(http_options={"host": host, "port": port})
    application = HttpReward.options(  # type: ignore[attr-defined]
        num_replicas=replicas,
        max_ongoing_requests=256,
        ray_actor_options={"num_cpus": 0},
        graceful_shutdown_timeout_s=600,
    ).bind(options, token, max_body_mb, body_seconds)
    try:
        serve.run(application, name="vincicoder", route_prefix="/")
        for number in (signal.SIGINT, signal.SIGTERM):  # only now: Ray has handlers of its own, set when it starts
            signal.signal(number, lambda *_: stop.set())
        print(f"vincicoder: serving on http://{host}:{port}, API on http://{host}:{port}/docs", flush=True)
        stop.wait()
        print("vincicoder: answering what is under way, then stopping", flush=True)
        serve.delete("vincicoder")
    finally:
        serve.shutdown()
        ray.shutdown()
