"""What works on this machine, found out by trying it, and the exact command that fixes what does not.

Nothing is downloaded and nothing is changed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.cli.installing import FONTS, apt, is_installed, renderer_fix
from vincicoder.errors import VinciCoderError
from vincicoder.languages import LANGUAGES, Language
from vincicoder.registry import install_command
from vincicoder.rendering.sandbox import confine
from vincicoder.rendering.sandbox.user_directory import font_environment

if TYPE_CHECKING:
    from vincicoder.rendering import RenderPool

_LATIN_FONTS = ("DejaVu Sans", "Liberation Sans", "Noto Sans", "Arial", "Helvetica")
_CJK_FONT = "Noto Sans CJK SC"
_ENCODER_SECONDS = 600
_REQUIREMENT = re.compile(r"([\w.-]+)\s*(?:\[([\w.,-]+)\])?")
_EXTRA = re.compile(r"""\bextra\s*==\s*["']([\w.-]+)["']""")

# Runs in a process of its own: whether a hub may be asked is decided when its library is imported.
_LOAD_ENCODER = """
import json, sys, time
import numpy as np
from vincicoder.errors import ConfigError, VinciCoderError
from vincicoder.similarity import TILE, load_encoder
started = time.perf_counter()
try:
    encoder = load_encoder(sys.argv[1], sys.argv[2] or None)
    length = encoder.encode(np.zeros((1, TILE, TILE, 3), np.uint8)).shape[1]
    said = {"seconds": time.perf_counter() - started, "length": length}
except VinciCoderError as error:
    said = {"error": str(error), "misnamed": isinstance(error, ConfigError)}
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
    """One thing that was checked.

    Attributes:
        name: Its name, as ``--require`` takes it.
        state: How it came out.
        detail: What was found.
        fix: The command that fixes it; empty when there is nothing to fix.
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
        """Return everything, ready for JSON."""
        return {**asdict(self), "state": self.state.value}


def names() -> list[str]:
    """Return the names of all checks."""
    rest = ("sandbox", "network-namespace", "latin-font", "cjk-font", "gpu", "encoder")
    return [*LANGUAGES, *rest, *(f"extra-{extra}" for extra in _requirements())]


def examine(
    required: Iterable[str] | None = None,
    encoder: str | None = None,
    default_encoder: str = "facebook/dinov2-large",
    device: str | None = None,
    python: str | None = None,
    browser: str | None = None,
) -> list[Check]:
    """Check everything; takes some seconds.

    Args:
        required: Names of what must be there; None for the renderers and the sandbox.
        encoder: An encoder that must be loadable.
        default_encoder: The one to check when none must be.
        device: Device to load it on.
        python: Interpreter for generated Python.
        browser: Chromium for HTML.

    Raises:
        ConfigError: ``python`` or ``browser`` cannot be run.
    """
    asked = {*LANGUAGES, "sandbox"} if required is None else set(required)
    if encoder is not None:
        asked.add("encoder")
    checks = [
        *renderers(python, browser),
        sandbox(),
        _network_namespace(),
        *fonts(),
        gpu(),
        loadable_encoder(encoder or default_encoder, device),
        *_extras(),
    ]
    return [Check(each.name, each.state, each.detail, each.fix, each.name in asked) for each in checks]


def table(checks: Iterable[Check]) -> str:
    """Return the checks as text."""
    lines = []
    for check in checks:
        optional = check.state is State.MISSING and not check.required
        state = "optional" if optional else check.state.value.upper() if check.failed else check.state.value
        detail = check.detail.strip().replace("\n", "\n" + " " * 30)
        lines.append(f"{state:<9} {check.name:<18}  {detail}")
        if check.fix:
            lines.append(f"{'':<30}fix: {check.fix}")
    return "\n".join(lines)


# Renderers


def renderers(python: str | None, browser: str | None, only: Collection[str] | None = None) -> list[Check]:
    """Return a check of each language's renderer.

    Args:
        python: Interpreter for generated Python.
        browser: Chromium for HTML.
        only: The languages to check; None for all.
    """
    from vincicoder.rendering import RenderPool

    if not confine.on_linux():
        return [Check(name, State.MISSING, confine.layers().problems[0]) for name in only or LANGUAGES]
    # The code is our own, so that a machine without a sandbox still learns which of its renderers work.
    confined = not confine.layers().problems
    faults = LANGUAGES.faults()
    checks = []
    with RenderPool(1, python=python, browser=browser, allow_unsandboxed=not confined) as pool:
        for name, entry in LANGUAGES.entries().items():
            if only is not None and name not in only:
                continue
            if name in faults:
                fix = f"{sys.executable} -m pip uninstall {entry.origin}  (or a version of it that works)"
                checks.append(Check(name, State.MISSING, faults[name], fix))
            else:
                checks.append(_renderer(pool, LANGUAGES.get(name), confined, python))
    return checks


def _renderer(pool: RenderPool, language: Language, confined: bool, python: str | None) -> Check:
    started = time.perf_counter()
    try:
        details = pool.start(language.name)
    except VinciCoderError as error:
        return Check(language.name, State.MISSING, str(error), _fix(language, python))
    warm = time.perf_counter()
    render = pool.render(language.sample, language.name)
    if render.image is None:
        detail = f"{render.status}: {render.message}"
        return Check(language.name, State.MISSING, detail, _fix(language, python))
    took = f"starts in {warm - started:.1f} s, renders in {time.perf_counter() - warm:.2f} s"
    layers = _layers(confined, bool(details.get("network_namespace")))
    return Check(language.name, State.OK, f"{took}; {_versions(details)}{layers}")


def _layers(confined: bool, namespace: bool) -> str:
    if not confined:
        return "not confined"
    return "confined by Landlock, seccomp" + (", network namespace" if namespace else "")


def _versions(details: Mapping[str, Any]) -> str:
    flat = {**details, **details.get("versions", {})}
    found = [f"{name} {value}" for name, value in flat.items() if isinstance(value, str)]
    return ", ".join(found) + "; " if found else ""


def _fix(language: Language, python: str | None) -> str:
    """Return what installs a renderer: for an ordinary user, the way that needs no root."""
    fix = renderer_fix(language, python)
    return _for_user(fix) if language.install.user else fix


def _for_user(fix: str) -> str:
    return fix if os.geteuid() == 0 else f"vincicoder install  (needs no root; with root: {fix})"


# Sandbox


def sandbox() -> Check:
    """Return a check of what confines code."""
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


def fonts() -> list[Check]:
    """Return checks of the fonts that renders need."""
    known = _font_families()
    if known is None:
        detail = "cannot tell: fc-list is not installed"
        fix = apt(f"fontconfig {' '.join(package for packages in FONTS.values() for package in packages)}")
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
            _font_fix("latin-font"),
        ),
        Check("cjk-font", State.OK, cjk)
        if cjk
        else Check("cjk-font", State.MISSING, f"no {_CJK_FONT}; Chinese text turns into boxes", _font_fix("cjk-font")),
    ]


def _font_fix(name: str) -> str:
    return _for_user(apt(" ".join(FONTS[name])))


def _font_families() -> set[str] | None:
    if shutil.which("fc-list") is None:
        return None
    environment = {**os.environ, **font_environment()}
    listed = subprocess.run(
        ["fc-list", ":", "family"], env=environment, check=False, capture_output=True, text=True, errors="replace"
    )
    return {family.strip() for line in listed.stdout.splitlines() for family in line.split(",")}


# GPU and weights


def gpu() -> Check:
    """Return a check of the GPUs that torch sees."""
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


def loadable_encoder(name: str, device: str | None) -> Check:
    """Return a check of whether an encoder can be loaded from this machine alone.

    No hub is asked, so that weights that are not here are told in seconds.

    Args:
        name: Name of the encoder.
        device: Where it runs; None for a GPU if there is one.
    """
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
        fix = "" if said.get("misnamed") else _encoder_fix(name)  # the message has the nearest name
        return Check("encoder", State.MISSING, f"{name}: {said['error'].splitlines()[0]}", fix)
    return Check("encoder", State.OK, f"{name} loads and embeds in {said['seconds']:.1f} s, {said['length']} numbers")


def _encoder_fix(name: str) -> str:
    from vincicoder.similarity.encoders import ENCODERS

    entry = ENCODERS.entries().get(name.partition(":")[0])
    if entry is not None and entry.directory:
        return f"{sys.executable} -m pip install --upgrade {entry.origin}"
    kind = "timm" if name.startswith("timm") else "dinov2"
    if not all(map(is_installed, _requirements().get(kind, ()))):
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
    for extra, packages in _requirements().items():
        missing = [package for package in packages if not is_installed(package)]
        if missing:
            detail = f"not installed: {', '.join(missing)}"
            checks.append(Check(f"extra-{extra}", State.MISSING, detail, _pip_extra(extra)))
        else:
            checks.append(Check(f"extra-{extra}", State.OK, ", ".join(packages)))
    return checks


def _requirements() -> dict[str, list[str]]:
    """Return the packages that each extra of this package brings, as its metadata has them."""
    try:
        ours = metadata.distribution("vincicoder")
    except metadata.PackageNotFoundError:  # run from a clone that is not installed
        return {}
    direct: dict[str, list[tuple[str, str]]] = {extra: [] for extra in ours.metadata.get_all("Provides-Extra") or ()}
    for requirement in ours.requires or ():
        if (wanted := _REQUIREMENT.match(requirement)) and (marker := _EXTRA.search(requirement)):
            direct[marker[1]].append((wanted[1], wanted[2] or ""))

    def packages(extra: str) -> list[str]:
        found = []
        for name, extras in direct[extra]:
            found += [name] if name != "vincicoder" else [each for one in extras.split(",") for each in packages(one)]
        return list(dict.fromkeys(found))

    return {extra: packages(extra) for extra in direct}


def _pip_extra(extra: str) -> str:
    return f"{sys.executable} -m {install_command(extra)}"
