"""``vincicoder card`` on this machine: how it renders is the same twice, and shows in the card."""

from __future__ import annotations

import json

from vincicoder.cli import main
from vincicoder.languages import LANGUAGES


def test_the_command_writes_a_card_with_the_fingerprint_of_this_machine(tmp_path, capsys):
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": [{"step": 1, "reward": 0.5}]}))
    for name in ("one", "two"):
        arguments = ["card", str(tmp_path), "--name", name, "--hours", "0.5", "--out", str(tmp_path / "cards")]
        assert main(arguments) == 0
        assert capsys.readouterr().out.split() == [
            str(tmp_path / "cards" / f"{name}.{kind}") for kind in ("json", "md")
        ]
    one, two = (json.loads((tmp_path / "cards" / f"{name}.json").read_text()) for name in ("one", "two"))
    assert one["render"] == two["render"]
    assert set(one["render"]) == {*LANGUAGES, "all"}
    assert len({*one["render"].values()}) == len(LANGUAGES) + 1
    assert one["cost"] == {"hours": 0.5, "gpu_hours": 0.0, "planned_hours": None}


def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path, capsys):
    assert main(["card", str(tmp_path), "--name", "../x", "--out", str(tmp_path)]) == 2
    assert "name is '../x'; expected letters" in capsys.readouterr().err
    assert main(["card", str(tmp_path), "--gpus", "many", "--out", str(tmp_path)]) == 2
    assert "expected a number and a kind, such as '8 x h100'" in capsys.readouterr().err
