"""Everyone who joins, leaves, or has changed, from a spreadsheet (B-06)."""

from __future__ import annotations

from policies.change_requests.registry import Group, Kind

KINDS = (
    Kind(
        "roster",
        "Compare a roster",
        "Upload a spreadsheet of your people: we show who is new, gone, or changed, and you send it as one request.",
        Group.PEOPLE,
        start="policies:roster",
        premium=True,
    ),
)
