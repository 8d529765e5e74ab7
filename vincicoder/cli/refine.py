"""``vincicoder refine``: write code for an image, and refine it round by round."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.cli.eval import add_endpoint, add_samples
from vincicoder.cli.parser import FAULT, FINE, add_command, positive_int
from vincicoder.cli.reward_flags import add_reward_flags
from vincicoder.errors import ConfigError
from vincicoder.languages import LANGUAGES, get_language
from vincicoder.options import given_flags
from vincicoder.reporting.printable import printable
from vincicoder.reward.config import RewardConfig

if TYPE_CHECKING:
    from vincicoder.evaluation.refinement import EndpointJudge, Refinement

_ROUNDS = 3
_OF_ONE_IMAGE, _OF_A_BENCHMARK = ("language", "prompt", "render"), ("source", "samples")


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "refine",
        "let a model refine its own code round by round",
        "Ask a model for code, render it, and show the model target, render and code to improve it. The best code\n"
        "by the reward, or by a judge, is kept, so the last is never worse than the first. Either one image\n"
        "(--target), or the samples of a benchmark (--benchmark), whose predictions `vincicoder eval score` scores.\n"
        "Exit code 1: some answers could not be had or judged; 2: a wrong option or file.",
        "  vincicoder refine --target chart.png --language python --encoder embedded --url ... --model ... -o code.md\n"
        "  vincicoder refine --benchmark unisvg --rounds 2 --url ... --model ... -o predictions.jsonl",
    )
    add = command.add_argument_group("one image").add_argument
    add("--target", metavar="FILE", help="the image to reproduce (default: none)")
    add("--language", metavar="NAME", help=f"{', '.join(LANGUAGES)} or an alias (default: python)")
    add("--prompt", metavar="TEXT", help="what the model is asked at first (default: a wording of the training data)")
    add("--render", metavar="FILE", help="write the best render here, as PNG (default: nowhere)")
    add = command.add_argument_group("a benchmark").add_argument
    add("--benchmark", metavar="NAME", help="name of the benchmark; see `vincicoder eval list` (default: none)")
    add("--source", metavar="DIR", help="directory of the benchmark in its official layout (default: the hub)")
    add_samples(command)
    add = command.add_argument_group("refinement").add_argument
    add("--rounds", type=int, default=_ROUNDS, metavar="N", help=f"rounds after the first answer (default: {_ROUNDS})")
    add("--candidates", type=positive_int, default=1, metavar="N", help="answers a round (default: 1)")
    add("--judge-url", metavar="URL", help="address of a judge's endpoint (default: the reward decides)")
    add("--judge-model", metavar="NAME", help="name of the judge there (default: none)")
    add_endpoint(command)
    command.add_argument("-o", "--output", required=True, metavar="FILE", help="the best answer, or all predictions")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    add_reward_flags(command)


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    if (options.target is None) == (options.benchmark is None):
        options.usage_error("give either --target or --benchmark")
    other, names = ("target", _OF_A_BENCHMARK) if options.benchmark is None else ("benchmark", _OF_ONE_IMAGE)
    for name in names:
        if getattr(options, name) is not None:
            options.usage_error(f"--{name} does nothing with --{other}")
    return _refine_one(options) if options.benchmark is None else _refine_benchmark(options)


def _refine_one(options: argparse.Namespace) -> int:
    from vincicoder.cli.eval_steps import endpoint_of
    from vincicoder.evaluation.refinement import refine
    from vincicoder.reward import VisualReward

    if not Path(options.target).is_file():
        raise ConfigError(f"target {options.target!r} is not an existing file; give the path of an image")
    language = get_language(options.language or "python").name
    output = Path(options.output)
    for path in filter(None, (output, options.render and Path(options.render))):  # said before the model has worked
        if not path.parent.is_dir():
            raise ConfigError(f"{str(path)!r} cannot be written: {str(path.parent)!r} is not a directory")
    with VisualReward(**given_flags(options, RewardConfig)) as scorer:
        found = refine(
            endpoint_of(options), options.target, options.rounds, scorer=scorer, language=language,
            prompt=options.prompt, candidates=options.candidates, judge=_judge(options), seed=options.seed,
            sampling=_sampling(options),
        )  # fmt: skip
    image = found.best.result.image()
    output.write_text(found.best.response, encoding="utf-8", errors="replace")
    if options.render and image is not None:
        image.save(options.render, "PNG")
    _print(options, [found])
    return FINE


def _refine_benchmark(options: argparse.Namespace) -> int:
    from vincicoder.cli.eval_steps import endpoint_of
    from vincicoder.cli.progress import shown_progress
    from vincicoder.evaluation.benchmarks import BENCHMARKS
    from vincicoder.evaluation.choice import Samples
    from vincicoder.evaluation.refining import refine_samples
    from vincicoder.reward import VisualReward

    benchmark = BENCHMARKS.get(options.benchmark)
    samples = Samples(lambda: benchmark.load(options.source), options.samples, options.seed)
    with (
        VisualReward(**given_flags(options, RewardConfig)) as scorer,
        shown_progress(len(samples), "sample", benchmark.name) as (progress, complain),
    ):
        found, missing = refine_samples(
            benchmark.name, samples, endpoint_of(options), options.output, progress=progress, complain=complain,
            rounds=options.rounds, scorer=scorer, candidates=options.candidates, judge=_judge(options),
            seed=options.seed, sampling=_sampling(options),
        )  # fmt: skip
    _print(options, found)
    print(f"predictions: {options.output}, {len(found)} of {len(samples)}", file=sys.stderr)
    return FAULT if missing else FINE


def _judge(options: argparse.Namespace) -> EndpointJudge | None:
    from vincicoder.cli.eval_steps import judge_of
    from vincicoder.evaluation.refinement import EndpointJudge

    endpoint = judge_of(options)
    return None if endpoint is None else EndpointJudge(endpoint)


def _sampling(options: argparse.Namespace) -> dict[str, Any]:
    given = {"temperature": options.temperature, "max_tokens": options.max_tokens}
    return {name: value for name, value in given.items() if value is not None}


def _print(options: argparse.Namespace, found: list[Refinement] | list[dict[str, Any]]) -> None:
    from vincicoder.evaluation.refining import summary, table

    told = summary([each if isinstance(each, dict) else each.to_dict() for each in found])
    print(json.dumps(told) if options.json else printable(table(told)))
