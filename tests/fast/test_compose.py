"""The page on composing rewards: its code runs, and does what the page says."""

from __future__ import annotations

import json
import re
import sys
from importlib.util import find_spec
from typing import Any

import pytest
import repository

from vincicoder import VisualReward
from vincicoder.reward.extras import load_extra

ROCKET = repository.EXAMPLES / "samples" / "svg" / "rocket"
SLIGHT, PERFECT, BAD = (
    (ROCKET / "responses" / f"{name}.md").read_text("utf-8") for name in ("slight", "perfect", "bad")
)
TARGET = str(ROCKET / "target.png")


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's Python defines."""
    names: dict[str, Any] = {}
    sys.path.append(str(repository.ROOT))
    text = (repository.ROOT / "docs" / "compose.md").read_text("utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        if "inspect_ai" not in block or find_spec("inspect_ai"):
            exec(block, names)
    return names


def test_a_term_in_a_file_counts_as_its_weight_says(page, tmp_path):
    path = tmp_path / "my_terms.py"
    path.write_text("def short(request, result):\n    return 0.5\n")
    assert load_extra(f"{path}:short").names == (page["short"].__name__,)
    with VisualReward(encoder="embedded", workers=1, extra=f"{path}:short", components={"short": 0.2}) as reward:
        _, result = page["best_of"](reward, [SLIGHT], TARGET, "svg")
    paper = result.scores["paper"]
    assert result.visual == pytest.approx((paper + 0.2 * 0.5) / 1.2)


def test_the_best_of_n_is_the_perfect_one_and_the_metric_is_a_mean(page):
    with VisualReward(encoder="embedded", workers=1) as reward:
        best, result = page["best_of"](reward, [BAD, PERFECT, SLIGHT], TARGET, "svg")
        rows = [{"response": each, "target": TARGET, "language": "svg"} for each in (PERFECT, "no code")]
        means = page["evaluate"](reward, rows)
    assert best == PERFECT and result.overall > 0.99
    assert means["execution"] == 0.5 and means["overall"] == pytest.approx(0.5, abs=0.01)


def test_rewards_in_trainers_shapes_can_be_mixed(page):
    ours, polite = page["both"]["reward_funcs"]
    columns = {"image": [TARGET] * 2, "language": ["svg"] * 2}
    assert [round(each, 2) for each in ours([PERFECT, "no code, please"], **columns)] == [1, 0]
    assert polite([PERFECT, "no code, please"], **columns) == [0, 1]
    truth = json.dumps({"target": TARGET, "language": "svg"})
    rows = [{"response": PERFECT, "response_length": 9, "ground_truth": truth}]
    [score] = page["compute_score"](rows, encoder="embedded", workers=1)
    assert score["overall"] == pytest.approx(0.9 * score["accuracy"] + 0.1, abs=0.01)
    assert page["verl_score"]("icons", "short", None, {"vincicoder": {"overall": 0.5}}) == pytest.approx(0.55)


@pytest.mark.skipif(find_spec("inspect_ai") is None, reason="inspect_ai is not installed")
def test_inspect_ai_means_what_was_judged_and_nothing_else(page, tmp_path):
    from inspect_ai import eval as run
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    row = {"image": TARGET, "prompt": "Write this icon as SVG.", "language": "svg"}
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    rows = [row, row | {"reference": "<svg/>"}, row | {"image": str(broken)}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    answers = [ModelOutput.from_content("mockllm/model", text) for text in (PERFECT, "no code", PERFECT)]
    for answer in answers:
        answer.usage = ModelUsage()  # else it downloads a tokenizer to count
    model = get_model("mockllm/model", custom_outputs=answers)
    task = page["image_to_code"](str(tmp_path / "rows.jsonl"), encoder="embedded")
    [log] = run(task, model=model, max_connections=1, max_samples=1, display="none", log_dir=str(tmp_path / "logs"))
    assert log.status == "success", log.error
    [scored] = log.results.scores
    assert (scored.scored_samples, scored.unscored_samples) == (2, 1)
    assert scored.metrics["mean"].value == pytest.approx(0.5, abs=0.01)
    found = [each.scores["visual"] for each in log.samples]
    assert [each.explanation.split()[0] for each in found] == ["ok", "no_code", "bad_target"]
    assert found[0].answer.startswith("<svg") and found[0].metadata["paper"] > 0.99
