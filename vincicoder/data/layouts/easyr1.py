"""``easyr1``: the columns of ``rl`` for stock EasyR1, whose reward sees the answer only."""

from __future__ import annotations

import base64
import json

from vincicoder.data.layouts.rl import Rl
from vincicoder.data.record import Record


class EasyR1(Rl):
    """As ``rl``, with an answer that holds the target, the language and the code."""

    def answer(self, record: Record) -> str:
        """Return JSON text with ``language``, ``code`` and ``target``, which is base64 text or a path."""
        target = base64.b64encode(record.target).decode() if isinstance(record.target, bytes) else record.target
        answer = {"language": record.language, "code": record.code, "target": target}
        return json.dumps(answer, ensure_ascii=False)


LAYOUT = EasyR1()
