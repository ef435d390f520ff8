"""Benchmarks: ``python -m benchmarks`` times this library and its peers in turn and writes RESULTS.md."""
