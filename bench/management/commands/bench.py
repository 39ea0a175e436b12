"""`manage.py bench`: the portal's figures beside their floors."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bench import suite
from bench.measure import Figure


class Command(BaseCommand):
    """Measure, print a table, and write `bench.json` into the data folder (docs/developers/index.md#commands).

    Runs on the embedded services in demo mode only: it loads an example book and signs demo users in.
    """

    help = "Measure the portal against its floors; prints a table and writes bench.json."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the names to measure, all by default, and the size of the book."""
        parser.add_argument("--only", default="", help="names separated by commas: " + ", ".join(suite.NAMES))
        parser.add_argument("--policies", type=int, default=40, help="how many policies the example book holds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure the figures one by one, so that what is done stays even if a later one fails."""
        if not settings.DEMO:
            raise CommandError("Benchmarks need demo mode: run `make bench`, or set PORTAL_MODE=demo.")
        names = [name for name in options["only"].split(",") if name] or list(suite.NAMES)
        unknown = sorted(set(names) - set(suite.NAMES))
        if unknown:
            raise CommandError(f"No benchmark is called {', '.join(unknown)}. There are: {', '.join(suite.NAMES)}.")
        path = settings.DATA_DIR.parent / "bench.json"
        results: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
        self.stdout.write(f"{'name':<26}{'value':>12}{'floor':>12}{'ratio':>8}  more")
        for figure in suite.measure(names, policies=options["policies"]):
            self.stdout.write(self._line(figure))
            results[figure.name] = figure.as_json()
            path.write_text(json.dumps(results, indent=2) + "\n")
        self.stdout.write(f"Written to {path}")

    def _line(self, figure: Figure) -> str:
        more = ", ".join(f"{key} {value}" for key, value in figure.more.items())
        value, floor = (f"{number:.2f} {figure.unit}" for number in (figure.value, figure.floor))
        return f"{figure.name:<26}{value:>12}{floor:>12}{figure.ratio:>8.2f}  {more}"
