"""A system without Landlock and seccomp, as macOS is. Only the name of the system is made up here."""

from __future__ import annotations

import pytest

from vincicoder import RewardRequest, VisualReward, align
from vincicoder.cli import examination, main
from vincicoder.cli.parser import FINE
from vincicoder.errors import SandboxUnavailable
from vincicoder.languages import LANGUAGES
from vincicoder.rendering import RenderPool


@pytest.fixture(autouse=True)
def _macos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("platform.system", lambda: "Darwin")


@pytest.mark.parametrize("allow_unsandboxed", [False, True])
def test_no_code_is_run_and_the_error_says_what_works(allow_unsandboxed: bool) -> None:
    with pytest.raises(SandboxUnavailable, match=r"this is Darwin\. Here works .* align.* `vincicoder serve`"):
        RenderPool(1, allow_unsandboxed=allow_unsandboxed)
    with pytest.raises(SandboxUnavailable), VisualReward(encoder="embedded") as reward:
        reward.score([RewardRequest("```svg\n<svg/>\n```", b"")])


def test_the_doctor_says_so_for_every_language() -> None:
    checks = [*examination.renderers(None, None), examination.sandbox()]
    assert len(checks) == len(LANGUAGES) + 1
    for check in checks:
        assert check.state is examination.State.MISSING
        assert "this is Darwin" in check.detail


def test_what_runs_no_code_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert align("```svg\n<svg/>\n```", "svg").code == "<svg/>"
    assert main(["path", "verl"]) == FINE
    assert main(["plan", "--gpus", "8", "--gpu-memory", "80", "--model", "8b"]) == FINE
