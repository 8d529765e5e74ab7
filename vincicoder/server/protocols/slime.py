"""slime's remote reward: ``POST /slime`` scores one response.

::

    --rm-type remote_rm --rm-url http://reward:8700/slime --reward-key overall --label-key answer

slime sends a prompt, a response and a label, but no image: the label holds the target.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field

from vincicoder.server.bodies import body_of, json_response, parsed
from vincicoder.server.labels import labelled_request, metrics_or_error
from vincicoder.server.service import Service
from vincicoder.trainers import text_of
from vincicoder.trainers.special_tokens import without_end_tokens


class Sample(BaseModel):
    """One sample of slime."""

    prompt: str | list[dict[str, Any]] = Field(description="what the model was asked: text, or messages")
    response: str = Field(description="what the model wrote", max_length=1_000_000)
    label: str | dict[str, Any] | None = Field(description="JSON text or a mapping with target, language and code")


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the protocol's route to the application."""

    @app.post("/slime", response_model=dict[str, float], openapi_extra=body_of(Sample), summary="Score for slime")
    async def slime(request: Request) -> Response:
        """Score one response. The answer is the sample's metrics by name; the reward is `overall`."""
        async with service.admitted(request) as body:
            scored = await service.in_thread(lambda: _request(parsed(Sample, body)))
            [metrics] = metrics_or_error(await service.score([scored], request))
            return json_response(json.dumps(metrics))


def _request(sample: Sample) -> Any:
    return labelled_request(without_end_tokens(sample.response), text_of(sample.prompt), sample.label, "label")
