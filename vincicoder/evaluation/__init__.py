"""Measuring a model: benchmarks, and the metrics that they are made of."""
