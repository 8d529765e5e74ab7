"""``vincicoder render``: render code as an image."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.cli.parser import FAULT, FINE, add_command, read_text
from vincicoder.errors import ConfigError
from vincicoder.languages import DEFAULT, LANGUAGES, find_language, get_language, recognise
from vincicoder.options import add_flags, from_flat, given_flags
from vincicoder.rendering.config import RenderingConfig
from vincicoder.reporting.printable import printable

if TYPE_CHECKING:
    from vincicoder.rendering import Render


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "render",
        "render code as an image",
        "Render code in the sandbox, as scoring does. Exit code 1: the code gave no image; 2: a wrong option or file.",
        "  vincicoder render figure.tex -o figure.png\n  cat icon.svg | vincicoder render - -o icon.png --language svg",
    )
    command.add_argument("code", metavar="CODE_FILE", help="the code; - reads standard input")
    command.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="where to write the image; the suffix decides the format"
    )
    command.add_argument(
        "--language",
        metavar="NAME",
        help=f"{', '.join(LANGUAGES)} or an alias (default: by the suffix of the file, else by its content)",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object about the render")
    add_flags(command.add_argument_group("rendering"), RenderingConfig, defaults={"workers": "1"})


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from PIL import Image

    from vincicoder.rendering import RenderPool

    output = Path(options.output)
    if output.suffix.lower() not in Image.registered_extensions():
        raise ConfigError(f"output {options.output!r} must end in the suffix of an image format, such as .png")
    if not output.resolve().parent.is_dir():
        raise ConfigError(f"output {options.output!r} is in a directory that does not exist")
    code = read_text(options.code)
    language = get_language(options.language).name if options.language else _language_of(options.code, code)
    config = from_flat(RenderingConfig, {"workers": 1, **given_flags(options, RenderingConfig)})
    with RenderPool.of(config) as pool:
        render = pool.render(code, language)
    if render.image is not None:
        try:
            render.image.save(output)
        except OSError as error:
            raise ConfigError(f"output {options.output!r} cannot be written: {error}") from error
    _print(options.json, render, language, str(output))
    return FINE if render.image is not None else FAULT


def _print(as_json: bool, render: Render, language: str, output: str) -> None:
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
        print(printable(f"vincicoder: error: {render.status}: {render.message}"), file=sys.stderr)


def _language_of(path: str, code: str) -> str:
    """Return the language of a code file, by its suffix or by how the code looks.

    Raises:
        ConfigError: The suffix is no language's, and the code looks like none.
    """
    suffix = Path(path).suffix
    if language := find_language(suffix[1:].lower()) or recognise(code):
        return language.name
    if suffix:
        raise ConfigError(
            f"the language of {path!r} cannot be told: no language has the suffix {suffix!r}, and the code looks like "
            f"none; give --language, one of: {', '.join(LANGUAGES)}"
        )
    return DEFAULT
