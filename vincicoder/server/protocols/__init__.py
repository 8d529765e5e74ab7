"""The ways to ask over HTTP: one file each, with a function ``add_routes(app, service)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vincicoder.registry import Registry

if TYPE_CHECKING:
    from fastapi import FastAPI

    from vincicoder.server.service import Service

PROTOCOLS: Registry[Callable[[FastAPI, Service], None]] = Registry("protocol", __name__, "add_routes")
"""Every protocol that ``vincicoder serve`` speaks."""
