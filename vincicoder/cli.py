"""The command line: ``vincicoder score | render | doctor``.

Only parsing happens up here; what a command needs is imported when it runs, so that ``--help`` is instant.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from vincicoder._version import __version__
from vincicoder.errors import ConfigError, TargetError, VinciCoderError
from vincicoder.languages import LANGUAGES, get_language, root_element
from vincicoder.rendering.types import Limits
from vincicoder.status import Status

if TYPE_CHECKING:
    from vincicoder.batch import RequestsFile
    from vincicoder.report import Report
    from vincicoder.reward import RewardResult, VisualReward

FINE, FAULT, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: fine; something was not judged or is missing; a wrong option or file; Ctrl-C."""

_DEFAULT_ENCODER = "facebook/dinov2-large"
_SHOWN_COMPLAINTS = 20
_REWARD_OPTIONS = (
    *("encoder", "device", "dtype", "preset", "alignment_weight", "coarse_weight", "batch_tiles", "workers"),
    *("python", "browser", "cpu_seconds", "wall_seconds", "memory_mb", "output_mb", "pixels", "tasks"),
)
_NOT_IN_DIGEST = ("device", "dtype", "batch_tiles", "workers")  # speed, not scores


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code.

    Args:
        arguments: What follows the program's name; None for what it was really called with.
    """
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except VinciCoderError as error:
        print(f"vincicoder: error: {error}", file=sys.stderr)
        return USAGE if isinstance(error, ConfigError) else FAULT
    except KeyboardInterrupt:
        print("vincicoder: stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAULT


# Options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vincicoder",
        description="Turn responses of image-to-code models into rewards: align, render, compare.",
        epilog="`vincicoder COMMAND --help` shows a command's options with examples.",
    )
    parser.add_argument("--version", action="version", version=f"vincicoder {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_score(commands)
    _add_render(commands)
    _add_doctor(commands)
    return parser


def _add_command(commands: Any, name: str, help: str, description: str, examples: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help,
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return command


def _add_score(commands: Any) -> None:
    command = _add_command(
        commands,
        "score",
        "score one response, or a file of them",
        "Score one response (--target and --response), or every request of a JSONL or Parquet file with the columns\n"
        "'response' and 'target' and, if you like, 'id', 'prompt', 'language', 'kind', 'domain', 'group' and\n"
        "'expected_status'. Exit code 1: a target, a line or this machine was at fault; 2: a wrong option or file.",
        "  vincicoder score --target chart.png --response answer.md --encoder embedded\n"
        "  model | vincicoder score --target icon.png --response - --language svg --json\n"
        "  vincicoder score requests.jsonl --output results.jsonl --report report/\n"
        "  vincicoder score requests.parquet --output results.jsonl --limit 100 --device cuda:1",
    )
    command.set_defaults(run=_score, usage_error=command.error)
    command.add_argument("requests", nargs="?", metavar="REQUESTS", help="file of requests, .jsonl or .parquet")
    one = command.add_argument_group("one response")
    one.add_argument("--target", metavar="FILE", help="the picture to reproduce")
    one.add_argument("--response", metavar="FILE", help="the text that the model wrote; - reads standard input")
    one.add_argument("--language", metavar="NAME", help=f"{', '.join(LANGUAGES)} or an alias (default: by the prompt)")
    one.add_argument("--prompt", metavar="TEXT", help="what the model was asked; tells the language")
    many = command.add_argument_group("a file of requests")
    many.add_argument(
        "--output",
        metavar="FILE",
        help="results as JSON lines, written as they come; run again to go on where it stopped",
    )
    many.add_argument("--limit", type=_positive_int, metavar="N", help="only the first N requests")
    command.add_argument("--report", metavar="DIR", help="write an HTML report into this folder")
    command.add_argument("--json", action="store_true", help="print one JSON object: the result, or the summary")
    _add_scoring_options(command.add_argument_group("scoring"))
    _add_rendering_options(command.add_argument_group("rendering"))


def _add_render(commands: Any) -> None:
    command = _add_command(
        commands,
        "render",
        "draw code as a picture",
        "Draw code in the sandbox, as scoring does. The language is that of the file's suffix (.py .html .svg .tex)\n"
        "or else what the code looks like. Exit code 1: there is no picture; 2: a wrong option or file.",
        "  vincicoder render figure.tex -o figure.png\n  cat icon.svg | vincicoder render - -o icon.png --language svg",
    )
    command.set_defaults(run=_render)
    command.add_argument("code", metavar="CODE_FILE", help="the code; - reads standard input")
    command.add_argument("-o", "--output", required=True, metavar="FILE", help="the picture; its suffix is its format")
    command.add_argument("--language", metavar="NAME", help=f"{', '.join(LANGUAGES)} or an alias")
    command.add_argument("--json", action="store_true", help="print one JSON object about the render")
    _add_rendering_options(command.add_argument_group("rendering"))


def _add_doctor(commands: Any) -> None:
    command = _add_command(
        commands,
        "doctor",
        "say what works on this machine and how to mend the rest",
        "Draw a small picture with each renderer, look at sandbox, fonts, GPU and weights, and give the command that\n"
        "mends what is missing. Nothing is downloaded. Exit code 1: something that was asked for is missing, which\n"
        "unless told otherwise is the four renderers and the sandbox.",
        "  vincicoder doctor\n  vincicoder doctor --encoder facebook/dinov2-large --require python,svg,gpu\n"
        "  vincicoder doctor --python envs/charts/bin/python --json",
    )
    command.set_defaults(run=_doctor)
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument("--encoder", metavar="NAME", help=f"must be loadable (default: look at {_DEFAULT_ENCODER})")
    command.add_argument("--device", metavar="NAME", help="device to load the encoder on")
    command.add_argument("--python", metavar="PATH", help="interpreter that will run generated Python")
    command.add_argument("--browser", metavar="PATH", help="Chromium that will draw HTML")
    command.add_argument("--require", metavar="NAMES", help="what must be there, as named in the list, with commas")


def _add_scoring_options(group: Any) -> None:
    add = group.add_argument
    add("--encoder", metavar="NAME", help=f"hub id, folder, timm:NAME or embedded (default: {_DEFAULT_ENCODER})")
    add("--device", metavar="NAME", help="cpu, cuda, cuda:1, ... (default: a GPU if there is one)")
    add("--dtype", metavar="NAME", help="float32, float16 or bfloat16 (default: by device)")
    add("--preset", metavar="NAME", help="scoring rules (default: paper)")
    add("--alignment-weight", type=float, metavar="W", help="share of alignment in overall (default: 0.1)")
    add("--coarse-weight", type=float, metavar="W", help="share of coarse in visual (default: as one tile more)")
    add("--no-fence", action="store_true", help="also accept SVG, HTML and LaTeX documents without a code fence")
    add("--batch-tiles", type=_positive_int, metavar="N", help="tiles that the encoder takes at once (default: 64)")


def _add_rendering_options(group: Any) -> None:
    add = group.add_argument
    add("--workers", type=_positive_int, metavar="N", help="renders at a time (default: one per CPU)")
    add("--python", metavar="PATH", help="interpreter that runs generated Python (default: this one)")
    add("--browser", metavar="PATH", help="Chromium that draws HTML (default: look for one)")
    add("--allow-unsandboxed", action="store_true", help="run generated code unconfined; it can do what you can")
    limits = Limits()
    for name, what in (
        ("cpu_seconds", "CPU time of one render, s"),
        ("wall_seconds", "wall time of one render, s"),
        ("memory_mb", "memory of one render, MiB"),
        ("output_mb", "what one render may write, MiB"),
        ("pixels", "largest picture, pixels"),
        ("tasks", "processes and threads of one render"),
    ):
        default = getattr(limits, name)
        check = _positive_int if isinstance(default, int) else _positive
        add(f"--{name.replace('_', '-')}", type=check, metavar="N", help=f"{what} (default: {default:g})")


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


# score


def _score(options: argparse.Namespace) -> int:
    pair = (options.target, options.response)
    if options.requests is None and None in pair:
        options.usage_error("give --target and --response, or a file of requests")
    if options.requests is not None and (pair != (None, None) or options.language or options.prompt):
        options.usage_error("--target, --response, --language and --prompt do not go with a file of requests")
    if options.requests is None and (options.output or options.limit):
        options.usage_error("--output and --limit go with a file of requests only")
    return _score_pair(options) if options.requests is None else _score_file(options)


def _reward(options: argparse.Namespace) -> VisualReward:
    from vincicoder.reward import VisualReward

    return VisualReward(
        **_settings(options),
        keep_renders=options.report is not None,
        allow_unsandboxed=options.allow_unsandboxed,
    )


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the options of the reward that were given."""
    given = {name: getattr(options, name) for name in _REWARD_OPTIONS if getattr(options, name) is not None}
    return {**given, "require_fence": not options.no_fence}


def _score_pair(options: argparse.Namespace) -> int:
    from vincicoder.batch import Row
    from vincicoder.reward import RewardRequest

    if not options.target.startswith(("data:", "file:")) and not Path(options.target).is_file():
        raise ConfigError(f"target {options.target!r} is not an existing file")
    if options.language:
        get_language(options.language)
    request = RewardRequest(_read(options.response), options.target, options.prompt, options.language)
    with _reward(options) as reward:
        [result] = reward.score([request])
    data = result.to_dict()
    if options.json:
        print(json.dumps(data))
    else:
        print(_pair_table(result))
    if options.report is not None:
        from vincicoder.report import write_report

        row = Row(number=1, key="1", request=request, labels={})
        page = write_report(options.report, [(row, data, result.render)], Path(options.target).name)
        print(f"report: {page}", file=sys.stderr)
    return FAULT if result.status in (Status.BAD_TARGET, Status.INFRASTRUCTURE) else FINE


def _pair_table(result: RewardResult) -> str:
    names = ("overall", "visual", "coarse", "fine", "alignment", "execution")
    lines = [f"{'status':<10} {result.status}", *(f"{name:<10} {getattr(result, name):.4f}" for name in names)]
    lines.append(f"{'language':<10} {result.language}")
    lines.append(f"{'encoder':<10} {result.encoder}, preset {result.preset}")
    lines.append(f"{'seconds':<10} {result.seconds['total']:.2f}, of them {result.seconds['render']:.2f} to render")
    if result.message:
        lines.append(f"{'message':<10} " + result.message.replace("\n", "\n" + " " * 11))
    return "\n".join(lines)


def _score_file(options: argparse.Namespace) -> int:
    from vincicoder.batch import RequestsFile, ResultsFile, score_file
    from vincicoder.report import Report
    from vincicoder.summary import Summary

    settings = {name: value for name, value in _settings(options).items() if name not in _NOT_IN_DIGEST}
    requests = RequestsFile(options.requests, settings)
    results = ResultsFile(options.output, requests.run) if options.output else None
    report = Report(options.report, requests.path.name) if options.report else None
    summary = Summary()
    stopped = False
    try:
        with _reward(options) as reward, _progress(requests, options.limit) as (progress, complain):
            score_file(reward, requests, results, report, summary, options.limit, progress, complain)
    except KeyboardInterrupt:
        stopped = True
    finally:
        if results is not None:
            results.close()
    page = report.finish(summary) if report is not None else None
    print(json.dumps(summary.to_dict()) if options.json else summary.table())
    _say_where(results.path if results else None, page, stopped)
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


@contextmanager
def _progress(requests: RequestsFile, limit: int | None) -> Iterator[tuple[Any, Any]]:
    """Shows a bar on standard error; yields what to call for each finished request and each broken line."""
    from tqdm import tqdm

    total = min(len(requests), limit or sys.maxsize)
    often = 0.1 if sys.stderr.isatty() else 30.0  # seconds between updates; a log file needs few
    complaints = 0
    with tqdm(total=total, unit="response", file=sys.stderr, dynamic_ncols=True, mininterval=often) as bar:

        def progress(fresh: bool) -> None:
            if fresh:
                bar.update()
            else:  # not this run's work, so not in its rate
                bar.initial += 1
                bar.n += 1

        def complain(message: str) -> None:
            nonlocal complaints
            complaints += 1
            if complaints <= _SHOWN_COMPLAINTS:
                bar.write(f"vincicoder: {message}", file=sys.stderr)

        yield progress, complain
    if complaints > _SHOWN_COMPLAINTS:
        print(f"vincicoder: and {complaints - _SHOWN_COMPLAINTS} more such lines", file=sys.stderr)


# render


def _render(options: argparse.Namespace) -> int:
    from PIL import Image

    from vincicoder.rendering import RenderPool

    output = Path(options.output)
    if output.suffix.lower() not in Image.registered_extensions():
        raise ConfigError(f"output {options.output!r} must end in the suffix of a picture format, such as .png")
    if not output.resolve().parent.is_dir():
        raise ConfigError(f"output {options.output!r} is in a folder that does not exist")
    code = _read(options.code)
    language = get_language(options.language).name if options.language else _language_of(options.code, code)
    limits = Limits(**{name: value for name, value in vars(options).items() if name in _LIMITS and value is not None})
    with RenderPool(1, limits, options.python, options.browser, allow_unsandboxed=options.allow_unsandboxed) as pool:
        render = pool.render(code, language)
    if render.image is not None:
        try:
            render.image.save(output)
        except OSError as error:
            raise ConfigError(f"output {options.output!r} cannot be written: {error}") from error
    _print_render(options.json, render, language, str(output))
    return FINE if render.image is not None else FAULT
