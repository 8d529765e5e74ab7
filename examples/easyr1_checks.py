"""Find out what EasyR1 lacks before `vincicoder check` looks at the job; say the first thing in a sentence."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from importlib import metadata
from pathlib import Path


def main() -> None:
    """Run every check; exit with status 1 and a sentence at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train-files", required=True)
    parser.add_argument("--val-files", required=True)
    options = parser.parse_args()

    check_easyr1()
    check_vincicoder()
    for files in (options.train_files, options.val_files):
        check_data(files)


def fail(sentence: str) -> None:
    """Stop with a sentence that says what is missing and how to fix it."""
    sys.exit(f"Not started: {sentence}")


def check_easyr1() -> None:
    """EasyR1 can be imported, and is EasyR1: its package has the same name as verl's."""
    found = importlib.util.find_spec("verl")
    if found is None or not found.submodule_search_locations:
        fail("EasyR1 is not installed; set EASYR1_HOME to a checkout of hiyouga/EasyR1.")
        return
    directory = Path(next(iter(found.submodule_search_locations)))
    if not (directory / "workers" / "reward" / "function.py").is_file():
        fail(
            f"{directory} is verl, not EasyR1, whose package has the same name; "
            "set EASYR1_HOME to a checkout of EasyR1."
        )
    try:
        version = metadata.version("omegaconf")
    except metadata.PackageNotFoundError:
        fail(
            f"EasyR1's dependencies are not installed for {sys.executable}; "
            "run in its checkout: pip install -r requirements.txt."
        )
        return
    if tuple(int(part) for part in version.split(".")[:2]) >= (2, 4):
        fail(f"omegaconf {version} cannot read EasyR1's configuration; run: pip install 'omegaconf<2.4'.")


def check_vincicoder() -> None:
    """The reward file's imports work in this interpreter."""
    try:
        import vincicoder.reward.visual_reward  # noqa: F401
    except ModuleNotFoundError as error:
        fail(
            f"vincicoder needs {error.name}, which {sys.executable} lacks; "
            f"run: {sys.executable} -m pip install {Path(__file__).resolve().parents[1]}."
        )


def check_data(files: str) -> None:
    """The data is there, in a form that EasyR1 reads."""
    name = files.split("@")[0]
    path = Path(name).expanduser()
    if path.is_dir():
        found = sorted(path.iterdir())
        if not found:
            fail(f"the data directory {name} is empty.")
        if other := [each.name for each in found if each.suffix != found[-1].suffix]:
            fail(
                f"EasyR1 reads all that is in the directory {name} as one kind of file; "
                f"move {', '.join(other)} elsewhere."
            )
    if not path.exists():
        check_hub_data(name)


def check_hub_data(name: str) -> None:
    """A data set on the hub can be reached, or is in the local cache."""
    try:
        import datasets

        datasets.load_dataset_builder(name)
    except Exception as error:  # noqa: BLE001 - whatever the reason, the data is not to be had
        fail(
            f"the data {name!r} is neither a file or directory here nor a data set that can be reached "
            f"({type(error).__name__}); set TRAIN_FILES and VAL_FILES."
        )


if __name__ == "__main__":
    main()
