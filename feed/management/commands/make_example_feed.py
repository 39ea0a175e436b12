"""`manage.py make_example_feed`: write a synthetic book of business as a feed package."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from feed.example import write_example_feed


def whole_number(text: str) -> int:
    """A number from 1."""
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError("a whole number from 1")
    return int(text)


def moment(text: str) -> dt.datetime:
    """A time with its zone."""
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("a time such as 2026-11-20T02:00:00Z") from error
    if value.tzinfo is None:
        raise ArgumentTypeError("a time with its zone, such as 2026-11-20T02:00:00Z")
    return value


def day(text: str) -> dt.date:
    """An ISO date."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("a date such as 2026-11-20") from error


class Command(BaseCommand):
    """Writes the example book. The same arguments give the same bytes; every person and company in it is invented."""

    help = "Write a synthetic book of business as a feed package: a folder, or an archive if OUT ends in .zip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How large, which, as of when, and where to."""
        parser.add_argument("out", type=Path, metavar="OUT")
        parser.add_argument("--policies", type=whole_number, default=40, metavar="N")
        parser.add_argument("--seed", type=int, default=1, metavar="S")
        parser.add_argument("--today", type=day, default=None, help="the day that the book is written for")
        parser.add_argument("--as-of", type=moment, default=None, help="by default 2 a.m. UTC of that day")
        parser.add_argument("--sequence", type=whole_number, default=1)

    def handle(self, **options: Any) -> None:
        """Write it and say where it is."""
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
        self.stdout.write(f"{options['policies']:,} synthetic policies as of {as_of:%Y-%m-%d %H:%M} UTC in {out}")
