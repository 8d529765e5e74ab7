"""Writes the pages that are made from the code: ``python docs/generate.py``. A test holds them to it."""

from __future__ import annotations

import inspect
from pathlib import Path

import ladder

from vincicoder.cluster.options import Placement
from vincicoder.options import table
from vincicoder.planning import Run, make_plan
from vincicoder.planning.overrides import SCRIPTS
from vincicoder.planning.profiles import FAST, GPUS, SETTINGS, TITLES, Setting
from vincicoder.reward.components import COMPONENTS
from vincicoder.reward.config import RewardConfig
from vincicoder.runs.card import read_card
from vincicoder.runs.card_page import table_of
from vincicoder.server.config import ServerConfig
from vincicoder.trainers.metrics import EXPLAINED

DOCS = Path(__file__).resolve().parent
RESULTS = DOCS.parent / "results"
NO_CARDS = "There is no card yet.\n"


def pages() -> dict[str, str]:
    """Return every page by the name of its file."""
    return {
        "options.md": options(),
        "metrics.md": metrics(),
        "profiles.md": profiles(),
        "reproduce.md": ladder.filled((DOCS / "reproduce.md").read_text(encoding="utf-8")),
        "results.md": results(),
    }


def results() -> str:
    """Return the page of runs, from their cards."""
    cards = [read_card(path) for path in sorted(RESULTS.glob("*.json"))]
    return f"""# Results

Runs of the [ladder](reproduce.md) and others, each by its card: settings, versions, data, curves, cost, evaluation, and
whether test samples were in the training data. The page is made from the files in [results/](../results) by
`python docs/generate.py`. [CONTRIBUTING.md](../CONTRIBUTING.md#send-a-run-card) says how to send one; failed runs are
as welcome as others.

{table_of(cards, "../results") if cards else NO_CARDS}
Reward and execution are those of the first and the last step that were logged. "off" is the worst that
`vincicoder watch` says of the run.
"""


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
`vincicoder score` refuses to add to results that were made with another value, or names it and goes on; see
[score.md](score.md#stop-and-go-on).

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
[statuses.md](statuses.md). What is said of a domain, of groups and of percentiles is of whole batches: verl logs it
through [its sampler](verl.md#the-training-log), as `vincicoder/` too. The page is made from the code by
`python docs/generate.py`.

| metric | |
|---|---|
{rows}
"""


def profiles() -> str:
    """Return the page of profiles."""
    groups = "\n".join(f"### {title}\n\n{settings_table(group)}" for title, group in SETTINGS.items())
    return f"""# Profiles

Every setting of the public release's reinforcement learning, what each trainer calls it, and where they differ. The
page is made from `vincicoder/planning/profiles.py` by `python docs/generate.py`; tests hold the example scripts,
[`vincicoder plan`](plan.md) and the trainers' own parsers to it.

- **`paper`** is the release's settings. The scripts in `examples/` have them, and TRL gets them from the code:

  ```python
  from vincicoder.planning.profiles import paper

  GRPOConfig("output", use_vllm=True, vllm_mode="colocate", bf16=True, **paper("trl"))
  ```
- **`fast`** uses the GPUs better and leaves the update as it is: `vincicoder plan --profile fast --write run.sh`.

[rl-options.md](rl-options.md) says which of these settings matter, and how far the four updates agree.

## paper

The source is the public release (commit dbe1e94): its *script* `examples/qwen3vl_8b_vincicder.sh`, which overrides the
*config* `examples/config.yaml`, which overrides defaults in its *code*. A key without a value has the release's.
"default" marks what the trainer does unasked, so that the script says nothing.

{groups}
## fast

What `vincicoder plan --gpus {GPUS} --profile fast` chooses for an 8B model on GPUs of 80 GiB. Other models, GPUs and
lengths give others.

{fast_table()}"""


def settings_table(group: tuple[Setting, ...]) -> str:
    """Return the settings of one subject, with what is to be said of each below."""
    rows = [f"| | release | source | {' | '.join(TITLES.values())} |", "|---|---|---|" + "---|" * len(TITLES)]
    for each in group:
        cells = (each.missing(trainer) or " ".join(_keys(each, trainer)) for trainer in TITLES)
        rows.append(f"| {each.what} | {_shown(each.value)} | {each.source} | {' | '.join(cells)} |")
    notes = [f"- {each.what[0].upper()}{each.what[1:]}: {each.note}" for each in group if each.note]
    return "\n".join([*rows, *([""] if notes else []), *notes]) + "\n"


def _keys(setting: Setting, trainer: str) -> list[str]:
    shown = []
    for key, value, default in setting.keys(trainer):
        same = value == str(setting.value) or value == str(setting.value).lower()
        shown.append(f"`{key}`" if same else f"`{key}={value}`")
        shown += ["(default)"] if default else []
    return shown


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value).replace("e-0", "e-")


def fast_table() -> str:
    """Return what the profile ``fast`` chooses for each trainer that a plan knows."""
    words = {each.name: each.what for group in SETTINGS.values() for each in group}
    known = [trainer for trainer in TITLES if trainer in SCRIPTS]
    splits = [make_plan(Run(gpus=GPUS, trainer=trainer, profile="fast")).split for trainer in known]
    rows = ["| | paper | " + " | ".join(TITLES[trainer] for trainer in known) + " |", "|---|---|" + "---|" * len(known)]
    released = {each.name: each.value for group in SETTINGS.values() for each in group}
    for name in FAST:
        cells = (_shown(getattr(split, name)) for split in splits)
        rows.append(f"| {words[name]} | {_shown(released[name])} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    for file, text in pages().items():
        (DOCS / file).write_text(text, encoding="utf-8")
