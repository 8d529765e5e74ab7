"""OpenRLHF's remote reward: ``POST /openrlhf`` scores queries.

::

    --reward.remote_url http://reward:8700/openrlhf --data.label_key answer

OpenRLHF sends prompt and response as one text with all special tokens, the prompt, and a label, but no image: the label
holds the target.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, Field

from vincicoder.reward import RewardRequest
from vincicoder.server.bodies import body_of, json_response, parsed
from vincicoder.server.labels import labelled_request, metrics_or_error
from vincicoder.server.service import Service
from vincicoder.trainers.special_tokens import response_in


class Queries(BaseModel):
    """Samples of OpenRLHF, as lists of equal length."""

    query: list[str] = Field(description="each prompt with its response, decoded together", max_length=4096)
    prompts: list[str] = Field(description="the prompts as they were before the model saw them")
    labels: list[str | dict[str, Any] | None] = Field(description="JSON texts with target, language and code")


class Rewards(BaseModel):
    """Numbers in the order of the queries."""

    rewards: list[float]
    scores: list[float] = Field(description="the same, which dynamic filtering looks at")
    extra_logs: dict[str, list[float]] = Field(description="the metrics of the samples by name")


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the protocol's route to the application."""

    @app.post("/openrlhf", response_model=Rewards, openapi_extra=body_of(Queries), summary="Score for OpenRLHF")
    async def openrlhf(request: Request) -> Response:
        """Score up to 4,096 queries. OpenRLHF with several servers also sends empty lists."""
        async with service.admitted(request) as body:
            samples = await service.in_thread(lambda: _requests(parsed(Queries, body)))
            metrics = metrics_or_error(await service.score(samples, request))
            rewards = [each["overall"] for each in metrics]
            logs = {name: [each[name] for each in metrics] for name in (metrics[0] if metrics else ())}
            return json_response(Rewards(rewards=rewards, scores=rewards, extra_logs=logs).model_dump_json())


def _requests(queries: Queries) -> list[RewardRequest]:
    lengths = [len(queries.query), len(queries.prompts), len(queries.labels)]
    if len(set(lengths)) > 1:
        raise HTTPException(422, f"query, prompts and labels have {lengths} items; expected equally many")
    requests = []
    for number, (query, prompt, label) in enumerate(zip(queries.query, queries.prompts, queries.labels, strict=True)):
        response = response_in(query, prompt)
        if response is None:
            raise HTTPException(
                422, f"query[{number}] does not hold the end of prompts[{number}], so its response cannot be told apart"
            )
        requests.append(labelled_request(response, prompt, label, f"labels[{number}]"))
    return requests
