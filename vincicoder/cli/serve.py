"""``vincicoder serve``: answer scoring requests over HTTP."""

from __future__ import annotations

import argparse
import importlib.util
import os
from typing import Any

from vincicoder.cli.parser import FINE, add_command, read_text
from vincicoder.cli.reward_flags import add_reward_flags
from vincicoder.cluster.options import Placement
from vincicoder.errors import ConfigError
from vincicoder.options import add_flags, from_flat, given_flags
from vincicoder.registry import install_command
from vincicoder.reward.config import RewardConfig
from vincicoder.server.config import ServerConfig


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "serve",
        "answer scoring requests over HTTP",
        "Serve the reward over HTTP, from this machine or, with --ray, from a Ray cluster. Your own reward function\n"
        "posts responses and targets to /v1/score; /docs shows the API. Ctrl-C or SIGTERM lets it answer the requests\n"
        f"under way, and then stop. Needs: {install_command('serve')}; for --ray, the extra 'ray'.",
        "  vincicoder serve --encoder embedded\n"
        "  VINCICODER_TOKEN=... vincicoder serve --host 0.0.0.0 --ray auto --encoder-gpus 1",
    )
    add_flags(command.add_argument_group("server"), ServerConfig)
    add_flags(command.add_argument_group("cluster, with --ray"), Placement)
    add_reward_flags(command, {"keep_renders": "none"})


def run(options: argparse.Namespace) -> int:
    """Run the command until it is told to stop, and return the exit code."""
    config = from_flat(ServerConfig, given_flags(options, ServerConfig))
    token = _token(config.token_file)
    if token is None and config.host not in ("127.0.0.1", "::1", "localhost"):
        raise ConfigError(
            f"--host {config.host} can be reached from other machines, so callers must send a token: "
            "give --token-file, or set VINCICODER_TOKEN"
        )
    placement = given_flags(options, Placement)
    if placement and config.ray is None:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in placement)
        raise ConfigError(
            f"{flags}: needs --ray, as it places the reward on a Ray cluster; --ray local starts one here"
        )
    try:
        from vincicoder.server.run import serve

        if config.ray is not None and importlib.util.find_spec("ray") is None:  # it is imported when it is configured
            raise ImportError("No module named 'ray'")
    except ImportError as error:
        extra = "ray" if config.ray is not None else "serve"
        raise ConfigError(f"serving needs more packages ({error}); run: {install_command(extra)}") from error
    serve({"keep_renders": "none", **service_options(options)}, config, token)
    return FINE


def service_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the reward and of its place in the cluster that were given."""
    return {**given_flags(options, RewardConfig), **given_flags(options, Placement)}


def _token(path: str | None) -> str | None:
    if path is None:
        return os.environ.get("VINCICODER_TOKEN") or None
    token = read_text(path).strip()
    if not token:
        raise ConfigError(f"--token-file {path} is empty; put the token into it")
    return token
