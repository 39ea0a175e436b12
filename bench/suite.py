"""Which figures there are, and the book that they are measured on."""

from __future__ import annotations

from collections.abc import Iterator

from bench import batch, certificates, documents, enumeration, feed, large, pages, papers, rosters, under_load
from bench.measure import Figure
from bench.people import prepare

NAMES = (
    "coi_click",
    *papers.NAMES,
    batch.NAME,
    "page_empty",
    "page_home",
    "page_policies",
    "page_policy",
    *large.NAMES,
    documents.NAME,
    rosters.NAME,
    *enumeration.FLOWS,
    *feed.NAMES,
    *under_load.NAMES,
)


def measure(names: list[str], *, policies: int) -> Iterator[Figure]:
    """Yield the figures named, as they are done. `policies`: the size of the example book that is loaded first."""
    prepare(policies=policies)
    yield from pages.measure(names)
    yield from large.measure(names)
    yield from certificates.measure(names)
    yield from papers.measure(names)
    yield from batch.measure(names)
    yield from documents.measure(names)
    yield from rosters.measure(names)
    yield from enumeration.measure(names)
    yield from feed.measure(names)
    yield from under_load.measure(names)
