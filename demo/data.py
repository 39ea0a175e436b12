"""The demo's book of business: made up, and loaded as a carrier's own would be."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from feed.example import cast, write_example_feed
from feed.load.loader import load_package
from feed.models import Run, Source
from policies.models import Company
from policies.signatures import set_signature

SEED = 1
SIGNATURE = Path(__file__).with_name("signature.png")
# The cast's policies are among the first twelve of every book.
FEWEST_POLICIES = 12
# Well before the data would count as stale, when no certificate is issued any more.
REFRESH_AFTER = dt.timedelta(hours=12)
# By then renewals that were offered have run out, and what the cast has to show is no longer there.
AGED_AFTER = dt.timedelta(days=60)


class ExampleError(Exception):
    """The example book was not taken; the message says why."""


@dataclass(frozen=True)
class Book:
    """Which book is loaded: how many policies, written for which day."""

    policies: int
    today: dt.date

    @property
    def has_aged(self) -> bool:
        """Whether so much of it has run out since that a new one shows more."""
        return timezone.localdate() - self.today > AGED_AFTER

    def save(self) -> None:
        """Remembers it beside the other data of this demo."""
        _book_file().write_text(json.dumps(asdict(self) | {"today": self.today.isoformat()}))

    @classmethod
    def saved(cls) -> Book | None:
        """The remembered one, or None."""
        if not _book_file().exists():
            return None
        values: dict[str, Any] = json.loads(_book_file().read_text())
        return cls(values["policies"], dt.date.fromisoformat(values["today"]))


def load_example(policies: int) -> Book:
    """Loads the example book, or brings it up to date; returns what is loaded.

    Once loaded, a book keeps the day that it was written for (its terms run out as real ones do) and only grows: a
    full package with fewer policies would be held for a person's decision. Raises ExampleError if the feed refuses it.
    """
    source = Source.objects.filter(name=cast().source).first()
    before = Book.saved() if source else None
    book = Book(max(policies, before.policies if before else 0), before.today if before else timezone.localdate())
    now = timezone.now()
    if source and book == before and now - source.as_of < REFRESH_AFTER:
        sign_for_companies()
        return book
    folder = Path(settings.DATA_DIR) / "example-feed"
    shutil.rmtree(folder, ignore_errors=True)
    write_example_feed(
        folder,
        policies=book.policies,
        seed=SEED,
        today=book.today,
        as_of=now,
        sequence=source.sequence + 1 if source else 1,
    )
    run = load_package(folder)
    if run.status not in {Run.Status.APPLIED, Run.Status.UNCHANGED}:
        raise ExampleError(f"The example book was not loaded: {run.get_status_display()}. {run.outcome}")
    book.save()
    sign_for_companies()
    return book


def sign_for_companies() -> None:
    """The invented carrier supplies the signature of its invented signatory, which we have drawn."""
    for company in Company.objects.live().filter(source=cast().source, signature=""):
        set_signature(company, SIGNATURE.read_bytes(), by="demo")


def forget_book() -> None:
    """Forgets which book was loaded, as part of beginning anew."""
    _book_file().unlink(missing_ok=True)


def _book_file() -> Path:
    return Path(settings.DATA_DIR) / "example-book.json"
