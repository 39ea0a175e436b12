"""The entries that a release ships: files in `portal/faq/entries/`, loaded by `manage.py load_faq`.

A file begins with lines of `name: value` (question, topic, order, date, roles, related) and an empty line; the answer
follows. Its name is the entry's slug.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from core import memo
from core.dates import carrier_today
from policies.models import Membership
from portal.faq.answers import PUBLISHED, problems
from portal.models import FaqEntry

FOLDER = Path(__file__).parent / "entries"
NAMES = {"question", "topic", "order", "date", "roles", "related"}


class ShippedError(ValueError):
    """A file of the release that can't be an entry; the message names it and says why."""


@dataclass(frozen=True)
class Shipped:
    """One entry of the release."""

    slug: str
    question: str
    topic: str
    order: int
    date: dt.date
    roles: list[str]
    related: list[str]
    answer: str

    @property
    def digest(self) -> str:
        """What tells whether staff have changed the words."""
        return digest_of(self.question, self.answer)


@dataclass
class Loaded:
    """What loading did: how many entries are new, were replaced, or were left to staff."""

    new: int = 0
    replaced: int = 0
    kept: int = 0


def digest_of(question: str, answer: str) -> str:
    """Return the digest of an entry's words."""
    return hashlib.sha256(f"{question}\n{answer}".encode()).hexdigest()


def shipped(folder: Path = FOLDER) -> list[Shipped]:
    """Return the entries of the release. Raises ShippedError for a file that can't be one."""
    return [_read(path) for path in sorted(folder.glob("*.txt"))]


def _read(path: Path) -> Shipped:
    head, _, answer = path.read_text(encoding="utf-8").partition("\n\n")
    values = {}
    for line in head.splitlines():
        name, colon, value = line.partition(":")
        if not colon or name not in NAMES:
            raise ShippedError(f"{path.name}: '{line}' isn't one of {', '.join(sorted(NAMES))}.")
        values[name] = value.strip()
    roles, related = values.get("roles", "").split(), values.get("related", "").split()
    if values.get("topic") not in FaqEntry.Topic.values or not set(roles) <= set(Membership.Role.values):
        raise ShippedError(f"{path.name}: its topic or a role isn't known.")
    if not values.get("question") or not answer.strip():
        raise ShippedError(f"{path.name}: it has no question or no answer.")
    return Shipped(
        slug=path.stem,
        question=values["question"],
        topic=values["topic"],
        order=int(values.get("order", "100")),
        date=dt.date.fromisoformat(values["date"]),
        roles=roles,
        related=related,
        answer=answer.strip(),
    )


@transaction.atomic
def load(entries: list[Shipped]) -> Loaded:
    """Store the entries of a release. What staff changed, unpublished, or dated otherwise stays as they left it.

    Raises ShippedError where an entry links to one that there isn't, or has a value that the settings don't.
    """
    slugs = {entry.slug for entry in entries}
    there = {entry.slug: entry for entry in FaqEntry.objects.select_for_update().filter(slug__in=slugs)}
    done = Loaded()
    fresh: list[tuple[FaqEntry, Shipped]] = []
    for entry in entries:
        if found := problems(entry.answer, slugs=slugs) + [f"No entry '{r}'." for r in entry.related if r not in slugs]:
            raise ShippedError(f"{entry.slug}: {found[0]}")
        row = there.get(entry.slug)
        if row is not None and row.shipped_hash != digest_of(row.question, row.answer):
            done.kept += 1
        elif row is None:
            done.new += 1
            fresh.append((_store(FaqEntry(slug=entry.slug), entry), entry))
        elif row.shipped_hash != entry.digest:
            done.replaced += 1
            fresh.append((_store(row, entry), entry))
    for row, entry in fresh:
        row.related.set(FaqEntry.objects.filter(slug__in=entry.related))
    memo.forget(PUBLISHED)
    return done


def _store(row: FaqEntry, entry: Shipped) -> FaqEntry:
    row.question, row.answer, row.shipped_hash = entry.question, entry.answer, entry.digest
    row.topic, row.order, row.roles = entry.topic, entry.order, entry.roles
    row.published_on = min(entry.date, carrier_today())
    row.save()
    return row
