"""The presets at work on samples: what each pays for the same answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from repository import EXAMPLES

from vincicoder.reward import RewardRequest, RewardResult, VisualReward
from vincicoder.reward.combine import rewarded
from vincicoder.reward.config import ScoringConfig
from vincicoder.reward.presets import PRESETS
from vincicoder.status import Status

SAMPLES = [EXAMPLES / "samples" / "svg" / name for name in ("weather-card", "wall-clock", "coffee-cup")]


def fenced(code: str) -> str:
    return f"```svg\n{code}\n```"


def mosaic(target: Image.Image, columns: int, rows: int) -> str:
    small = target.resize((columns, rows), Image.Resampling.BOX)
    cells = "".join(
        f'<rect x="{x}" y="{y}" width="1.02" height="1.02" fill="rgb{small.getpixel((x, y))}"/>'
        for y in range(rows)
        for x in range(columns)
    )
    size = f'width="{target.width}" height="{target.height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {columns} {rows}" preserveAspectRatio="none">{cells}</svg>'


def without_last(code: str, elements: int) -> str:
    """Return the code without its last elements of one line."""
    lines = code.rstrip().splitlines()
    drawn = [
        number for number, line in enumerate(lines) if line.strip().startswith("<") and line.strip().endswith("/>")
    ]
    dropped = set(drawn[-elements:])
    return "\n".join(line for number, line in enumerate(lines) if number not in dropped)


@pytest.fixture(scope="module")
def reward() -> Iterator[VisualReward]:
    with VisualReward("embedded", workers=2, preset="robust") as reward:
        yield reward


def scored(reward: VisualReward, sample: Path, *codes: str, reference: bool = True) -> list[RewardResult]:
    known = (sample / "reference.svg").read_text("utf-8")
    return reward.score(
        [
            RewardRequest(fenced(code), sample / "target.png", language="svg", reference=known if reference else None)
            for code in codes
        ]
    )


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_robust_takes_more_than_paper_for_damage_and_most_of_all_for_a_mosaic(
    reward: VisualReward, sample: Path
) -> None:
    code, target = (sample / "reference.svg").read_text("utf-8"), Image.open(sample / "target.png").convert("RGB")
    answers = [code, without_last(code, 2), mosaic(target, 48, 36), mosaic(target, 16, 12)]
    results = scored(reward, sample, *answers)
    assert {(result.status, result.preset) for result in results} == {(Status.OK, "robust")}
    perfect, damaged, fine_mosaic, coarse_mosaic = (result.visual for result in results)
    assert perfect == pytest.approx(1)
    assert 1 > damaged > max(fine_mosaic, coarse_mosaic)
    assert min(fine_mosaic, coarse_mosaic) > 0
    paper = [rewarded(result, ScoringConfig()).visual for result in results]
    assert [result.scores["paper"] for result in results] == paper
    assert 1 - damaged > 1 - paper[1]
    assert fine_mosaic < 0.4 < 0.7 < paper[2]


def test_robust_takes_much_for_wrong_labels_and_paper_next_to_nothing(reward: VisualReward) -> None:
    sample = SAMPLES[0]
    code = (sample / "reference.svg").read_text("utf-8")
    wrong = re.sub(r"(?<=>)[^<>]+(?=</text>)", lambda label: "w" * len(label[0]), code)
    perfect, mislabelled = scored(reward, sample, code, wrong)
    assert perfect.scores["text"] == pytest.approx(1)
    assert mislabelled.scores["text"] < 0.1
    assert mislabelled.scores["paper"] > 0.95
    assert mislabelled.visual < 0.6


def test_robust_does_without_a_reference_what_it_can(reward: VisualReward) -> None:
    target = Image.open(SAMPLES[0] / "target.png").convert("RGB")
    code = (SAMPLES[0] / "reference.svg").read_text("utf-8")
    perfect, tiled = scored(reward, SAMPLES[0], code, mosaic(target, 16, 12), reference=False)
    assert perfect.visual == pytest.approx(1)
    for result in (perfect, tiled):
        assert result.scores.keys() >= PRESETS["robust"].weights.keys()
        assert all(result.scores[name] is None for name in ("length", "text", "values", "tanimoto"))
    assert tiled.visual < tiled.scores["paper"] - 0.2


def test_what_gives_no_image_earns_nothing_and_has_the_same_scores(reward: VisualReward) -> None:
    good, *bad = scored(
        reward, SAMPLES[0], "<svg xmlns='http://www.w3.org/2000/svg'><text y='9'>a</text></svg>", "<svg", ""
    )
    assert {result.visual for result in bad} == {0}
    assert {tuple(sorted(result.scores)) for result in (good, *bad)} == {tuple(sorted(good.scores))}
    applying = [name for name in PRESETS["robust"].weights if good.scores[name] is not None]
    assert len(applying) > 3
    assert all(result.scores[name] == 0 for result in bad for name in applying)
