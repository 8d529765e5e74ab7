"""The command line: ``vincicoder score | render | doctor | serve | data``.

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
from typing import TYPE_CHECKING, Any

from vincicoder.cli.parser import DEFAULT_ENCODER, parser
from vincicoder.errors import ConfigError, VinciCoderError
from vincicoder.languages import get_language, root_element
from vincicoder.rendering.config import Limits
from vincicoder.status import Status

if TYPE_CHECKING:
    from vincicoder.cli.batch import RequestsFile
    from vincicoder.rendering import Render
    from vincicoder.reward import RewardResult, VisualReward

FINE, FAULT, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: fine; something was not judged or is missing; a wrong option or file; Ctrl-C."""

_SHOWN_COMPLAINTS = 20
_LIMITS = tuple(Limits.__dataclass_fields__)
_REWARD_OPTIONS = (
    *("encoder", "device", "dtype", "preset", "alignment_weight", "coarse_weight", "batch_tiles", "workers"),
    *("python", "browser", *_LIMITS),
)
_NOT_IN_DIGEST = ("device", "dtype", "batch_tiles", "workers")  # speed, not scores


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code.

    Args:
        arguments: What follows the program's name; None for what it was really called with.
    """
    options = parser().parse_args(arguments)
    try:
        code: int = _COMMANDS[options.command](options)
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
    from vincicoder.cli.batch import Row
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
        from vincicoder.reporting.report import write_report

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
    from vincicoder.cli.batch import RequestsFile, ResultsFile, score_file
    from vincicoder.reporting.report import Report
    from vincicoder.reporting.summary import Summary

    settings = {name: value for name, value in _settings(options).items() if name not in _NOT_IN_DIGEST}
    requests = RequestsFile(options.requests, settings)
    results = ResultsFile(options.output, requests.run) if options.output else None
    title = "/".join(requests.path.resolve().parts[-2:])
    report = Report(options.report, title) if options.report else None
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
    with tqdm(
        total=total, unit="response", file=sys.stderr, dynamic_ncols=True, mininterval=often, smoothing=0.1
    ) as bar:

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


def _print_render(as_json: bool, render: Render, language: str, output: str) -> None:
    if as_json:
        size = render.image.size if render.image is not None else (None, None)
        data = {
            "status": render.status.value,
            "message": render.message,
            "language": language,
            "output": output if render.image is not None else None,
            "width": size[0],
            "height": size[1],
            "seconds": round(render.seconds, 6),
            "cpu_seconds": round(render.cpu_seconds, 6),
        }
        print(json.dumps(data))
    elif render.image is not None:
        print(f"{output}: {render.image.width} x {render.image.height}, {language}, {render.seconds:.2f} s")
    else:
        print(f"vincicoder: error: {render.status}: {render.message}", file=sys.stderr)


def _language_of(path: str, code: str) -> str:
    """Returns the language of a code file, by its suffix or by how it begins."""
    try:
        return get_language(Path(path).suffix.lstrip(".") or "-").name
    except ConfigError:
        pass
    root = root_element(code)
    if root:
        return "svg" if root == "svg" else "html"
    return "latex" if re.search(r"\\(documentclass|begin|tikz|draw)\b", code) else "python"


# doctor


def _doctor(options: argparse.Namespace) -> int:
    from vincicoder.cli.doctor import examine, names, table

    required = None
    if options.require is not None:
        required = [name.strip() for name in options.require.split(",") if name.strip()]
        if unknown := [name for name in required if name not in names()]:
            raise ConfigError(f"--require names {', '.join(unknown)}; it knows: {', '.join(names())}")
    checks = examine(
        required=required,
        encoder=options.encoder,
        default_encoder=DEFAULT_ENCODER,
        device=options.device,
        python=options.python,
        browser=options.browser,
    )
    fine = not any(check.failed for check in checks)
    if options.json:
        print(json.dumps({"ok": fine, "checks": [check.to_dict() for check in checks]}))
    else:
        print(table(checks))
    return FINE if fine else FAULT


def _read(path: str) -> str:
    """Reads a text file, or standard input for ``-``; bytes that are not UTF-8 are replaced."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path!r} cannot be read: {error.strerror}") from error
    return data.decode("utf-8-sig", "replace")


# serve


def _serve(options: argparse.Namespace) -> int:
    token = _token(options)
    if token is None and options.host not in ("127.0.0.1", "::1", "localhost"):
        raise ConfigError(
            f"--host {options.host} can be reached from other machines, so callers must send a token: "
            "give --token-file, or set VINCICODER_TOKEN"
        )
    try:
        from vincicoder.server.http import run
    except ImportError as error:
        raise ConfigError(f"serving needs Ray Serve ({error}); run: pip install 'vincicoder[ray]'") from error
    placement = {name: getattr(options, name) for name in ("encoders", "encoder_gpus", "node_resource")}
    run(
        {**_settings(options), **{name: value for name, value in placement.items() if value is not None}},
        host=options.host,
        port=options.port,
        token=token,
        ray_address=options.ray,
        replicas=options.replicas,
        max_body_mb=options.max_body_mb,
        body_seconds=options.body_seconds,
    )
    return FINE


def _token(options: argparse.Namespace) -> str | None:
    if options.token_file is None:
        return os.environ.get("VINCICODER_TOKEN") or None
    token = _read(options.token_file).strip()
    if not token:
        raise ConfigError(f"--token-file {options.token_file} is empty; put the token into it")
    return token


# data


def _data(options: argparse.Namespace) -> int:
    from importlib import import_module
    from importlib.util import find_spec

    from data_recipes import RECIPES

    if options.recipe not in RECIPES:
        raise ConfigError(f"there is no recipe {options.recipe!r}; there are: {', '.join(RECIPES)}")
    if find_spec("pyarrow") is None:
        raise ConfigError("data recipes need pyarrow and Ruff; install them: pip install 'vincicoder[data]'")
    code: int = import_module(f"data_recipes.{options.recipe}").main(options.rest)
    return code


_COMMANDS = {"score": _score, "render": _render, "doctor": _doctor, "serve": _serve, "data": _data}
