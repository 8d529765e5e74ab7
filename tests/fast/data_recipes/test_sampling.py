"""Duplicates go, domains and levels are balanced, and what is chosen depends on ids and seed alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from recipe_helpers import png_of, record_of, svg_of
from sampled_records import Made, kept, made, sample_image

from data_recipes import rl, sample
from data_recipes.engine import index
from data_recipes.engine.pipeline import run
from data_recipes.engine.shards import shards_of
from data_recipes.engine.units import Row
from vincicoder.cli import main as command_line
from vincicoder.data import DataError, Reason
from vincicoder.data.measure import code_digest, fingerprint


def test_the_fingerprint_sees_through_size_and_noise_and_tells_images_apart():
    def bits(a, b):
        return int(np.unpackbits(fingerprint(a) ^ fingerprint(b)).sum())

    noisy = sample_image(1).copy()
    noisy.putpixel((3, 3), (250, 250, 250))
    assert bits(sample_image(1), noisy) <= index.NEAR_BITS
    assert bits(sample_image(1), sample_image(1, 203)) <= 3 * index.NEAR_BITS
    assert min(bits(sample_image(a), sample_image(b)) for a in range(12) for b in range(a)) > index.NEAR_BITS


@pytest.mark.parametrize("bits", range(index.NEAR_BITS + 1))
def test_near_images_are_found_among_many_whichever_bits_differ(bits):
    rng = np.random.default_rng(bits)
    prints = rng.integers(0, 256, (3000, 32), dtype=np.uint8)
    flipped = np.unpackbits(prints[:50], axis=1)
    for row in flipped:
        row[rng.choice(256, bits, replace=False)] ^= 1
    table = np.concatenate([prints, np.packbits(flipped, axis=1)])
    group = np.zeros(len(table), np.uint8)
    found = index.near_duplicates(table, group, index.NEAR_BITS)
    assert found.nonzero()[0].tolist() == list(range(3000, 3050))
    group[3000:] = 1
    assert not index.near_duplicates(table, group, index.NEAR_BITS).any(), "of other domains"


def test_code_is_the_same_whatever_its_comments_and_layout():
    assert code_digest("x = [1,\n 2]  # two", "python") == code_digest("x = [1, 2]", "python")
    assert code_digest("x = 1", "python") != code_digest("x = 2", "python")
    assert code_digest(svg_of(3) + "<!-- a -->", "svg") == code_digest(svg_of(3).replace("\n", "  "), "svg")
    assert code_digest("a % b\nc", "latex") == code_digest("a c", "latex")
    assert code_digest("not python (", "python") == code_digest("not  python (", "python")


def test_duplicates_are_dropped_and_counted(tmp_path, capsys):
    same = {7: "code 3 " + "word " * 53}
    made(tmp_path / "in", ["svg"] * 20, same)
    sample.main([str(tmp_path / "in"), "--out", str(tmp_path / "out")])
    assert json.loads(capsys.readouterr().out)["dropped"] == {"duplicate code": 1}
    assert [record.id for record in kept(tmp_path / "out")] == [f"r{n}" for n in range(20) if n != 7]


def index_of(tmp_path, domains, codes=None):
    return index.read_index([made(tmp_path / "in", domains, codes)], 0)


def test_a_record_is_no_duplicate_of_one_that_is_left_out_itself(tmp_path):
    known = index_of(tmp_path, ["svg"] * 6, {3: "code 1 " + "word " * 51})
    known.image[4] = known.image[2]
    known.leave_out(np.array([1, 2]), Reason.SIMPLE)
    index.drop_equal_code(known)
    index.drop_near_images(known)
    assert known.left.tolist() == [0, 3, 4, 5]


def test_shares_add_up_to_the_total():
    present = {"chart": 40, "web": 40, "svg": 40, "latex": 0}
    equal = {"chart": 1.0, "web": 1.0, "svg": 1.0}
    assert sorted(index.quotas(present, 100, equal).values()) == [0, 33, 33, 34]
    assert index.quotas(present, 200, equal) == present
    assert index.quotas(present, None, {"chart": 2, "web": 1}) == {"chart": 40, "web": 20, "svg": 0, "latex": 0}
    assert index.quotas({"svg": 7}, 7, None) == {"svg": 7}
    assert index.quotas({"svg": 0}, 7, None) == {"svg": 0}


def test_nothing_in_is_nothing_out(tmp_path, capsys):
    made(tmp_path / "in", [])
    for recipe in (sample, rl):
        recipe.main([str(tmp_path / "in"), "--out", str(tmp_path / recipe.__name__)])
        line = json.loads(capsys.readouterr().out)
        assert line == {"recipe": recipe.__name__.rpartition(".")[2], "taken": 0, "kept": 0, "dropped": {}}


def test_what_was_chosen_is_not_mixed_with_another_choice(tmp_path):
    made(tmp_path / "in", ["svg"] * 9, {1: "code x" + " word" * 60})
    command = [str(tmp_path / "in"), "--total", "5", "--out", str(tmp_path / "out")]
    sample.main(command)
    sample.main(command)
    [shard] = shards_of(tmp_path / "in")
    shard.unlink()
    made(tmp_path / "in", ["svg"] * 9, {1: "code y" + " word" * 60 + "s"})
    with pytest.raises(DataError, match="begun with other settings"):
        sample.main(command)


def test_shares_and_levels_are_balanced_and_another_seed_chooses_others(tmp_path):
    made(tmp_path / "in", ["svg"] * 60 + ["chart"] * 40 + ["web"] * 30)
    for seed in (1, 2):
        arguments = ["--total", "40", "--shares", "svg=2,chart=1,web=1", "--seed", str(seed)]
        sample.main([str(tmp_path / "in"), "--out", str(tmp_path / f"out{seed}"), *arguments])
    first, second = kept(tmp_path / "out1"), kept(tmp_path / "out2")
    count = {domain: sum(record.domain == domain for record in first) for domain in ("svg", "chart", "web")}
    assert count == {"svg": 20, "chart": 10, "web": 10}
    assert {record.id for record in first} != {record.id for record in second}
    numbers = sorted(int(record.id[1:]) for record in first if record.domain == "svg")
    thirds = [sum(low <= number < low + 20 for number in numbers) for low in (0, 20, 40)]
    assert max(thirds) - min(thirds) <= 1, "as many short, middling and long"


def test_a_share_without_records_or_misspelt_is_an_error(tmp_path):
    made(tmp_path / "in", ["svg"] * 4)
    for shares, message in (
        ("latex=1", "--shares names latex, but there are no such records"),
        ("graph=1", "is not DOMAIN=NUMBER"),
        ("svg", "DOMAIN="),
    ):
        with pytest.raises(DataError, match=message):
            sample.main([str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--shares", shares])
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="holds no Parquet"):
        index.read_index([tmp_path / "nothing"], 0)


def test_the_rl_set_is_complex_spread_over_domains_and_neither_solved_nor_hopeless(tmp_path, capsys):
    codes = {0: "too short"}
    made(tmp_path / "in", ["svg"] * 30 + ["chart"] * 12, codes)
    rates = tmp_path / "rates.jsonl"
    lines = [{"id": "r1", "scores": [1.0] * 8}, {"id": "r2", "scores": [0.1] * 8}, {"id": "r3", "scores": [1.0, 0.2]}]
    rates.write_text("\n".join(map(json.dumps, lines)))
    rl.main([str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--pass-rates", str(rates)])
    dropped = json.loads(capsys.readouterr().out)["dropped"]
    assert dropped == {"not sampled": 15, "pass rate outside the band": 2, "too simple": 1}
    records = kept(tmp_path / "out")
    assert (
        sum(record.domain == "svg" for record in records) == sum(record.domain == "chart" for record in records) == 12
    )
    for text, message in (
        ('{"id": 1}', "line 1: expected an object with id and scores"),
        ('\n{"id": "r1", "overall": 1}\n[]', "line 3: expected an object with id and scores"),
        ('{"id": "r1", "overall": "much"}', "line 1: expected"),
        ('{"id": "other", "overall": 1}', "none of the 1 ids in the rewards"),
    ):
        rates.write_text(text)
        with pytest.raises(DataError, match=message):
            rl.main([str(tmp_path / "in"), "--out", str(tmp_path / "out2"), "--pass-rates", str(rates)])


def test_pass_rates_are_read_from_results_of_score_as_they_are(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(png_of(5))
    answers = {"r1": (5, 5), "r2": (50, 50), "r3": (5, 50)}
    requests = [
        {"id": name, "response": f"```svg\n{svg_of(left)}\n```", "target": "a.png", "language": "svg"}
        for name, places in answers.items()
        for left in places
    ]
    requests.append({"id": "r4", "response": "none", "target": "missing.png"})
    (tmp_path / "requests.jsonl").write_text("\n".join(map(json.dumps, requests)))
    results = tmp_path / "results.jsonl"
    command_line(["score", str(tmp_path / "requests.jsonl"), "--output", str(results), "--encoder", "embedded"])
    solved = {name: sorted(each >= rl.PASSED for each in own) for name, own in rl.read_rewards(results).items()}
    assert solved == {"r1": [True, True], "r2": [False, False], "r3": [False, True]}
    made(tmp_path / "in", ["svg"] * 6)
    capsys.readouterr()
    rl.main([str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--pass-rates", str(results)])
    assert json.loads(capsys.readouterr().out)["dropped"] == {"pass rate outside the band": 2}
    assert [record.id for record in kept(tmp_path / "out")] == ["r0", "r3", "r4", "r5"]


def test_records_whose_rewards_are_alike_or_leave_nothing_to_gain_are_left_out(tmp_path, capsys):
    made(tmp_path / "in", ["svg"] * 6)
    rewards = {"r0": [0.88, 0.881], "r1": [0.5, 0.9], "r2": [0.97, 1.0], "r3": [0.3], "r4": [0.99]}
    file = tmp_path / "rewards.jsonl"
    file.write_text("\n".join(json.dumps({"id": name, "scores": scores}) for name, scores in rewards.items()))
    arguments = [str(tmp_path / "in"), "--rewards", str(file)]
    rl.main([*arguments, "--out", str(tmp_path / "out")])
    assert json.loads(capsys.readouterr().out)["dropped"] == {"rewards too much alike": 1, "nothing left to gain": 2}
    assert [record.id for record in kept(tmp_path / "out")] == ["r1", "r3", "r5"]
    rl.main([*arguments, "--out", str(tmp_path / "all"), "--least-spread", "0", "--least-headroom", "0"])
    assert len(kept(tmp_path / "all")) == 6


def test_records_that_were_not_measured_are_refused(tmp_path):
    class Bare(Made):
        def read(self, unit):
            yield Row("r", record_of(1))

    run(Bare(["svg"]), [], tmp_path / "in", {})
    with pytest.raises(DataError, match="lacks the check 'tokens'; run it through collect"):
        index.read_index([tmp_path / "in"], 0)
