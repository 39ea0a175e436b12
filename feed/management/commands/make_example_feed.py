"""`manage.py make_example_feed`: write an invented book of business as a feed package."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from feed.example import write_example_feed


def whole_number(text: str) -> int:
    """Return a number of 1 or more; raise ArgumentTypeError for anything else."""
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError("must be a whole number of 1 or more")
    return int(text)


def moment(text: str) -> dt.datetime:
    """Return a time with its zone; raise ArgumentTypeError for anything else."""
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("must be a time such as 2026-11-20T02:00:00Z") from error
    if value.tzinfo is None:
        raise ArgumentTypeError("must have a time zone, as in 2026-11-20T02:00:00Z")
    return value


def day(text: str) -> dt.date:
    """Return an ISO 8601 date; raise ArgumentTypeError for anything else."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("must be a date such as 2026-11-20") from error


class Command(BaseCommand):
    """Write the example book. The same arguments give the same bytes; all people and companies in it are invented."""

    help = "Write an invented book of business as a feed package: a folder, or an archive if OUT ends in .zip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("out", type=Path, metavar="OUT")
        parser.add_argument("--policies", type=whole_number, default=40, metavar="N")
        parser.add_argument("--seed", type=int, default=1, metavar="S")
        parser.add_argument("--today", type=day, default=None, help="day the book is written for; default: today")
        parser.add_argument("--as-of", type=moment, default=None, help="time of the data; default: 2 a.m. UTC that day")
        parser.add_argument("--sequence", type=whole_number, default=1, help="number of the package; default: 1")

    def handle(self, **options: Any) -> None:
        today: dt.date = options["today"] or timezone.localdate()
        as_of = options["as_of"] or dt.datetime.combine(today, dt.time(2), tzinfo=dt.UTC)
        out: Path = options["out"]
        try:
            write_example_feed(
                out,
                policies=options["policies"],
                seed=options["seed"],
                today=today,
                as_of=as_of,
                sequence=options["sequence"],
            )
        except FileExistsError as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(f"Wrote {options['policies']:,} invented policies as of {as_of:%Y-%m-%d %H:%M} UTC to {out}")
