"""A short run of every fuzzer over its corpus, the same each time; ``docs/fuzzing.md`` says how to run them for long."""

from __future__ import annotations

import importlib.util
import time

import pytest
from fuzz import CORPUS
from fuzz.mutation import inputs
from fuzz.targets import TARGETS
from fuzz.watch import watched

SECONDS = 5.0  # of CPU time for one input; most take a thousandth


@pytest.mark.filterwarnings("ignore")  # Pillow has many for damaged files
@pytest.mark.parametrize("name", TARGETS)
def test_no_input_breaks_a_promise(name: str) -> None:
    if name == "bodies" and importlib.util.find_spec("fastapi") is None:
        pytest.skip("the extra 'serve' is not installed")
    target = TARGETS[name]
    seeds = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    for data in inputs(seeds, target.words, 300, target.longest):
        began = time.process_time()
        try:
            target.run(data)
        except Exception as error:
            raise AssertionError(f"{name} breaks at {data!r}") from error
        assert time.process_time() - began < SECONDS, data


def test_every_corpus_belongs_to_a_target_and_is_small() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} == set(TARGETS)
    assert sum(path.stat().st_size for path in files) < 200_000


def test_reaching_outside_is_noticed_although_the_code_catches_the_error(tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with pytest.raises(AssertionError, match="reached outside"), watched(files=False):
        secret.read_text()
    with watched(files=True):
        secret.read_text()
    with pytest.raises(AssertionError, match="reached outside"), watched(files=True):
        try:
            secret.unlink()
        except OSError:
            pass
