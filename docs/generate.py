"""Writes the pages that are made from the code: ``python docs/generate.py``. A test holds them to it."""

from __future__ import annotations

import inspect
from pathlib import Path

from vincicoder.cluster.options import Placement
from vincicoder.options import table
from vincicoder.reward.components import COMPONENTS
from vincicoder.reward.config import RewardConfig
from vincicoder.server.config import ServerConfig
from vincicoder.trainers.metrics import EXPLAINED

DOCS = Path(__file__).resolve().parent


def pages() -> dict[str, str]:
    """Return every page by the name of its file."""
    return {"options.md": options(), "metrics.md": metrics()}


def options() -> str:
    """Return the page of options."""
    return f"""# Options

Every option is a plain value, so that a trainer's configuration, an environment variable or a flag can set it. The
tables are made from the code by `python docs/generate.py`; a test holds both together.

In Python, options are keyword arguments: `VisualReward(encoder="embedded", cpu_seconds=5)`. They may also be given
whole, `limits=Limits(cpu_seconds=5)`, or nested as in YAML:

```yaml
encoder: facebook/dinov2-large
limits:
  cpu_seconds: 5
```

A text is converted where a number or a list belongs (`"1e-1"`, `"blank,raster"`). A value that cannot work is refused
at once, with what was expected; a misspelt name is answered with the nearest one. "Changes scores" says whether
`vincicoder score` refuses to add to results that were made with another value.

## The reward

{table(RewardConfig)}
## Components

What `components` can name, with the options of each; see [reward.md](reward.md). A package of your own can bring more.

{components()}
## On a Ray cluster

See [ray.md](ray.md).

{table(Placement)}
## Of the HTTP server

See [http.md](http.md). They are flags of `vincicoder serve`.

{table(ServerConfig)}"""


def components() -> str:
    """Return a table of the built-in components."""
    rows = ["| component | own options | |", "|---|---|---|"]
    for name in COMPONENTS:
        found = COMPONENTS.get(name)
        own = inspect.signature(found).parameters.values() if inspect.isclass(found) else []
        defaults = {each.name: "must be given" if each.default is each.empty else each.default for each in own}
        named = ", ".join(f"`{option}` ({default!s})" for option, default in defaults.items()) or "none"
        rows.append(f"| `{name}` | {named} | {(inspect.getdoc(found) or '').splitlines()[0]} |")
    return "\n".join(rows) + "\n"


def metrics() -> str:
    """Return the page of metrics."""
    rows = "\n".join(f"| `{name}` | {text} |" for name, text in EXPLAINED.items())
    return f"""# Metrics

What every trainer's log gets of a batch, each as a mean, under `reward/` (EasyR1), `vincicoder/` (ms-swift, TRL) or its
own name (verl). Scores and times are means over the samples that could be judged, shares are over all; see
[statuses.md](statuses.md). The page is made from the code by `python docs/generate.py`.

| metric | |
|---|---|
{rows}
"""


if __name__ == "__main__":
    for file, text in pages().items():
        (DOCS / file).write_text(text, encoding="utf-8")
