"""What the protocols of trainers that send a prompt, a response and a label share: the label holds the target.

A label is JSON text, or a mapping, with ``target`` (base64 text or a ``data:`` URL), ``language`` and perhaps ``code``,
as ``vincicoder data export --layout easyr1`` writes into the column ``answer``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from fastapi import HTTPException

from vincicoder.images import is_inline, target_content
from vincicoder.reward import NAMED_SCORES, RewardRequest, RewardResult
from vincicoder.status import Fault
from vincicoder.trainers import NO_LANGUAGE, NO_TARGET, Metrics, answer_fields, metrics_of, request_from
from vincicoder.trainers.metrics import metrics_from

_EXPECTED = (
    'expected JSON text such as {"target": "<base64 text or data: URL of the image>", "language": "svg"}, as the '
    "column `answer` of `vincicoder data export --layout easyr1` holds it"
)


def labelled_request(response: str, prompt: str | None, label: Any, name: str) -> RewardRequest:
    """Return a request whose target, language and reference are in a label.

    Args:
        response: What the model wrote, without special tokens.
        prompt: What the model was asked; says the language where the label does not.
        label: The label.
        name: What the label is called in an error.

    Raises:
        HTTPException: 422; the label has no image, names a file, which would let callers read the server's files, or
            nothing says the language.
    """
    request = request_from(response, (answer_fields(label), {"prompt": prompt}))
    target = request.target
    if target is NO_TARGET:
        raise HTTPException(422, f"{name} has no target; {_EXPECTED}")
    if not isinstance(target, str) or not is_inline(target):
        raise HTTPException(
            422, f"{name} has a target that is no image; {_EXPECTED}. Files are not read: send their content"
        )
    if request.language == NO_LANGUAGE:
        raise HTTPException(422, f"neither {name} nor the prompt says the language; {_EXPECTED}")
    return dataclasses.replace(request, target=target_content(target))


def metrics_or_error(results: Sequence[RewardResult]) -> list[Metrics]:
    """Return what a trainer logs of each result, with the reward as ``overall``.

    Where the data cannot be used, all scores are 0, so that the responses of a group are alike and nothing is learned.

    Raises:
        HTTPException: 503; the machine failed with a sample, which must not become a 0. Trainers ask again.
    """
    faults = [result for result in results if result.status.fault is Fault.MACHINE]
    if faults:
        raise HTTPException(
            503,
            f"{len(faults)} of {len(results)} responses could not be scored because of this machine, not of the model: "
            f"{faults[0].message}. `vincicoder doctor` says what is broken",
        )
    return [_metrics(each) for each in results]


def _metrics(result: RewardResult) -> Metrics:
    components = [name for name in result.scores if name not in NAMED_SCORES]
    if result.status.fault is Fault.DATA:
        return metrics_from({}, result.status, components)
    return metrics_of(result, components)
