"""Measurements against the peers; ``python -m benchmarks`` writes docs/benchmarks.md."""
