"""The demo's book of business: invented, but loaded the way a carrier's own would be."""

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

SEED = 1
# The cast's policies are among the first twelve of every book.
FEWEST_POLICIES = 12
# Well before the data would be stale, when certificates can't be issued.
REFRESH_AFTER = dt.timedelta(hours=12)
# By then, renewal offers have expired, and the cast no longer has what it should show.
AGED_AFTER = dt.timedelta(days=60)


class ExampleError(Exception):
    """The feed refused the example book; the message says why."""


@dataclass(frozen=True)
class Book:
    """The book that is loaded: its number of policies, and the day it was written for."""

    policies: int
    today: dt.date

    @property
    def has_aged(self) -> bool:
        """Whether so much of it has expired that a new one would show more."""
        return timezone.localdate() - self.today > AGED_AFTER

    def save(self) -> None:
        """Remember it with the demo's other data."""
        _book_file().write_text(json.dumps(asdict(self) | {"today": self.today.isoformat()}))

    @classmethod
    def saved(cls) -> Book | None:
        """Return the remembered book, or None."""
        if not _book_file().exists():
            return None
        values: dict[str, Any] = json.loads(_book_file().read_text())
        return cls(values["policies"], dt.date.fromisoformat(values["today"]))


def load_example(policies: int) -> Book:
    """Load the example book or bring it up to date, and return what is loaded.

    A loaded book keeps the day it was written for, so its terms expire as real ones do, and it only grows: a full
    package with fewer policies would be held for a person's decision. Raises ExampleError if the feed refuses it.
    """
    source = Source.objects.filter(name=cast().source).first()
    before = Book.saved() if source else None
    book = Book(max(policies, before.policies if before else 0), before.today if before else timezone.localdate())
    now = timezone.now()
    if source and book == before and now - source.as_of < REFRESH_AFTER:
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
        raise ExampleError(f"The example book wasn't loaded: {run.get_status_display()}. {run.outcome}")
    book.save()
    return book


def forget_book() -> None:
    """Forget which book was loaded, before starting over."""
    _book_file().unlink(missing_ok=True)


def _book_file() -> Path:
    return Path(settings.DATA_DIR) / "example-book.json"
