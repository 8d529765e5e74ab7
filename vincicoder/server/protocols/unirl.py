"""UniRL's reward service: ``POST /score`` rates edited images by a judge, and says why where it cannot.

::

    backend:
      _target_: unirl.reward.remote.RemoteRewardBackend
      config:
        _target_: unirl.reward.remote.RemoteRewardSpec
        base_url: http://reward:8700
        required_rewards: [edit]

The history of a sample holds the source and then the edited image. An edit that the judge did not rate has no score and
a reason, which UniRL stops for; nothing becomes 0.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from PIL import Image
from pydantic import BaseModel, Field

from vincicoder.errors import TargetError
from vincicoder.images import is_inline, open_target, target_content
from vincicoder.reward.editing import Edit
from vincicoder.server.bodies import body_of, json_response, parsed
from vincicoder.server.service import Service

REWARD = "edit"
_SCORE = "score"
_NO_JUDGE = "this server has no judge of edits; start it with --edit-url and --edit-model"


class Turn(BaseModel):
    """A text and an image; fields of other media are not read."""

    text: str = Field(description="the instruction", max_length=100_000)
    image_b64: str | None = Field(None, description="base64 text of an image file")


class Sample(BaseModel):
    """One sample of UniRL. What else it has, such as its identity, is not read."""

    history: list[Turn] = Field(description="the source and the edited image", max_length=16)
    required_rewards: list[str] = Field(description=f'the rewards asked for; here there is "{REWARD}"', max_length=64)
    metadata: dict[str, Any] | None = Field(None, description='may hold a "requirement" for the judge')


class Batch(BaseModel):
    """Samples to rate together."""

    requests: list[Sample] = Field(min_length=1, max_length=4096)


class Answer(BaseModel):
    """Scores and reasons in the order of the samples."""

    protocol_version: str = "1"
    results: list[dict[str, dict[str, float]]]
    errors: list[dict[str, str]]


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the protocol's routes to the application."""

    @app.get("/health", summary="Which rewards there are for UniRL")
    async def health() -> dict[str, Any]:
        """Return the rewards that can be asked for, with the names of their parts."""
        return {"status": "ok", "rewards": {REWARD: [_SCORE]} if service.edit_judge is not None else {}}

    @app.post("/score", response_model=Answer, openapi_extra=body_of(Batch), summary="Rate edits for UniRL")
    async def score(request: Request) -> Response:
        """Rate edits. A sample that cannot be rated has no score, and the reason under the same name in `errors`."""
        async with service.admitted(request) as body:
            samples = (await service.in_thread(lambda: parsed(Batch, body))).requests
            found = await asyncio.gather(*(_rated(service, sample) for sample in samples))
            answer = Answer(results=[each for each, _ in found], errors=[each for _, each in found])
            return json_response(answer.model_dump_json())


async def _rated(service: Service, sample: Sample) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """Return the scores of a sample, and the reasons for those that it lacks."""
    errors = {
        name: f"there is no such reward; this server has {REWARD!r}"
        for name in sample.required_rewards
        if name != REWARD
    }
    if REWARD not in sample.required_rewards:
        return {}, errors
    if service.edit_judge is None:
        return {}, {**errors, REWARD: _NO_JUDGE}
    try:
        edit = await service.in_thread(lambda: _edit(sample))
        return {REWARD: {_SCORE: await service.edit_judge(edit)}}, errors
    except HTTPException as error:
        return {}, {**errors, REWARD: str(error.detail)}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the sample's reason and no score
        return {}, {**errors, REWARD: f"{type(error).__name__}: {error}"}


def _edit(sample: Sample) -> Edit:
    if len(sample.history) != 2:
        raise TargetError(f"the history has {len(sample.history)} turns; expected the source and the edited image")
    source, edited = (_image(turn, name) for turn, name in zip(sample.history, ("source", "edited"), strict=True))
    requirement = str((sample.metadata or {}).get("requirement") or "")
    return Edit(sample.history[-1].text, source, edited, requirement)


def _image(turn: Turn, name: str) -> Image.Image:
    if not turn.image_b64 or not is_inline(turn.image_b64):
        raise TargetError(f"the {name} turn has no image; expected base64 text of an image file in image_b64")
    return open_target(target_content(turn.image_b64))
