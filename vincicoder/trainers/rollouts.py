"""Responses that trainers keep, read as rows of requests.

======== ============================================== =========================================================
trainer  where                                          what it says of a response
======== ============================================== =========================================================
ms-swift ``completions.jsonl``, a table of lists a line ``prompt``, ``completion``, ``step``; ``solution`` if the
                                                        data have it
TRL      ``completions/*.parquet``                      ``prompt``, ``completion``, ``step``, the data's images never
verl     ``rollout_data_dir``, ``validation_data_dir``  ``input``, ``output``, ``gts``, ``step``, ``uid``
EasyR1   ``generations.log``, of validations            ``prompt``, ``output``, ``ground_truth``
======== ============================================== =========================================================
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from vincicoder.data.cells import answer_fields
from vincicoder.trainers.rows import request_from, text_of

TITLES = {"swift": "ms-swift", "trl": "TRL", "verl": "verl", "easyr1": "EasyR1"}
"""The trainers whose files are known, and what they call themselves."""

_NAMES = {
    "swift": ("completion", "prompt", "solution"),
    "trl": ("completion", "prompt", "solution"),
    "verl": ("output", "input", "gts"),
    "easyr1": ("output", "prompt", "ground_truth"),
}
"""What each calls the response, the prompt and the answer of the data."""

_ROLLOUT = re.compile(r"_\d+_\d+\Z")  # what verl puts behind the name of a prompt: number of rollout and output
_ENTRY = "[prompt] "
_OUTPUT, _TRUTH = "\n[output] ", "\n[ground_truth] "
_SCORE = re.compile(r"\n\[score\] (\S+)\n*\Z")


def trainer_of(record: Mapping[str, Any]) -> str | None:
    """Return which trainer has written an object, by its columns; None for one with columns of our own.

    Example:
        >>> trainer_of({"input": "As SVG.", "output": "<svg/>", "gts": None, "score": 0.5, "step": 1})
        'verl'
    """
    if "response" in record:
        return None
    if {"input", "output", "gts"} <= record.keys():
        return "verl"
    if {"prompt", "output", "ground_truth"} <= record.keys():
        return "easyr1"
    if {"prompt", "completion", "step"} <= record.keys():
        return "swift" if isinstance(record["step"], list) else "trl"
    return None


def responses_in(trainer: str, record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the responses in an object that a trainer has written, each with the names of `score`'s columns.

    Args:
        trainer: What `trainer_of` said.
        record: The object; ms-swift writes those of a whole step into one.

    Yields:
        ``response`` and ``prompt``; ``target``, ``language`` and ``reference`` as far as the answer of the data says
        them; ``kind``, the step; ``group``; and the columns as they are.

    Example:
        >>> table = {"step": ["3", "3"], "prompt": ["As SVG."] * 2, "completion": ["<svg/>", "no"]}
        >>> [(each["response"], each["kind"]) for each in responses_in("swift", table)]
        [('<svg/>', 'step 3'), ('no', 'step 3')]
    """
    if trainer != "swift":
        yield _row(trainer, record)
        return
    count = len(record["completion"]) if isinstance(record["completion"], list) else 0
    columns = {name: each for name, each in record.items() if isinstance(each, list) and len(each) == count}
    for index in range(count):
        yield _row(trainer, {name: values[index] for name, values in columns.items()})


def logged_generations(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    r"""Yield the entries of EasyR1's ``generations.log`` with their lines, from 1.

    An entry ends with its score, before that of the next prompt. Prompt and answer are the data's, so that the first
    mark behind the one and the last before the other are the log's own, whatever the response says.

    Args:
        lines: The lines, with their ends.

    Example:
        >>> text = "[prompt] As SVG.\n[output] <svg/>\n[ground_truth] a.png\n[score] 0.5\n\n"
        >>> next(logged_generations(text.splitlines(keepends=True)))[1]["output"]
        '<svg/>'
    """
    kept: list[str] = []
    first = 1
    for number, line in enumerate(lines, start=1):
        if line.startswith(_ENTRY) and kept and (entry := _entry("".join(kept))) is not None:
            yield first, entry
            kept = []
        first = first if kept else number
        kept.append(line)
    if (entry := _entry("".join(kept))) is not None:
        yield first, entry


def is_generations_log(head: str) -> bool:
    """Whether a file that begins so is EasyR1's ``generations.log``."""
    return head.startswith(_ENTRY)


def _entry(text: str) -> dict[str, Any] | None:
    """Return the entry that a text is, or None if it is not the whole of one."""
    found = _SCORE.search(text)
    if found is None:
        return None
    prompt, _, rest = text[: found.start()].removeprefix(_ENTRY).partition(_OUTPUT)
    output, _, truth = rest.rpartition(_TRUTH)
    return {"prompt": prompt, "output": output, "ground_truth": truth, "score": found[1]}


def _row(trainer: str, record: Mapping[str, Any]) -> dict[str, Any]:
    response, asked, truth = _NAMES[trainer]
    answer = answer_fields(record.get(truth))
    prompt = _text(record.get(asked))
    found = request_from("", [answer, {"prompt": prompt}])
    row = {name: each for name, each in record.items() if name not in (response, asked, truth)}
    row |= {"response": _text(record.get(response)), "prompt": prompt, "reference": found.reference}
    if found.target:
        row["target"] = found.target
    if answer.get("language"):
        row["language"] = found.language
    if record.get("step") is not None:
        row.setdefault("kind", f"step {record['step']}")
    uid = record.get("uid")
    named = _ROLLOUT.sub("", uid) if isinstance(uid, str) else _digest(record.get("step"), prompt, found.reference)
    row.setdefault("group", named)
    return row


def _text(value: Any) -> str | None:
    return text_of(value) if isinstance(value, Sequence) else None


def _digest(step: Any, prompt: str | None, reference: str | None) -> str:
    text = f"{step} {prompt} {reference}"
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
