"""Filters of the lists of change requests: by words, and by where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from core.filters import StatusSearchFilter
from core.listing import tabs_of
from policies.change_requests.registry import kinds
from policies.models import ChangeRequest
from policies.names import normalize_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.listing import Tab
    from policies.models.change_requests import ChangeRequestQuerySet

OPEN, DRAFTS, YOURS, ENDED = "open", "drafts", "yours", "ended"
# In the order of their tabs.
TABS = [("", "All"), (DRAFTS, "Drafts"), (OPEN, "With us"), (YOURS, "Waiting for you"), (ENDED, "Ended")]
STATUS = ChangeRequest.Status
OF_TAB = {
    DRAFTS: (STATUS.DRAFT,),
    OPEN: (STATUS.OPEN, STATUS.IN_PROGRESS),
    YOURS: (STATUS.ANSWERED,),
    ENDED: ChangeRequest.ENDED,
}


class ChangeFilter(StatusSearchFilter):
    """`?q=` a policy number's beginning, or words of what it is about; `?status=` one of `TABS`."""

    STATUSES = TABS[1:]

    class Meta:
        model = ChangeRequest
        fields: list[str] = []

    def by_text(self, rows: ChangeRequestQuerySet, _name: str, text: str) -> ChangeRequestQuerySet:
        """Return those whose policy number begins so, or whose kind or matter has the text."""
        titled = [kind.key for kind in kinds().values() if text.casefold() in kind.title.casefold()]
        found = Q(about__icontains=text) | Q(kind__in=titled)
        if number := normalize_number(text):
            found |= Q(policy__number_normalized__startswith=number)
        return rows.filter(found)

    def by_status(self, rows: ChangeRequestQuerySet, _name: str, status: str) -> ChangeRequestQuerySet:
        """Return those of that tab."""
        return rows.filter(status__in=OF_TAB[status])


@dataclass(frozen=True, slots=True)
class Listing:
    """What is around the rows of a list."""

    tabs: list[Tab]
    q: str
    status: str


def listing_of(query: Mapping[str, Any]) -> Listing:
    """Return the tabs and the search of a list."""
    return Listing(tabs_of(TABS, query), query.get("q", ""), query.get("status", ""))
