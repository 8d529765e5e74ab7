"""Our own protocol: ``POST /v1/score`` scores a batch, ``POST /v1/render`` renders one piece of code.

Targets come as base64 text or ``data:`` URLs; a path would let callers read the server's files. Renders go back as
base64 text of a lossless WebP or PNG file, where the server keeps them (``keep_renders``).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from vincicoder.images import compressed, is_inline, target_content
from vincicoder.rendering import Render
from vincicoder.reward import RewardRequest, RewardResult
from vincicoder.server.bodies import body_of, json_response, parsed
from vincicoder.server.service import Service


class Sample(BaseModel):
    """One response to score."""

    model_config = ConfigDict(extra="forbid")

    response: str = Field(description="what the model wrote", max_length=1_000_000)
    target: str = Field(description="the image to reproduce: base64 text or a data: URL")
    language: str | None = Field(None, description="the language asked for; by default what the prompt says")
    prompt: str | None = Field(None, description="what the model was asked", max_length=1_000_000)
    id: str | None = Field(None, description="comes back in the result", max_length=1_000)
    reference: str | None = Field(None, description="known-good code for the target", max_length=1_000_000)
    metadata: dict[str, Any] = Field({}, description='what else belongs to the sample, such as the group\'s "uid"')


class Batch(BaseModel):
    """Responses to score together."""

    model_config = ConfigDict(extra="forbid")

    requests: list[Sample] = Field(min_length=1, max_length=4096)


class Score(BaseModel):
    """What a response earned; scores are in [0, 1]."""

    id: str | None
    overall: float
    visual: float
    coarse: float
    fine: float
    alignment: float
    execution: float
    scores: dict[str, float | None] = Field(description="every component that ran; null where it does not apply")
    status: str
    fault: str = Field(description='whose fault the status is; of "machine" nothing can be learned')
    message: str
    language: str
    code: str | None = Field(description="the code that was judged")
    grid: tuple[int, int] | None = Field(description="columns and rows of tiles")
    tiles: list[float] = Field(description="similarity of each tile, row by row")
    encoder: str
    preset: str
    seconds: dict[str, float]
    prefixes: list[tuple[int, float, dict[str, float | None]]] = Field(
        description="of each prefix of the code, where prefixes are scored: where it ends, its reward and its scores"
    )
    render: str | None = Field(description="base64 text of an image file, where the server keeps renders")


class Scores(BaseModel):
    """Results in the order of the requests."""

    results: list[Score]


class Code(BaseModel):
    """Code to render."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(description="the code itself, without a fence", max_length=1_000_000)
    language: str = Field(description="name or alias of its language")


class Rendered(BaseModel):
    """What became of the code."""

    status: str
    message: str
    image: str | None = Field(description="base64 text of a lossless image file, or null")
    width: int | None
    height: int | None
    seconds: float
    cpu_seconds: float


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the protocol's routes to the application."""

    @app.post("/v1/score", response_model=Scores, openapi_extra=body_of(Batch), summary="Score a batch")
    async def score(request: Request) -> Response:
        """Score up to 4,096 responses. A bad response is data: it gets a status, not an error."""
        async with service.admitted(request) as body:
            requests = await service.in_thread(lambda: _requests(body))
            results = await service.score(requests, request)
            return json_response(await service.in_thread(lambda: _scores(results).model_dump_json()))

    @app.post("/v1/render", response_model=Rendered, openapi_extra=body_of(Code), summary="Render code")
    async def render(request: Request) -> Response:
        """Render code as scoring does. Code that gives no image is data: it gets a status, not an error."""
        async with service.admitted(request) as body:
            code = parsed(Code, body)
            rendered = await service.render(code.code, code.language)
            return json_response(await service.in_thread(lambda: _rendered(rendered).model_dump_json()))


def _requests(body: bytes) -> list[RewardRequest]:
    batch = parsed(Batch, body)
    for number, sample in enumerate(batch.requests):
        if not is_inline(sample.target):
            raise HTTPException(
                422, f"requests[{number}].target is no image; expected base64 text or a data: URL of an image file"
            )
    return [
        RewardRequest(**{**sample.model_dump(), "target": target_content(sample.target)}) for sample in batch.requests
    ]


def _scores(results: Sequence[RewardResult]) -> Scores:
    scores = []
    for result in results:
        content = result.packed().render_bytes
        render = _text(content) if content is not None else None
        scores.append(Score(**{**result.to_dict(), "fault": result.status.fault.value, "render": render}))
    return Scores(results=scores)


def _rendered(render: Render) -> Rendered:
    image = render.image
    return Rendered(
        status=render.status.value,
        message=render.message,
        image=_text(compressed(image)) if image is not None else None,
        width=image.width if image is not None else None,
        height=image.height if image is not None else None,
        seconds=render.seconds,
        cpu_seconds=render.cpu_seconds,
    )


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
