"""Training data: the record that all of it is turned into, and the rules by which rows become records.

Nothing here needs more than NumPy and Pillow; reading Parquet needs pyarrow (the extra ``parquet``).
"""

from __future__ import annotations

from vincicoder.data.domains import DOMAINS, TASKS
from vincicoder.data.errors import BadRow, DataError, Reason
from vincicoder.data.prompts import wordings, write_prompt
from vincicoder.data.record import Record, records_from

__all__ = ["DOMAINS", "TASKS", "BadRow", "DataError", "Reason", "Record", "records_from", "wordings", "write_prompt"]
