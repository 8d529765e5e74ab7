"""Training data: the record that all of it is turned into, and the rules by which rows become records.

Nothing here needs more than the standard library and Pillow; reading Parquet needs pyarrow (the extra ``parquet``).
"""

from __future__ import annotations

from vincicoder.data.errors import BadRow, DataError, Reason
from vincicoder.data.prompts import records_from, word, wordings
from vincicoder.data.record import DOMAINS, TASKS, Record

__all__ = ["DOMAINS", "TASKS", "BadRow", "DataError", "Reason", "Record", "records_from", "word", "wordings"]
