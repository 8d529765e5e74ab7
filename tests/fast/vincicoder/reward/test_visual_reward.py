"""The reward from request to result: statuses, numbers, guards, streams and threads."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image, ImageDraw

from vincicoder.errors import ConfigError, EncoderError
from vincicoder.reward import STAGES, RewardRequest, RewardResult, VisualReward
from vincicoder.status import Status

CHART = "import matplotlib.pyplot as plt\nplt.figure(figsize=(4, 3))\nplt.bar(['a', 'b', 'c'], [1, 3, 2])\nplt.show()"


def fenced(code: str, language: str = "python") -> str:
    return f"Here it is.\n```{language}\n{code}\n```\nDone."


def svg(body: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">{body}</svg>'


CIRCLE = svg('<circle cx="5" cy="5" r="4" fill="red"/>')
SQUARE = svg('<rect x="1" y="4" width="3" height="5" fill="blue"/>')


@pytest.fixture(scope="module")
def reward() -> Iterator[VisualReward]:
    with VisualReward("embedded", workers=2, cpu_seconds=3, wall_seconds=60, memory_mb=1024) as reward:
        yield reward


@pytest.fixture(scope="module")
def circle(reward: VisualReward) -> Image.Image:
    render = reward._pool.render(CIRCLE, "svg").image
    assert render is not None
    return render


@pytest.fixture(scope="module")
def chart(reward: VisualReward) -> Image.Image:
    render = reward._pool.render(CHART, "python").image
    assert render is not None
    return render


def one(reward: VisualReward, response: str, target: Any, language: str | None = "python") -> RewardResult:
    (result,) = reward.score([RewardRequest(response, target, language=language)])
    return result


STATUSES: dict[Status, tuple[str, str]] = {
    Status.OK: ("svg", fenced(CIRCLE, "svg")),
    Status.NO_CODE: ("svg", "I cannot do that."),
    Status.WRONG_LANGUAGE: ("svg", fenced("x = 1")),
    Status.TRUNCATED: ("svg", "```svg\n<svg"),
    Status.SYNTAX_ERROR: ("python", fenced("def f(:")),
    Status.RUNTIME_ERROR: ("python", fenced("1 / 0")),
    Status.FORBIDDEN: ("python", fenced("open('/etc/passwd')")),
    Status.TIMEOUT: ("python", fenced("while True: pass")),
    Status.OUT_OF_MEMORY: ("python", fenced("x = bytearray(10 ** 12)")),
    Status.TOO_LARGE: ("svg", fenced(CIRCLE.replace("viewBox", 'width="99999" height="99999" viewBox'), "svg")),
    Status.NO_OUTPUT: ("python", fenced("x = 1")),
    Status.BLANK: ("svg", fenced(svg(""), "svg")),
    Status.RASTER: (
        "svg",
        fenced(svg(f'<image width="10" height="10" href="data:image/png;base64,{"iVBORw0KGgo" * 999}"/>'), "svg"),
    ),
    Status.FOREIGN_FILE: (
        "python",
        fenced(
            "import json, os, socket, struct\nfor n in range(999): os.symlink('/etc/passwd', f'../{n}.rgb')\n"
            "body = json.dumps({'status': 'ok', 'width': 2, 'height': 2}).encode()\n"
            "job = next(fd for fd in range(4, 64) if os.path.exists(f'/proc/self/fd/{fd}')"
            " and os.readlink(f'/proc/self/fd/{fd}').startswith('socket'))\n"
            "socket.socket(fileno=job).sendall(struct.pack('!I', len(body)) + body)\n"
            "socket.socket(fileno=3).sendall(b'k'); import threading; threading.Event().wait(1)"
        ),
    ),
}


def test_every_status_has_the_same_keys_and_is_earned(reward: VisualReward, circle: Image.Image) -> None:
    requests = [RewardRequest(response, circle, language=language) for language, response in STATUSES.values()]
    requests += [RewardRequest(fenced(CIRCLE, "svg"), "/no/such/target.png", language="svg")]
    requests += [RewardRequest(fenced(CIRCLE, "svg"), circle, language="klingon")]
    results = reward.score(requests)
    assert [result.status for result in results] == [*STATUSES, Status.BAD_TARGET, Status.BAD_REQUEST]
    keys = {tuple(result.to_dict()) for result in results}
    assert len(keys) == 1
    for result in results:
        data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
        assert {"overall", "visual", "coarse", "fine", "alignment", "execution", "status", "message"} <= data.keys()
        assert set(data["seconds"]) == set(STAGES)
        assert data["encoder"]
        assert data["preset"] == "paper"
        numbers = (result.overall, result.visual, result.coarse, result.fine, result.alignment, result.execution)
        assert all(isinstance(value, float) and 0 <= value <= 1 for value in numbers)
        if result.status is Status.OK:
            assert result.message == ""
        else:
            assert result.message
            assert result.visual == result.coarse == result.fine == 0
            assert result.overall <= 0.1
            assert result.tiles == ()
            assert result.grid is None


def test_a_perfect_answer_earns_one(reward: VisualReward, circle: Image.Image, chart: Image.Image) -> None:
    for response, target, language in ((fenced(CIRCLE, "svg"), circle, "svg"), (fenced(CHART), chart, "python")):
        result = one(reward, response, target, language)
        assert result.overall == pytest.approx(1, abs=1e-3)
        assert result.visual == pytest.approx(1, abs=1e-3)
        assert result.alignment == result.execution == 1
        assert result.render is not None
        assert result.render.tobytes() == target.tobytes()
        assert result.grid is not None
        assert result.seconds["render"] > 0
        assert result.seconds["prepare"] > 0
        assert result.seconds["total"] >= result.seconds["embed"] > 0


def test_worse_earns_less(reward: VisualReward, circle: Image.Image) -> None:
    slight = CIRCLE.replace('r="4"', 'r="3.6"')
    results = [one(reward, fenced(code, "svg"), circle, "svg") for code in (CIRCLE, slight, SQUARE, "<svg")]
    overall = [result.overall for result in results]
    assert overall == sorted(overall, reverse=True)
    assert overall[1] - overall[2] > 0.05


@pytest.mark.parametrize("kind", ["path", "bytes", "mapping", "image", "transparent"])
def test_targets_come_in_any_form(reward: VisualReward, circle: Image.Image, tmp_path: Any, kind: str) -> None:
    buffer = io.BytesIO()
    circle.save(buffer, "PNG")
    (tmp_path / "t.png").write_bytes(buffer.getvalue())
    target = {
        "path": tmp_path / "t.png",
        "bytes": buffer.getvalue(),
        "mapping": {"bytes": buffer.getvalue(), "path": None},
        "image": circle,
        "transparent": circle.convert("RGBA"),
    }[kind]
    assert one(reward, fenced(CIRCLE, "svg"), target, "svg").visual == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("target", ["/no/such.png", b"not an image", {}, "", None, 7])
def test_a_bad_target_spoils_only_its_own_request(reward: VisualReward, circle: Image.Image, target: Any) -> None:
    good = RewardRequest(fenced(CIRCLE, "svg"), circle, language="svg")
    results = reward.score([good, RewardRequest(good.response, target, language="svg"), good])
    assert [result.status for result in results] == [Status.OK, Status.BAD_TARGET, Status.OK]
    assert results[0].overall == results[2].overall == pytest.approx(1, abs=1e-3)


def test_the_language_comes_from_the_prompt(reward: VisualReward, circle: Image.Image) -> None:
    request = RewardRequest(fenced(CIRCLE, "svg"), circle, prompt="Please write SVG code for this picture.", id="7")
    (result,) = reward.score([request])
    assert (result.language, result.status, result.id) == ("svg", Status.OK, "7")


def test_an_empty_list_and_many_equal_requests(reward: VisualReward, chart: Image.Image) -> None:
    assert reward.score([]) == []
    results = reward.score([RewardRequest(fenced(CHART), chart, language="python", id=str(n)) for n in range(8)])
    assert [result.id for result in results] == [str(n) for n in range(8)]
    assert len({result.overall for result in results}) == 1


def test_progress_sees_every_result(reward: VisualReward, circle: Image.Image) -> None:
    seen: list[RewardResult] = []
    requests = [RewardRequest(response, circle, language="svg") for response in ("a", "b", fenced(CIRCLE, "svg"))]
    results = reward.score(requests, seen.append)
    assert sorted(map(id, seen)) == sorted(map(id, results))


def test_guards_can_be_switched_off(circle: Image.Image) -> None:
    requests = [RewardRequest(STATUSES[status][1], circle, language="svg") for status in (Status.BLANK, Status.RASTER)]
    with VisualReward("embedded", workers=1, guards=()) as unguarded:
        assert all(result.status not in (Status.BLANK, Status.RASTER) for result in unguarded.score(requests))
    with VisualReward("embedded", workers=1, guards=["raster"]) as partly:
        blank, raster = partly.score(requests)
    assert blank.status is Status.OK
    assert raster.status is Status.RASTER
    assert 0 <= blank.visual < 0.95


def test_a_blank_target_may_have_a_blank_answer(reward: VisualReward) -> None:
    result = one(reward, fenced(svg(""), "svg"), Image.new("RGB", (512, 512), "white"), "svg")
    assert result.status is Status.OK
    assert result.visual == pytest.approx(1, abs=1e-3)


def test_weights_decide_the_shares_of_coarse_and_of_alignment(circle: Image.Image) -> None:
    request = RewardRequest(fenced(SQUARE, "svg"), circle, language="svg")
    with VisualReward("embedded", workers=1, alignment_weight=0.4, coarse_weight=0.25) as reward:
        (result,) = reward.score([request])
        (failed,) = reward.score([RewardRequest(fenced("<svg", "svg"), circle, language="svg")])
    assert result.visual == pytest.approx(0.25 * result.coarse + 0.75 * result.fine, abs=1e-6)
    assert result.overall == pytest.approx(0.6 * result.visual + 0.4, abs=1e-6)
    assert failed.overall == pytest.approx(0.4)


def test_renders_need_not_be_kept(circle: Image.Image) -> None:
    with VisualReward("embedded", workers=1, keep_renders=False) as reward:
        result = one(reward, fenced(CIRCLE, "svg"), circle, "svg")
    assert result.render is None
    assert result.execution == 1


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"preset": "best"}, "preset"),
        ({"guards": "blink"}, "guards"),
        ({"guards": ["blink"]}, "guards"),
        ({"alignment_weight": 1.5}, "alignment_weight"),
        ({"coarse_weight": -0.1}, "coarse_weight"),
        ({"coarse_weight": math.nan}, "coarse_weight"),
        ({"workers": 0}, "workers"),
        ({"python": "/no/python"}, "python"),
        ({"renderer_options": {"docx": {}}}, "docx"),
    ],
)
def test_impossible_options_are_named(options: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        VisualReward("embedded", **options)


def test_a_missing_encoder_is_named() -> None:
    with pytest.raises((EncoderError, ConfigError), match="no-such-encoder"):
        VisualReward("/no-such-encoder")


def test_a_broken_renderer_is_the_machines_fault(circle: Image.Image) -> None:
    with VisualReward("embedded", workers=1, renderer_options={"svg": {"no_such_option": 1}}) as reward:
        results = reward.score([RewardRequest(fenced(CIRCLE, "svg"), circle, language="svg"),
                                RewardRequest("no code", circle, language="svg")])  # fmt: skip
        assert reward.counts[Status.INFRASTRUCTURE] == 1
    assert results[0].status is Status.INFRASTRUCTURE
    assert results[0].status.fault != "response"
    assert results[1].status is Status.NO_CODE


def mixed(circle: Image.Image, chart: Image.Image, count: int) -> list[RewardRequest]:
    codes = [
        ("svg", CIRCLE, circle),
        ("svg", SQUARE, circle),
        ("python", "1 / 0", chart),
        ("svg", "<svg", circle),
        ("python", "open('/etc/passwd')", chart),
        ("python", CHART, chart),
    ]
    return [
        RewardRequest(fenced(f"{code}\n" if n % 3 else code, language), target, language=language, id=str(n))
        for n in range(count)
        for language, code, target in [codes[n % len(codes)]]
    ]


def test_threads_get_the_same_numbers(reward: VisualReward, circle: Image.Image, chart: Image.Image) -> None:
    requests = mixed(circle, chart, 12)
    expected = [(result.id, result.status, result.overall) for result in reward.score(requests)]
    with ThreadPoolExecutor(4) as threads:
        for results in threads.map(reward.score, [requests] * 4):
            found = [(result.id, result.status, result.overall) for result in results]
            assert [entry[:2] for entry in found] == [entry[:2] for entry in expected]
            assert [entry[2] for entry in found] == pytest.approx([entry[2] for entry in expected], abs=1e-5)


def test_quick_answers_do_not_wait_for_slow_ones(reward: VisualReward, circle: Image.Image) -> None:
    slow = RewardRequest(fenced("import threading\nthreading.Event().wait(2)"), circle, language="python")
    quick = [RewardRequest(fenced(f"{CIRCLE}<!-- {n} -->", "svg"), circle, language="svg") for n in range(5)]
    order = [index for index, _ in reward.stream([slow, *quick])]
    assert order[-1] == 0
    assert sorted(order) == list(range(6))


def test_an_abandoned_stream_leaves_the_reward_usable(reward: VisualReward, circle: Image.Image) -> None:
    sleepers = [
        RewardRequest(fenced(f"import threading\nthreading.Event().wait(0.2)#{n}"), circle, language="python")
        for n in range(30)
    ]
    stream = reward.stream(sleepers)
    next(stream)
    stream.close()
    assert one(reward, fenced(CIRCLE, "svg"), circle, "svg").status is Status.OK


def test_an_abandoned_stream_takes_nothing_from_another(reward: VisualReward, circle: Image.Image) -> None:
    """Two callers wait for the same code; one of them gives up."""
    slow = [
        RewardRequest(fenced(f"import threading\nthreading.Event().wait(1)#{n}"), circle, language="python")
        for n in range(3)
    ]
    shared = RewardRequest(fenced(CIRCLE + "<!-- shared -->", "svg"), circle, language="svg")
    first, second = reward.stream([*slow, shared]), reward.stream([RewardRequest("none", circle), shared])
    with ThreadPoolExecutor(2) as threads:
        going = threads.submit(next, first)
        results = threads.submit(lambda: dict(second))
        going.result()
        first.close()
        assert results.result()[1].status is Status.OK


def test_requests_may_come_from_a_generator(reward: VisualReward, circle: Image.Image) -> None:
    def requests() -> Iterator[RewardRequest]:
        for _ in range(100):
            yield RewardRequest("no code", circle, language="svg")

    assert sorted(index for index, _ in reward.stream(requests())) == list(range(100))


def test_a_closed_reward_says_so(circle: Image.Image) -> None:
    reward = VisualReward("embedded", workers=1)
    reward.close()
    reward.close()
    with pytest.raises(ConfigError, match="closed"):
        one(reward, fenced(CIRCLE, "svg"), circle, "svg")


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (3000, 200), (20, 20)])
def test_targets_of_any_shape_are_compared(reward: VisualReward, size: tuple[int, int]) -> None:
    target = Image.new("RGB", size, "white")
    ImageDraw.Draw(target).point((0, 0), "black")
    result = one(reward, fenced(CIRCLE, "svg"), target, "svg")
    assert result.status is Status.OK
    assert 0 <= result.overall < 1
