"""What a server can be told beside the reward's own options."""

from __future__ import annotations

from dataclasses import dataclass

from vincicoder.options import Config, option


@dataclass(frozen=True)
class ServerConfig(Config):
    """How ``vincicoder serve`` listens, and whom it answers.

    Attributes:
        host: Address to listen on. One that other machines can reach needs a token.
        port: Port to listen on.
        token_file: File with the token that callers must send as ``Authorization: Bearer TOKEN``; None takes that of
            the environment variable ``VINCICODER_TOKEN``.
        replicas: Processes that take requests; all of them share one reward.
        max_body_mb: Largest body of a call, in MiB.
        body_seconds: How long a body may take to arrive, in seconds.
        edit_url: Endpoint of the judge that rates edited images for UniRL, up to ``/v1``; None rates none.
        edit_model: The judge's name there.
        edit_prompt: File with the judge's question; see ``vincicoder.reward.editing``. None takes UniWorld-R1's.
        ray: Address of the Ray cluster that scores, ``"auto"`` for the one on this machine, ``"local"`` to start one;
            None scores on this machine without Ray.

    Example:
        >>> ServerConfig(port=9000).replicas
        1
    """

    host: str = option("127.0.0.1", help="address to listen on", metavar="ADDRESS", changes_scores=False)
    port: int = option(8700, help="port to listen on", minimum=1, maximum=65535, changes_scores=False)
    token_file: str | None = option(
        None,
        help="file with the token that callers must send",
        shown="$VINCICODER_TOKEN",
        metavar="FILE",
        changes_scores=False,
    )
    replicas: int = option(
        1, help="processes that take requests; they share one reward", minimum=1, changes_scores=False
    )
    max_body_mb: float = option(256.0, help="largest body of a request", unit="MiB", above=0, changes_scores=False)
    body_seconds: float = option(60.0, help="time in which a body must arrive", unit="s", above=0, changes_scores=False)
    edit_url: str | None = option(
        None, help="endpoint of the judge that rates edited images, up to /v1", shown="none", metavar="URL"
    )
    edit_model: str | None = option(None, help="the judge's name there", shown="none", metavar="NAME")
    edit_prompt: str | None = option(
        None, help="file with the judge's question", shown="that of UniWorld-R1", metavar="FILE"
    )
    ray: str | None = option(
        None,
        help="score on the Ray cluster at this address; auto finds this machine's, local starts one",
        shown="this machine, without Ray",
        metavar="ADDRESS",
        changes_scores=False,
    )
