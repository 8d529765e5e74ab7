"""The application that a server runs: the routes of every protocol, health, options and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vincicoder._version import __version__
from vincicoder.options import schema, to_flat
from vincicoder.reporting import metrics
from vincicoder.reward import Scorer, Totals
from vincicoder.reward.config import RewardConfig
from vincicoder.server.config import ServerConfig
from vincicoder.server.protocols import PROTOCOLS
from vincicoder.server.service import Service

_DESCRIPTION = """Scores of responses of image-to-code models: each is rendered and compared with its target.

`/healthz` says whether the service can score, `/metrics` counts for Prometheus."""


@dataclass(frozen=True)
class Served:
    """A scorer and what a server says of it.

    Attributes:
        scorer: What scores and renders.
        config: Its options.
        totals: Returns what it has done since it started.
        machines: Returns how many machines can score now.
    """

    scorer: Scorer
    config: RewardConfig
    totals: Callable[[], Totals]
    machines: Callable[[], int] = lambda: 1


def application(served: Served, config: ServerConfig | None = None, token: str | None = None) -> FastAPI:
    """Return the application for a scorer, to be run by uvicorn or mounted into an application of your own.

    Args:
        served: The scorer, and what to say of it.
        config: The limits of what callers may send.
        token: What callers must send as ``Authorization: Bearer TOKEN``; None lets everybody in who calls the service
            by a name of this machine: ``localhost``, a loopback address or ``config.host``.

    Example:
        >>> reward = VisualReward("embedded")  # doctest: +SKIP
        >>> app = application(Served(reward, reward.config, reward.totals), token="secret")  # doctest: +SKIP
    """
    service = Service(served.scorer, config or ServerConfig(), token)
    app = FastAPI(title="VinciCoder reward", version=__version__, description=_DESCRIPTION)
    for add_routes in PROTOCOLS.values():
        add_routes(app, service)

    @app.get("/healthz", summary="Whether the service can score")
    async def health() -> dict[str, Any]:
        """Return the version and the number of machines; 503 when none can score."""
        nodes = await service.in_thread(served.machines)
        if not nodes:
            raise HTTPException(503, "no node of the cluster can score")
        return {"status": "ok", "version": __version__, "nodes": nodes}

    @app.get("/v1/options", summary="The reward's options")
    async def options(request: Request) -> dict[str, Any]:
        """Return the options in force, and a JSON schema of all that there are."""
        service.authorize(request)
        return {"options": to_flat(served.config), "schema": schema(RewardConfig)}

    @app.get("/metrics", summary="Counts since the start, for Prometheus")
    async def exposition(request: Request) -> Response:
        """Return the service's counts as text."""
        service.authorize(request)
        text = await service.in_thread(lambda: _exposition(served))
        return Response(text, media_type="text/plain; version=0.0.4")

    return app


class _Totals(Collector):
    """Tell prometheus_client what a scorer counts, which several processes may share."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        totals = self._served.totals()
        requests = CounterMetricFamily(metrics.REQUESTS.name, metrics.REQUESTS.help, labels=metrics.REQUESTS.labels)
        for status, count in sorted(totals.statuses.items()):
            requests.add_metric([status], count)
        yield requests
        for metric, count in (
            (metrics.TARGETS_EMBEDDED, totals.embedded),
            (metrics.TARGETS_REUSED, totals.reused),
            (metrics.TILES, totals.tiles),
        ):
            yield CounterMetricFamily(metric.name, metric.help, value=count)
        yield GaugeMetricFamily(metrics.NODES.name, metrics.NODES.help, value=self._served.machines())


def _exposition(served: Served) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Totals(served))
    return generate_latest(registry)
