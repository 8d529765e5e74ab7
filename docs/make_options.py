"""Writes ``docs/options.md`` from the configurations: ``python docs/make_options.py``."""

from __future__ import annotations

from pathlib import Path

from vincicoder.cluster.options import Placement
from vincicoder.options import table
from vincicoder.reward.config import RewardConfig
from vincicoder.server.config import ServerConfig

PAGE = Path(__file__).with_name("options.md")


def page() -> str:
    """Return the page."""
    return f"""# Options

Every option is a plain value, so that a trainer's configuration, an environment variable or a flag can set it. The
tables are made from the code by `python docs/make_options.py`; a test holds both together.

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
## On a Ray cluster

See [ray.md](ray.md).

{table(Placement)}
## Of the HTTP server

See [http.md](http.md). They are flags of `vincicoder serve`.

{table(ServerConfig)}"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
