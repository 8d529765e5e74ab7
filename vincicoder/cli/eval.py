"""``vincicoder eval``: measure a model on the paper's benchmarks."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from vincicoder.cli.parser import Parser, add_command, column_names, positive, positive_int
from vincicoder.options import add_flags
from vincicoder.rendering.config import RenderingConfig

_STEPS = "vincicoder.cli.eval_steps"


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "eval",
        "measure a model on the paper's benchmarks",
        "Ask a model for its answers to a benchmark, score them as the benchmark's own protocol does, and write the\n"
        "paper's table with the model's row in it; `vincicoder eval STEP --help` shows a step's options.",
        "  vincicoder eval list\n"
        "  vincicoder eval run --url http://localhost:8000/v1 --model my-model --out evaluation/\n"
        "  vincicoder eval score unisvg predictions.jsonl --output scores.jsonl\n"
        "  vincicoder eval report scores.jsonl --out report/",
    )
    steps = command.add_subparsers(metavar="STEP", required=True)
    for add in (_add_list, _add_generate, _add_score, _add_report, _add_run, _add_audit, _add_drift, _add_export):
        add(steps)


def run(options: argparse.Namespace) -> int:
    """Run the step and return the exit code."""
    code: int = getattr(importlib.import_module(_STEPS), options.step)(options)
    return code


def _step(steps: Any, name: str, help: str, description: str, examples: str) -> Parser:
    step = add_command(steps, name, help, description, examples)
    step.set_defaults(command="eval", step=f"run_{name}")
    return step


def _add_list(steps: Any) -> None:
    _step(
        steps,
        "list",
        "list benchmarks and metrics",
        "List the benchmarks with their data, columns and protocol, and the metrics with what they lack here.",
        "  vincicoder eval list",
    )


def _add_generate(steps: Any) -> None:
    step = _step(
        steps,
        "generate",
        "ask a model for its answers",
        "Write a model's answers to a benchmark's samples into a file of predictions, in JSON lines. Run it again to\n"
        "go on where it stopped. Exit code 1: some samples were refused; 2: a wrong option or file.",
        "  vincicoder eval generate unisvg --url http://localhost:8000/v1 --model my-model --output predictions.jsonl",
    )
    _add_benchmark(step)
    _add_model(step)
    step.add_argument("--output", required=True, metavar="FILE", help="file of predictions")


def _add_score(steps: Any) -> None:
    step = _step(
        steps,
        "score",
        "score predictions",
        "Score predictions with the metrics of a benchmark. A prediction is a JSON line with 'id', the sample's, and\n"
        "'response'; it may have 'model' and 'number'. Run it again to go on where it stopped. Exit code 1: some\n"
        "could not be judged, because the data or this machine was at fault; 2: a wrong option or file.",
        "  vincicoder eval score chartmimic predictions.jsonl --source data/chartmimic --output scores.jsonl\n"
        "  vincicoder eval score chartmimic predictions.jsonl --output scores.jsonl --python envs/mpl384/bin/python",
    )
    _add_benchmark(step, limited=False)
    step.add_argument("predictions", metavar="PREDICTIONS", help="file of predictions, .jsonl")
    step.add_argument("--output", required=True, metavar="FILE", help="file of scores")
    step.add_argument(
        "--columns",
        type=column_names,
        metavar="OURS=THEIRS",
        help="columns of other names, such as response=output,reference=gts (default: none)",
    )
    step.add_argument("--name", metavar="NAME", help="what to call the model (default: as the predictions do)")
    step.add_argument("--json", action="store_true", help="print one JSON object")
    _add_measuring(step)


def _add_report(steps: Any) -> None:
    step = _step(
        steps,
        "report",
        "write the paper's table with your rows",
        "Write a report of files of scores: the paper's table with every cell's source, your models beside it with\n"
        "bootstrap intervals, a paired bootstrap between two models, and the best, worst and most changed samples.",
        "  vincicoder eval report scores/*.jsonl --out report/\n"
        "  vincicoder eval report scores/*.jsonl --out report/ --compare my-sft my-rl --audit audit.json",
    )
    step.add_argument("scores", nargs="+", metavar="SCORES", help="files that `vincicoder eval score` wrote")
    step.add_argument("--out", required=True, metavar="DIR", help="directory for index.html and report.md")
    _add_reporting(step)


def _add_data(step: Any) -> None:
    step.add_argument(
        "--data",
        metavar="DIR",
        help="directory with a directory of each benchmark's name, in its official layout (default: the hub)",
    )


def _add_run(steps: Any) -> None:
    step = _step(
        steps,
        "run",
        "generate, score and report",
        "Do all three for some benchmarks, or all. Run it again, with another model too: what is there is not done\n"
        "again, and the report compares all models in the directory. Exit code 1: some samples were refused or could\n"
        "not be judged; 2: a wrong option or file.",
        "  vincicoder eval run --url http://localhost:8000/v1 --model my-model --out evaluation/\n"
        "  vincicoder eval run unisvg design2code --data benchmarks/ --samples 50 --url ... --model ... --out ...",
    )
    step.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help="names of benchmarks (default: all)")
    _add_data(step)
    add_samples(step)
    _add_model(step)
    step.add_argument("--out", required=True, metavar="DIR", help="directory for predictions, scores and the report")
    _add_reporting(step)
    _add_measuring(step)


def _add_audit(steps: Any) -> None:
    step = _step(
        steps,
        "audit",
        "look for benchmark samples in training data",
        "Compare training data in any layout with benchmarks, by perceptual hashes of the images and by code without\n"
        "comments and layout, and write which samples of the benchmarks the data hold.\n"
        "`vincicoder eval report --audit` shows scores without them.",
        "  vincicoder eval audit sets/rl --output audit.json\n"
        "  vincicoder eval audit sets/sft sets/rl --benchmarks unisvg,chartmimic --data data/ --output audit.json",
    )
    step.add_argument("training", nargs="+", metavar="DATA", help="files or directories, .parquet or .jsonl")
    step.add_argument("--output", required=True, metavar="FILE", help="file of what was found, .json")
    step.add_argument("--benchmarks", metavar="NAMES", help="names of benchmarks, separated by commas (default: all)")
    _add_data(step)
    step.add_argument(
        "--bits",
        type=int,
        default=None,
        metavar="N",
        help="bits of 256 by which hashes of images that count as equal may differ (default: 16)",
    )


def _add_export(steps: Any) -> None:
    step = _step(
        steps,
        "export",
        "write samples as a trainer's validation data",
        "Write samples of benchmarks in a trainer's layout, one Parquet file each, to validate on while it trains.",
        "  vincicoder eval export unisvg chartmimic --layout verl --samples 50 --out validation/",
    )
    step.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help="names of benchmarks (default: all)")
    _add_data(step)
    add_samples(step)
    step.add_argument("--layout", required=True, metavar="NAME", help="easyr1, verl, swift or another of the layouts")
    step.add_argument("--out", required=True, metavar="DIR", help="directory for the files")


def _add_drift(steps: Any) -> None:
    step = _step(
        steps,
        "drift",
        "say how far a model has moved between two states",
        "Compare the predictions of two states of a model, such as before and after training: by the lengths of their\n"
        "answers to the same samples, and where both files have 'logprobs' for the same responses, by the divergence\n"
        "of the first state, which must have written them, from the second.",
        "  vincicoder eval drift rl.jsonl sft.jsonl",
    )
    step.add_argument("first", metavar="FIRST", help="predictions of the one state, .jsonl")
    step.add_argument("second", metavar="SECOND", help="predictions of the other, .jsonl")
    step.add_argument("--json", action="store_true", help="print one JSON object")


def _add_benchmark(step: argparse.ArgumentParser, limited: bool = True) -> None:
    step.add_argument("benchmark", metavar="BENCHMARK", help="name of the benchmark; see `vincicoder eval list`")
    step.add_argument(
        "--source", metavar="DIR", help="directory of the benchmark in its official layout (default: the hub)"
    )
    if limited:
        add_samples(step)


def add_samples(step: argparse.ArgumentParser) -> None:
    """Add the options that choose samples of a benchmark."""
    add = step.add_argument_group("samples").add_argument
    add("--samples", type=positive_int, metavar="N", help="only N samples, chosen by the seed (default: all)")
    add("--seed", type=int, default=0, metavar="N", help="of the choice and of the model's sampling (default: 0)")


def _add_model(step: argparse.ArgumentParser) -> None:
    add_endpoint(step)
    step.add_argument(
        "--answers", type=positive_int, default=1, metavar="N", help="answers to each sample (default: 1)"
    )


def add_endpoint(step: argparse.ArgumentParser) -> None:
    """Add the options of the model that is asked."""
    add = step.add_argument_group("model").add_argument
    add("--url", required=True, metavar="URL", help="address of the endpoint, such as http://localhost:8000/v1")
    add("--model", required=True, metavar="NAME", help="name of the model there")
    add("--key-variable", default="OPENAI_API_KEY", metavar="NAME",
        help="environment variable that holds the endpoint's key (default: OPENAI_API_KEY)")  # fmt: skip
    add("--concurrency", type=positive_int, default=16, metavar="N", help="requests under way (default: 16)")
    add("--timeout", type=positive, default=600.0, metavar="S", help="seconds that an answer may take (default: 600)")
    add("--temperature", type=float, default=None, metavar="X",
        help="of the model's sampling (default: 0 for one answer, 1 for several, 0.8 for refinement)")  # fmt: skip
    add("--max-tokens", type=positive_int, default=None, metavar="N",
        help="tokens of an answer (default: 10240; in refinement the endpoint decides)")  # fmt: skip


def _add_measuring(step: argparse.ArgumentParser) -> None:
    add = step.add_argument_group("metrics").add_argument
    add("--with", dest="extra", action="append", default=[], metavar="NAME",
        help="measure one more metric; may be repeated (default: none)")  # fmt: skip
    add("--without", action="append", default=[], metavar="NAME",
        help="leave a metric out; may be repeated (default: none)")  # fmt: skip
    add("--judge-url", metavar="URL", help="address of a judge's endpoint (default: what needs a judge is left out)")
    add("--judge-model", metavar="NAME", help="name of the judge there (default: none)")
    add_flags(step.add_argument_group("rendering"), RenderingConfig)


def _add_reporting(step: argparse.ArgumentParser) -> None:
    add = step.add_argument_group("report").add_argument
    add("--title", default="Evaluation", metavar="TEXT", help="heading of the report (default: Evaluation)")
    add("--compare", nargs=2, metavar=("A", "B"),
        help="names of two models to compare (default: the first two of the scores)")  # fmt: skip
    add("--audit", metavar="FILE", help="what `vincicoder eval audit` found (default: nothing)")
