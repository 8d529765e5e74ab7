"""``vincicoder score``: score one response, or a file of them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.cli.parser import FAULT, FINE, INTERRUPTED, add_command, column_names, positive_int, read_text
from vincicoder.cli.progress import shown_progress
from vincicoder.cli.reward_flags import add_reward_flags
from vincicoder.errors import ConfigError
from vincicoder.languages import LANGUAGES, get_language
from vincicoder.options import from_flat, given_flags
from vincicoder.reporting.printable import printable
from vincicoder.reward.config import RewardConfig
from vincicoder.status import Fault

if TYPE_CHECKING:
    from vincicoder.reward import RewardResult, VisualReward


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "score",
        "score one response, or a file of them",
        "Score one response (--target and --response), or every request of a JSONL or Parquet file. A request has\n"
        "'response' and 'target', and may have 'id', 'prompt', 'language', 'reference', 'kind', 'domain', 'group' and\n"
        "'expected_status'. Means are over the responses that could be judged. What ms-swift, TRL, verl and EasyR1\n"
        "keep of responses is read as it is.\n\n"
        "Exit code 1: some could not be judged, because a target, a line or this machine was at fault;\n"
        "2: a wrong option or file.",
        "  vincicoder score --target chart.png --response answer.md --encoder embedded\n"
        "  model | vincicoder score --target icon.png --response - --language svg --json\n"
        "  vincicoder score requests.jsonl --output results.jsonl --report report/\n"
        "  vincicoder score requests.parquet --output results.jsonl --limit 100 --device cuda:1\n"
        "  vincicoder score samples.parquet --columns target=images,response=output\n"
        "  vincicoder score output/completions.jsonl --data train.parquet --report report/",
    )
    command.add_argument("requests", nargs="?", metavar="REQUESTS", help="file of requests or directory of such files")
    add = command.add_argument_group("one response").add_argument
    add("--target", metavar="FILE", help="the image to reproduce (default: none)")
    add("--response", metavar="FILE", help="the text that the model wrote; - reads standard input (default: none)")
    add = command.add_argument_group("a file of requests").add_argument
    add(
        "--output",
        metavar="FILE",
        help="write results as JSON lines as they come; the same command then goes on where it stopped (default: none)",
    )
    add(
        "--columns",
        type=column_names,
        metavar="OURS=THEIRS",
        help="columns of other names, such as target=images,response=output (default: none)",
    )
    add(
        "--data",
        nargs="+",
        default=[],
        metavar="FILE",
        help="data that the responses are to, where the file holds no targets (default: none)",
    )
    add("--limit", type=positive_int, metavar="N", help="only the first N requests (default: all)")
    add = command.add_argument_group("what was asked, for requests that do not say").add_argument
    known = ", ".join(LANGUAGES)
    add("--language", metavar="NAME", help=f"{known} or an alias (default: by the prompt, else by the response)")
    add("--prompt", metavar="TEXT", help="what the model was asked; it decides the language (default: none)")
    command.add_argument("--report", metavar="DIR", help="write an HTML report into this directory (default: none)")
    command.add_argument("--json", action="store_true", help="print one JSON object: the result, or the summary")
    add_reward_flags(command, {"keep_renders": "none, or all with --report"})


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    pair = (options.target, options.response)
    if options.requests is None and None in pair:
        options.usage_error("give --target and --response, or a file of requests")
    if options.requests is not None and pair != (None, None):
        options.usage_error("--target and --response do not go with a file of requests")
    if options.requests is None and (options.output or options.limit or options.columns or options.data):
        options.usage_error("--output, --limit, --columns and --data go with a file of requests only")
    if options.language:
        get_language(options.language)
    return _score_pair(options) if options.requests is None else _score_file(options)


def _reward(options: argparse.Namespace) -> VisualReward:
    from vincicoder.reward import VisualReward

    kept = "none" if options.report is None else "all"
    return VisualReward(**{"keep_renders": kept, **given_flags(options, RewardConfig)})


def _score_pair(options: argparse.Namespace) -> int:
    from vincicoder.cli.requests_file import requested_language
    from vincicoder.reward import RewardRequest

    if not options.target.startswith(("data:", "file:")) and not Path(options.target).is_file():
        raise ConfigError(f"target {options.target!r} is not an existing file; give the path of an image")
    response = read_text(options.response)
    language, asked_by = requested_language(response, (options.language, options.prompt), (None, None))
    request = RewardRequest(response, options.target, options.prompt, language)
    with _reward(options) as reward:
        [result] = reward.score([request])
    data = {"language_from": asked_by, **result.to_dict()}
    print(json.dumps(data) if options.json else printable(_pair_table(result, asked_by)))
    if options.report is not None:
        from vincicoder.reporting import Report, Summary

        report, summary = Report(options.report, Path(options.target).name), Summary()
        report.add(data, target=request.target, response=request.response, render=result.image())
        summary.add(data)
        print(f"report: {report.finish(summary)}", file=sys.stderr)
    return FINE if result.status.fault in (Fault.NONE, Fault.RESPONSE) else FAULT


def _pair_table(result: RewardResult, asked_by: str) -> str:
    names = ("overall", "visual", "coarse", "fine", "alignment", "execution")
    lines = [f"{'status':<10} {result.status}", *(f"{name:<10} {getattr(result, name):.4f}" for name in names)]
    lines.append(f"{'language':<10} {result.language}{', taken from the response' if asked_by == 'response' else ''}")
    lines.append(f"{'encoder':<10} {result.encoder}, preset {result.preset}")
    lines.append(f"{'seconds':<10} {result.seconds['total']:.2f}, of them {result.seconds['render']:.2f} to render")
    if result.message:
        lines.append(f"{'message':<10} " + result.message.replace("\n", "\n" + " " * 11))
    return "\n".join(lines)


def _score_file(options: argparse.Namespace) -> int:
    from vincicoder.cli.requests_file import RequestsFile
    from vincicoder.cli.scoring import score_file
    from vincicoder.reporting import Report, ResultsFile, Summary
    from vincicoder.reward.settings import settings_of

    settings = settings_of(from_flat(RewardConfig, given_flags(options, RewardConfig)))
    requests = RequestsFile(options.requests, options.language, options.prompt, options.columns, options.data)
    results = ResultsFile(options.output, settings) if options.output else None
    title = "/".join(requests.path.resolve().parts[-2:])
    report = Report(options.report, title) if options.report else None
    summary = Summary()
    total = min(len(requests), options.limit or sys.maxsize)
    stopped, reweighed = False, 0
    try:
        with _reward(options) as reward, shown_progress(total, "response") as (progress, complain):
            reweighed = score_file(reward, requests, results, report, summary, options.limit, progress, complain)
    except KeyboardInterrupt:
        stopped = True
    finally:
        if results is not None:
            results.close()
    page = report.finish(summary) if report is not None else None
    print(json.dumps(summary.to_dict()) if options.json else summary.table())
    _say_where(results.path if results else None, page, stopped)
    if reweighed:
        print(
            f"note: the weights have changed; overall was computed anew for {reweighed} earlier results",
            file=sys.stderr,
        )
    if results is not None and results.untaken and options.limit is None and not stopped:
        print(f"note: {results.untaken} older results there belong to no request of this file", file=sys.stderr)
    return INTERRUPTED if stopped else FAULT if summary.failures else FINE


def _say_where(results: Path | None, page: Path | None, stopped: bool) -> None:
    if results is not None:
        print(f"results: {results}", file=sys.stderr)
    if page is not None:
        print(f"report: {page}", file=sys.stderr)
    if stopped:
        more = "; the same command goes on from here" if results is not None else ""
        print(f"vincicoder: stopped{more}", file=sys.stderr)
