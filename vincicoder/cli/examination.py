"""What works on this machine, found out by trying it, and the exact command that mends what does not.

Nothing is downloaded and nothing is changed.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vincicoder.errors import VinciCoderError
from vincicoder.rendering import list_renderers
from vincicoder.rendering.sandbox import confine

_SAMPLES = {
    "python": "import matplotlib.pyplot as plt\nplt.figure(figsize=(1, 1))\nplt.plot([1, 2])\nplt.savefig('a.png')\n",
    "html": "<!DOCTYPE html><html><body><h1>a</h1></body></html>",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><circle cx="9" cy="9" r="7"/></svg>',
    "latex": "\\begin{tikzpicture}\\draw (0,0) circle (1);\\end{tikzpicture}",
}
"""What each renderer is asked to draw."""

_EXTRAS = {
    "dinov2": ("torch", "transformers", "safetensors"),
    "timm": ("torch", "timm"),
    "indigo": ("indigo",),
    "parquet": ("pyarrow",),
}
"""Extra of this package to the modules that it brings."""

_LATEX_PACKAGES = (
    "texlive-latex-base texlive-latex-recommended texlive-latex-extra texlive-pictures texlive-science "
    "texlive-fonts-recommended texlive-plain-generic texlive-xetex texlive-lang-chinese preview-latex-style lmodern "
    "cm-super"
)
_LATIN_FONTS = ("DejaVu Sans", "Liberation Sans", "Noto Sans", "Arial", "Helvetica")
_CJK_FONT = "Noto Sans CJK SC"
_ENCODER_SECONDS = 600

# Runs in a process of its own: whether a hub may be asked is decided when its library is imported.
_LOAD_ENCODER = """
import json, sys, time
import numpy as np
from vincicoder.errors import VinciCoderError
from vincicoder.similarity import TILE, load_encoder
started = time.perf_counter()
try:
    encoder = load_encoder(sys.argv[1], sys.argv[2] or None)
    length = encoder.encode(np.zeros((1, TILE, TILE, 3), np.uint8)).shape[1]
    said = {"seconds": time.perf_counter() - started, "length": length}
except VinciCoderError as error:
    said = {"error": str(error)}
print("\\n" + json.dumps(said))
"""
_LEAVE_NETWORK = (
    "from vincicoder.rendering.sandbox.namespaces import leave_network; raise SystemExit(not leave_network())"
)


class State(str, Enum):
    """How a check came out. Members compare equal to their string values."""

    OK = "ok"
    WARNING = "warning"
    """It works, but less well than it could."""
    MISSING = "missing"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: Its name, as ``--require`` takes it.
        state: How it came out.
        detail: What was found.
        fix: The command that mends it; empty when there is nothing to mend.
        required: Whether someone asked for it.
    """

    name: str
    state: State
    detail: str
    fix: str = ""
    required: bool = False

    @property
    def failed(self) -> bool:
        """Whether something that was asked for is missing."""
        return self.required and self.state is State.MISSING

    def to_dict(self) -> dict[str, Any]:
        """Returns everything, ready for JSON."""
        return {**asdict(self), "state": self.state.value}


def names() -> list[str]:
    """Returns the names of all checks."""
    rest = ("sandbox", "network-namespace", "latin-font", "cjk-font", "gpu", "encoder")
    return [*list_renderers(), *rest, *(f"extra-{extra}" for extra in _EXTRAS)]


def examine(
    required: Iterable[str] | None = None,
    encoder: str | None = None,
    default_encoder: str = "facebook/dinov2-large",
    device: str | None = None,
    python: str | None = None,
    browser: str | None = None,
) -> list[Check]:
    """Looks at everything; takes some seconds.

    Args:
        required: Names of what must be there; None for the renderers and the sandbox.
        encoder: An encoder that must be loadable.
        default_encoder: The one to look at when none must be.
        device: Device to load it on.
        python: Interpreter for generated Python.
        browser: Chromium for HTML.

    Raises:
        ConfigError: ``python`` or ``browser`` cannot be run.
    """
    asked = {*list_renderers(), "sandbox"} if required is None else set(required)
    if encoder is not None:
        asked.add("encoder")
    checks = [
        *_renderers(python, browser),
        _sandbox(),
        _network_namespace(),
        *_fonts(),
        _gpu(),
        _encoder(encoder or default_encoder, device),
        *_extras(),
    ]
    return [Check(each.name, each.state, each.detail, each.fix, each.name in asked) for each in checks]


def table(checks: Iterable[Check]) -> str:
    """Returns the checks as text."""
    lines = []
    for check in checks:
        optional = check.state is State.MISSING and not check.required
        state = "optional" if optional else check.state.value.upper() if check.failed else check.state.value
        detail = check.detail.strip().replace("\n", "\n" + " " * 30)
        lines.append(f"{state:<9} {check.name:<18}  {detail}")
        if check.fix:
            lines.append(f"{'':<30}mend: {check.fix}")
    return "\n".join(lines)


# Renderers


def _renderers(python: str | None, browser: str | None) -> list[Check]:
    from vincicoder.rendering import RenderPool

    # The code is our own, so that a machine without a sandbox still learns which of its renderers work.
    confined = not confine.layers().problems
    with RenderPool(1, python=python, browser=browser, allow_unsandboxed=not confined) as pool:
        checks = []
        for language in list_renderers():
            started = time.perf_counter()
            try:
                details = pool.start(language)
            except VinciCoderError as error:
                checks.append(Check(language, State.MISSING, str(error), _renderer_fix(language, python)))
                continue
            warm = time.perf_counter()
            render = pool.render(_SAMPLES[language], language)
            if render.image is None:
                detail = f"{render.status}: {render.message}"
                checks.append(Check(language, State.MISSING, detail, _renderer_fix(language, python)))
                continue
            took = f"starts in {warm - started:.1f} s, draws in {time.perf_counter() - warm:.2f} s"
            layers = _layers(confined, bool(details.get("network_namespace")))
            checks.append(Check(language, State.OK, f"{took}; {_versions(details)}{layers}"))
        return checks


def _layers(confined: bool, namespace: bool) -> str:
    if not confined:
        return "not confined"
    return "confined by Landlock, seccomp" + (", network namespace" if namespace else "")


def _versions(details: Mapping[str, Any]) -> str:
    flat = {**details, **details.get("versions", {})}
    found = [f"{name} {value}" for name, value in flat.items() if isinstance(value, str)]
    return ", ".join(found) + "; " if found else ""


def _renderer_fix(language: str, python: str | None) -> str:
    interpreter = python or sys.executable
    if language == "python":
        return f"{interpreter} -m pip install matplotlib seaborn plotly rdkit"
    if language == "html":
        # Ubuntu's chromium package only calls snap, which does not work in containers.
        if find_spec("playwright") is None:
            return f"{sys.executable} -m pip install playwright && {_playwright_install()}"
        return _playwright_install() if _distribution() != "debian" else _apt("chromium")
    if language == "svg":
        missing = [name for name in ("cairosvg", "defusedxml") if find_spec(name) is None]
        return f"{sys.executable} -m pip install {' '.join(missing)}" if missing else _apt("libcairo2")
    if language == "latex":
        if find_spec("pypdfium2") is None:
            return f"{sys.executable} -m pip install pypdfium2"
        return _apt(_LATEX_PACKAGES)
    return ""


def _playwright_install() -> str:
    return f"{sys.executable} -m playwright install --with-deps chromium"


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("ID", "")
    except OSError:
        return ""


def _apt(packages: str) -> str:
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {packages}"


# Sandbox


def _sandbox() -> Check:
    layers = confine.layers()
    detail = f"Landlock {layers.landlock or 'missing'}, seccomp {'present' if layers.seccomp else 'missing'}"
    if layers.problems:
        fix = "use Linux 5.13 or newer with landlock in lsm= on its command line (see: cat /sys/kernel/security/lsm)"
        return Check("sandbox", State.MISSING, " ".join((detail + ".", *layers.problems)), fix)
    return Check("sandbox", State.OK, detail)


def _network_namespace() -> Check:
    name = "network-namespace"
    if subprocess.run([sys.executable, "-c", _LEAVE_NETWORK], check=False, capture_output=True).returncode == 0:
        return Check(name, State.OK, "renderers also run without any network device")
    detail = "namespaces are not allowed here, as in most containers; Landlock and seccomp stand alone"
    return Check(name, State.WARNING, detail)


# Fonts


def _fonts() -> list[Check]:
    known = _font_families()
    if known is None:
        detail = "cannot tell: fc-list is not installed"
        fix = _apt("fontconfig fonts-dejavu-core fonts-liberation fonts-noto-cjk")
        return [Check(name, State.MISSING, detail, fix) for name in ("latin-font", "cjk-font")]
    latin = next((font for font in _LATIN_FONTS if font in known), None)
    cjk = _CJK_FONT if _CJK_FONT in known else None
    return [
        Check("latin-font", State.OK, latin)
        if latin
        else Check(
            "latin-font",
            State.MISSING,
            f"none of {', '.join(_LATIN_FONTS)}",
            _apt("fonts-dejavu-core fonts-liberation"),
        ),
        Check("cjk-font", State.OK, cjk)
        if cjk
        else Check("cjk-font", State.MISSING, f"no {_CJK_FONT}; Chinese text turns into boxes", _apt("fonts-noto-cjk")),
    ]


def _font_families() -> set[str] | None:
    if shutil.which("fc-list") is None:
        return None
    listed = subprocess.run(["fc-list", ":", "family"], check=False, capture_output=True, text=True, errors="replace")
    return {family.strip() for line in listed.stdout.splitlines() for family in line.split(",")}


# GPU and weights


def _gpu() -> Check:
    if find_spec("torch") is None:
        return Check("gpu", State.MISSING, "torch is not installed", _pip_extra("dinov2"))
    import torch

    if torch.cuda.is_available():
        devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        return Check("gpu", State.OK, f"{', '.join(devices)}; torch {torch.__version__}, CUDA {torch.version.cuda}")
    if shutil.which("nvidia-smi") is None:
        return Check("gpu", State.MISSING, f"no NVIDIA driver; torch {torch.__version__} will use the CPU")
    reason = "built for the CPU" if torch.version.cuda is None else f"for CUDA {torch.version.cuda}, finds no device"
    fix = f"{sys.executable} -m pip install --force-reinstall torch  (a build for the driver that nvidia-smi shows)"
    return Check("gpu", State.MISSING, f"torch {torch.__version__} is {reason}", fix)


def _encoder(name: str, device: str | None) -> Check:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    command = [sys.executable, "-c", _LOAD_ENCODER, name, device or ""]
    try:
        process = subprocess.run(
            command, env=environment, check=False, capture_output=True, text=True, timeout=_ENCODER_SECONDS
        )
        said = json.loads(process.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        said = {"error": f"did not load within {_ENCODER_SECONDS} s"}
    except (IndexError, ValueError):
        said = {"error": (process.stderr.strip().splitlines() or [f"exit code {process.returncode}"])[-1]}
    if "error" in said:
        return Check("encoder", State.MISSING, f"{name}: {said['error'].splitlines()[0]}", _encoder_fix(name))
    return Check("encoder", State.OK, f"{name} loads and embeds in {said['seconds']:.1f} s, {said['length']} numbers")


def _encoder_fix(name: str) -> str:
    kind = "timm" if name.startswith("timm") else "dinov2"
    if any(find_spec(module) is None for module in _EXTRAS[kind]):
        return _pip_extra(kind)
    if kind == "timm":
        model = name.removeprefix("timm:").partition("@")[0]
        return f"hf download timm/{model}"
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not Path(name).exists():
        return f"hf download {name}"
    return f"hf download facebook/dinov2-large --local-dir {name}"


# Extras


def _extras() -> list[Check]:
    checks = []
    for extra, modules in _EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        if missing:
            detail = f"not installed: {', '.join(missing)}"
            checks.append(Check(f"extra-{extra}", State.MISSING, detail, _pip_extra(extra)))
        else:
            checks.append(Check(f"extra-{extra}", State.OK, ", ".join(modules)))
    return checks


def _pip_extra(extra: str) -> str:
    return f"{sys.executable} -m pip install 'vincicoder[{extra}]'"
