"""Tells what was scored: sums, tables and pages."""
