"""A folder with ``index.html`` and pictures that shows what became of every response; it opens offline.

The page is data and a fixed script: everything that a response says is JSON text that the script puts into the page
as text, and a content security policy lets no other script run and nothing be fetched but the folder's pictures.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from vincicoder._version import __version__
from vincicoder.errors import ConfigError, TargetError
from vincicoder.images import open_target, target_key
from vincicoder.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL import Image

    from vincicoder.reward import RewardRequest

MAX_ROWS = 2000
"""Responses that are shown one by one; the tables cover them all."""

_TEMPLATE = Path(__file__).with_name("report_page.html")
_LONGEST_SIDE = 1200  # of stored pictures, in pixels
_LONGEST_TEXT = 20_000  # of a response or code, in characters


class ReportRow(Protocol):
    """What the report needs to know of a request.

    Attributes:
        number: Its place in the file, from 1.
        key: Names it among all others; the name of its picture.
        request: The request.
        labels: Such as ``kind`` and ``domain``.
    """

    @property
    def number(self) -> int:
        """Its place in the file."""

    @property
    def key(self) -> str:
        """Its name, unique."""

    @property
    def request(self) -> RewardRequest:
        """The request."""

    @property
    def labels(self) -> Mapping[str, str]:
        """What it is grouped by."""
