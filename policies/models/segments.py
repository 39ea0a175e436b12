"""The chain of segments of one coverage: a change in mid-term ends one segment and begins the next."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Segment(NamedTuple):
    """First day and end of a segment, its row's id, and the id of the segment that it says it continues."""

    starts: dt.date
    ends: dt.date
    pk: int | None = None
    continues: int | None = None


def linked(own: Segment, segments: Sequence[Segment]) -> list[Segment]:
    """Return the chain that `own` belongs to, in order, among the segments of its part, form, and term.

    A segment goes on from the one that it says it continues, from the day on which that one ends. One that says nothing
    goes on from any that ends where it begins, unless another continues that one.
    """
    if len(segments) == 1:
        return [own]
    known = {segment.pk for segment in segments if segment.pk is not None}
    named = {segment.continues for segment in segments if segment.continues is not None}

    def follow(earlier: Segment, later: Segment) -> bool:
        if earlier.ends != later.starts:
            return False
        if later.continues is not None and later.continues in known:
            return later.continues == earlier.pk
        return earlier.pk is None or earlier.pk not in named

    links = [own]
    while before := [segment for segment in segments if follow(segment, links[0])]:
        links.insert(0, min(before))
    while after := [segment for segment in segments if follow(links[-1], segment)]:
        links.append(max(after, key=lambda segment: segment.ends))
    return links


def leading(links: Sequence[Segment], day: dt.date) -> Segment:
    """Return the segment that speaks for a chain on `day`: the last that has begun, else the first to come."""
    begun = [segment for segment in links if segment.starts <= day]
    return begun[-1] if begun else links[0]
