"""Fixtures for the tests of data recipes."""

from written_tables import write_json, write_parquet

__all__ = ["write_json", "write_parquet"]
