"""The options of the command line. Light to import, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
from typing import Any

from vincicoder._version import __version__
from vincicoder.languages import LANGUAGES
from vincicoder.rendering.config import Limits

DEFAULT_ENCODER = "facebook/dinov2-large"


def parser() -> argparse.ArgumentParser:
    """Returns the parser; what it yields has ``command``, and ``usage_error`` for the command's own checks."""
    whole = argparse.ArgumentParser(
        prog="vincicoder",
        description="Turn responses of image-to-code models into rewards: align, render, compare.",
        epilog="`vincicoder COMMAND --help` shows a command's options with examples.",
    )
    whole.add_argument("--version", action="version", version=f"vincicoder {__version__}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    _add_score(commands)
    _add_render(commands)
    _add_doctor(commands)
    _add_serve(commands)
    _add_data(commands)
    return whole


def _add_command(commands: Any, name: str, help: str, description: str, examples: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help,
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=name, usage_error=command.error)
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
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument("--encoder", metavar="NAME", help=f"must be loadable (default: look at {DEFAULT_ENCODER})")
    command.add_argument("--device", metavar="NAME", help="device to load the encoder on")
    command.add_argument("--python", metavar="PATH", help="interpreter that will run generated Python")
    command.add_argument("--browser", metavar="PATH", help="Chromium that will draw HTML")
    command.add_argument("--require", metavar="NAMES", help="what must be there, as named in the list, with commas")


def _add_serve(commands: Any) -> None:
    command = _add_command(
        commands,
        "serve",
        "answer scoring requests over HTTP",
        "Serve the reward over HTTP, on this machine or on a Ray cluster, for trainers that call a remote one. /docs\n"
        "shows the API. Needs: pip install 'vincicoder[ray]'. Ctrl-C or SIGTERM answers what is under way and stops.",
        "  vincicoder serve --encoder embedded\n"
        "  VINCICODER_TOKEN=... vincicoder serve --host 0.0.0.0 --ray auto --encoder-gpus 1",
    )
    add = command.add_argument
    add("--host", metavar="ADDRESS", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=_positive_int, metavar="N", default=8700, help="port to listen on (default: %(default)s)")
    add("--token-file", metavar="FILE", help="file with the token that callers must send (default: $VINCICODER_TOKEN)")
    add("--replicas", type=_positive_int, metavar="N", default=1, help="processes that take requests (default: 1)")
    add("--max-body-mb", type=_positive, metavar="N", default=256.0, help="largest request, MiB (default: 256)")
    add("--body-seconds", type=_positive, metavar="N", default=60.0, help="longest upload, s (default: 60)")
    cluster = command.add_argument_group("cluster")
    cluster.add_argument("--ray", metavar="ADDRESS", help="Ray cluster, auto for the one here (default: start one)")
    cluster.add_argument("--encoders", type=_positive_int, metavar="N", help="encoder actors (default: 1)")
    cluster.add_argument("--encoder-gpus", type=float, metavar="X", help="GPUs that each reserves (default: 0)")
    cluster.add_argument("--node-resource", metavar="NAME", help="only nodes with this Ray resource (default: all)")
    _add_scoring_options(command.add_argument_group("scoring"))
    _add_rendering_options(command.add_argument_group("rendering"))


def _add_data(commands: Any) -> None:
    command = _add_command(
        commands,
        "data",
        "build training data",
        "Run a data recipe; `vincicoder data RECIPE --help` shows its options. The recipes: demo, collect, sample,\n"
        "refine, attempts, rl, export, validate, report. Needs: pip install 'vincicoder[data]'.",
        "  vincicoder data demo --out sets/\n"
        "  vincicoder data collect datikz --from downloads/datikz-v2 --out records/datikz\n"
        "  vincicoder data validate sets/rl",
    )
    command.add_argument("recipe", metavar="RECIPE", help="name of the recipe")
    command.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="its options")


def _add_scoring_options(group: Any) -> None:
    add = group.add_argument
    add("--encoder", metavar="NAME", help=f"hub id, folder, timm:NAME or embedded (default: {DEFAULT_ENCODER})")
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
