"""What the pages of a batch show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count

from credentialing.batches.freezing import counts_of
from credentialing.batches.mailing import addresses_of
from credentialing.models import BatchItem, Certificate, Holder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from credentialing.models import Batch

# How many lines of each kind the page before the start shows; all are on the page of the items.
MOST_LINES = 10
SHOWN = {
    "all": "All",
    "rejected": "May be rejected",
    "nothing": "Nothing to create",
    "no-history": "No claims history",
    "failed": "Failed",
}
ORDER = ("place",)


@dataclass(frozen=True)
class HolderCount:
    """How many certificates one holder gets."""

    name: str
    address: str
    number: int
    email: str = ""


@dataclass(frozen=True)
class Review:
    """What will come of a batch: numbers, holders, and what is in the way."""

    certificates: int
    letters: int
    nothing: int
    rejected: int
    histories: int
    unavailable: int
    holders: list[HolderCount]
    more_holders: int
    rejections: list[BatchItem]
    refusals: list[BatchItem]
    without_history: list[BatchItem]

    @property
    def any(self) -> bool:
        """Whether anything will be created."""
        return bool(self.certificates or self.letters or self.histories)

    @property
    def all(self) -> int:
        """How many papers will be created."""
        return self.certificates + self.letters + self.histories


def review_of(batch: Batch) -> Review:
    """Return what will come of a batch whose items are settled. Six queries, and one where histories are refused."""
    counts = counts_of(batch)
    by_holder = (
        batch.items.exclude(kind="")
        .order_by()
        .values("holder")
        .annotate(number=Count("pk"))
        .order_by("-number", "holder")
    )
    numbers: list[tuple[int | None, int]] = [(row["holder"], row["number"]) for row in by_holder]
    shown = numbers[:MOST_LINES]
    holders = Holder.objects.in_bulk([pk for pk, _ in shown if pk is not None])
    emails = addresses_of(holders.values()) if batch.is_mailed else {}
    return Review(
        **counts,
        holders=[_count(holders.get(pk) if pk else None, number, emails) for pk, number in shown],
        more_holders=len(numbers) - len(shown),
        rejections=list(with_names(batch.items.exclude(complaints=[]))[:MOST_LINES]),
        refusals=list(with_names(batch.items.filter(kind=""))[:MOST_LINES]),
        without_history=list(with_names(_without_history(batch))[:MOST_LINES]) if counts["unavailable"] else [],
    )


def _count(holder: Holder | None, number: int, emails: Mapping[int, str]) -> HolderCount:
    if holder is None:
        return HolderCount("To whom it may concern", "", number)
    return HolderCount(holder.name, ", ".join(holder.address_lines), number, emails.get(holder.pk, ""))


def _without_history(batch: Batch) -> QuerySet[BatchItem]:
    return batch.items.filter(wants_history=True).exclude(history_reason="")


def with_names(items: QuerySet[BatchItem]) -> QuerySet[BatchItem]:
    """Return items with what a line shows, in order."""
    return items.select_related(
        "coverage__insured", "coverage__term__policy", "holder", "certificate", "history"
    ).order_by("place")


def items_of(batch: Batch, shown: str) -> QuerySet[BatchItem]:
    """Return the items of one view."""
    items = with_names(batch.items.all())
    match shown:
        case "rejected":
            return items.exclude(complaints=[])
        case "nothing":
            return items.filter(kind="") if batch.is_draft else items.filter(status=BatchItem.Status.REFUSED)
        case "no-history":
            return with_names(_without_history(batch))
        case "failed":
            return items.filter(status=BatchItem.Status.FAILED)
    return items


def what_comes(item: BatchItem) -> str:
    """Return the word for what an item gives."""
    if not item.kind:
        return "Nothing"
    return "Letter" if item.kind == Certificate.Kind.PAST_COVERAGE else "Certificate"


def time_left(seconds: int | None) -> str:
    """Return 'about 2 minutes left'; empty where it isn't known."""
    if seconds is None:
        return ""
    if seconds < 60:
        return "less than a minute left"
    minutes = round(seconds / 60)
    return f"about {minutes} minute{'' if minutes == 1 else 's'} left"
