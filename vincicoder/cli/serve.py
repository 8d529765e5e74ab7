"""``vincicoder serve``: answer scoring requests over HTTP."""

from __future__ import annotations

import argparse
import os
from typing import Any

from vincicoder.cli.parser import FINE, add_command, positive, positive_int, read_text
from vincicoder.cli.reward_flags import add_reward_flags
from vincicoder.errors import ConfigError
from vincicoder.options import given_flags
from vincicoder.reward.config import RewardConfig


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
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
    add("--port", type=positive_int, metavar="N", default=8700, help="port to listen on (default: %(default)s)")
    add("--token-file", metavar="FILE", help="file with the token that callers must send (default: $VINCICODER_TOKEN)")
    add("--replicas", type=positive_int, metavar="N", default=1, help="processes that take requests (default: 1)")
    add("--max-body-mb", type=positive, metavar="N", default=256.0, help="largest request, MiB (default: 256)")
    add("--body-seconds", type=positive, metavar="N", default=60.0, help="longest upload, s (default: 60)")
    cluster = command.add_argument_group("cluster")
    cluster.add_argument("--ray", metavar="ADDRESS", help="Ray cluster, auto for the one here (default: start one)")
    cluster.add_argument("--encoders", type=positive_int, metavar="N", help="encoder actors (default: 1)")
    cluster.add_argument("--encoder-gpus", type=float, metavar="X", help="GPUs that each reserves (default: 0)")
    cluster.add_argument("--node-resource", metavar="NAME", help="only nodes with this Ray resource (default: all)")
    add_reward_flags(command)


def run(options: argparse.Namespace) -> int:
    """Run the command until it is told to stop, and return the exit code."""
    token = _token(options)
    if token is None and options.host not in ("127.0.0.1", "::1", "localhost"):
        raise ConfigError(
            f"--host {options.host} can be reached from other machines, so callers must send a token: "
            "give --token-file, or set VINCICODER_TOKEN"
        )
    try:
        from vincicoder.server.http import run as serve
    except ImportError as error:
        raise ConfigError(f"serving needs Ray Serve ({error}); run: pip install 'vincicoder[ray]'") from error
    serve(
        service_options(options),
        host=options.host,
        port=options.port,
        token=token,
        ray_address=options.ray,
        replicas=options.replicas,
        max_body_mb=options.max_body_mb,
        body_seconds=options.body_seconds,
    )
    return FINE


def service_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the reward and of its place in the cluster that were given."""
    placement = {name: getattr(options, name) for name in ("encoders", "encoder_gpus", "node_resource")}
    given = {name: value for name, value in placement.items() if value is not None}
    return {**given_flags(options, RewardConfig), **given}


def _token(options: argparse.Namespace) -> str | None:
    if options.token_file is None:
        return os.environ.get("VINCICODER_TOKEN") or None
    token = read_text(options.token_file).strip()
    if not token:
        raise ConfigError(f"--token-file {options.token_file} is empty; put the token into it")
    return token
