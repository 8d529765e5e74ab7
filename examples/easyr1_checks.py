"""Find out what would stop an EasyR1 job before it takes its GPUs; say the first thing in a sentence."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Any


def main() -> None:
    """Run every check; exit with status 1 and a sentence at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train-files", required=True)
    parser.add_argument("--val-files", required=True)
    parser.add_argument("--columns", nargs="+", required=True)
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--gpus", type=int, required=True, help="per node")
    parser.add_argument("--reward-cpus", type=int, required=True, help="per reward actor")
    parser.add_argument("--encoder", required=True)
    options = parser.parse_args()

    check_easyr1()
    check_vincicoder()
    for files in (options.train_files, options.val_files):
        check_data(files, options.columns)
    check_machines(options.nodes, options.gpus, options.reward_cpus)
    check_encoder(options.encoder)
    check_renderers()


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


def check_data(files: str, columns: list[str]) -> None:
    """The data is there and, as far as that can be seen at once, has the columns."""
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
        path = found[0]
    if not path.exists():
        check_hub_data(name)
        return
    present = columns_of(path)
    missing = [column for column in columns if column not in present]
    if present and missing:
        fail(
            f"{path} has no column {', '.join(missing)} but {', '.join(present)}; "
            "name its columns with PROMPT_KEY, ANSWER_KEY and IMAGE_KEY."
        )


def columns_of(path: Path) -> list[str]:
    """Return the columns of a Parquet or JSON lines file; nothing for other files."""
    if path.suffix == ".parquet":
        import pyarrow.parquet

        return list(pyarrow.parquet.read_schema(path).names)
    if path.suffix == ".jsonl":
        with path.open(encoding="utf-8") as lines:
            return list(json.loads(next(lines, "{}")))
    return []


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


def check_machines(nodes: int, gpus: int, reward_cpus: int) -> None:
    """There are the GPUs that were asked for, and CPUs for both of EasyR1's reward actors."""
    machines = ray_nodes()
    if machines is None:
        if nodes > 1:
            fail(f"NNODES={nodes}, but no Ray cluster answers; run `ray start` on every node, see --help.")
        machines = [this_machine()]
    enough = [machine for machine in machines if machine["GPU"] >= gpus]
    if len(enough) < nodes:
        counts = ", ".join(str(int(machine["GPU"])) for machine in machines)
        fail(
            f"{nodes} node(s) with {gpus} GPUs each were asked for, the GPUs here are: {counts}; "
            "set NNODES and GPUS_PER_NODE."
        )
    # The trainer takes a CPU for each GPU and one for itself.
    room = sum(int(machine["CPU"] - min(gpus, machine["GPU"]) - 1) // reward_cpus for machine in machines)
    if room < 2:
        fail(
            f"EasyR1 starts two reward actors of REWARD_CPUS={reward_cpus} and would wait for ever for them, "
            f"since the CPUs here suffice for {max(room, 0)}; lower REWARD_CPUS."
        )


def ray_nodes() -> list[dict[str, Any]] | None:
    """Return GPUs and CPUs of each node of the Ray cluster that the job would join; None if there is none."""
    import ray

    try:
        ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
    except ConnectionError:
        return None
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    ray.shutdown()
    return [{"GPU": node.get("GPU", 0), "CPU": node.get("CPU", 0)} for node in nodes]


def this_machine() -> dict[str, Any]:
    """Return the GPUs and CPUs of this machine."""
    import torch

    return {"GPU": torch.cuda.device_count(), "CPU": os.cpu_count() or 1}


def check_encoder(name: str) -> None:
    """The encoder's weights can be loaded."""
    from vincicoder.errors import VinciCoderError
    from vincicoder.similarity.encoders import load_encoder

    try:
        load_encoder(name, device="cpu")
    except VinciCoderError as error:
        fail(f"the reward's encoder cannot be loaded: {error}")


def check_renderers() -> None:
    """Every language can be rendered on this node."""
    from vincicoder.errors import VinciCoderError
    from vincicoder.languages import LANGUAGES
    from vincicoder.rendering import RenderPool

    language = "generated"
    try:
        with RenderPool(workers=1) as pool:
            for language in LANGUAGES:
                pool.start(language)
    except VinciCoderError as error:
        fail(f"{language} code cannot be rendered here: {error} (`vincicoder doctor` checks all of it)")


if __name__ == "__main__":
    main()
