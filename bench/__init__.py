"""Benchmarks: each figure beside the peer's or floor's, measured in the same run
(docs/developers/index.md#commands)."""
