"""ChartMimic's high-level score: a judge compares target and render by six criteria, 100 points in all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from PIL import Image

from vincicoder.endpoint import Endpoint, user_message
from vincicoder.errors import FaultyAnswer
from vincicoder.evaluation.metrics import Metric
from vincicoder.images import compressed

_CRITERIA = {
    "Chart Types": (20, "every chart type of the reference image is there, such as lines, bars or pies"),
    "Layout": (10, "subplots are arranged as in the reference image, in as many rows and columns"),
    "Text Content": (20, "all text of the reference image is there: titles, annotations, axis labels; not tick labels"),
    "Data": (20, "the trends of the data resemble those of the reference image, and there are as many groups of data"),
    "Style": (20, "colours, markers, line styles, legends, grids and other details of style match"),
    "Clarity": (10, "the image is clear, and nothing in it overlaps"),
}
_QUESTION = (
    "You judge how well a chart was reproduced. The first image is the reference, made with the correct matplotlib "
    "code; the second was made with code that a model wrote. Give points for how far each of these holds, 100 points "
    "in all:\n\n"
    + "\n".join(
        f"{number}. {name} ({most} points): {what}." for number, (name, (most, what)) in enumerate(_CRITERIA.items(), 1)
    )
    + "\n\nCompare the images side by side and answer in exactly this form:\n\nComments:\n"
    + "\n".join(f"- {name}: your comment and its points" for name in _CRITERIA)
    + "\n\nScore: your final score out of 100\n"
)
_SCORE = re.compile(r"^\W*Score\W*(\d+(?:\.\d+)?)", re.MULTILINE | re.IGNORECASE)


def measure(target: Image.Image, render: Image.Image, judge: Endpoint) -> Mapping[str, float]:
    """Return the judge's score, in [0, 1].

    Raises:
        EndpointError: The judge does not answer, or its answer has no score from 0 to 100.
    """
    answer = judge.complete([user_message(_QUESTION, compressed(target), compressed(render))], temperature=0.0)[0]
    return {"judged": score_of(answer)}


def score_of(answer: str) -> float:
    """Return the score in a judge's answer, in [0, 1].

    Raises:
        FaultyAnswer: There is none from 0 to 100.

    Example:
        >>> score_of("Comments: ... **Score: 85/100**")
        Traceback (most recent call last):
        ...
        vincicoder.errors.FaultyAnswer: the judge gives no score from 0 to 100: 'Comments: ... **Score: 85/100**'
        >>> score_of("Comments: good" + chr(10) + "**Score: 85/100**")
        0.85
    """
    found = _SCORE.findall(answer)
    if not found or not 0 <= float(found[-1]) <= 100:
        raise FaultyAnswer(f"the judge gives no score from 0 to 100: {answer!r:.200}")
    return float(found[-1]) / 100


METRIC = Metric("chartmimic_judge", ("judged",), measure, {"judged": 0.0})
