"""`manage.py demo`: everything at once, with an invented carrier's data."""

from __future__ import annotations

import shutil
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo.data import FEWEST_POLICIES, ExampleError, forget_book
from demo.run import Demo, port_is_free
from demo.tables import OlderDataError
from embedded import client
from embedded.addresses import DEFAULT_PORT
from embedded.processes import EmbeddedError
from portal.checks import missing_pango

MOST_POLICIES = 100_000


class Command(BaseCommand):
    """Start PostgreSQL, Redis, the workers, and the web server, and stop them all on INT or TERM.

    Data stays in the port's data folder between starts; `--fresh` deletes it. Two demos can run on two ports.
    """

    # A missing library gets one sentence instead of the system checks' output.
    requires_system_checks = ()
    runner = Demo
    help = "Run the whole portal on this machine with invented people and policies."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port of the web server (8000)")
        parser.add_argument("--policies", type=int, default=40, help="number of policies in the example book (40)")
        parser.add_argument("--fresh", action="store_true", help="delete the data of earlier demos on this port")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo runs as its own command only: manage.py demo.")
        if missing := missing_pango():
            raise CommandError(missing)
        port = options["port"]
        if not 1 <= port <= 65535:
            raise CommandError(f"{port} isn't a port. Choose one from 1 to 65535.")
        if not FEWEST_POLICIES <= options["policies"] <= MOST_POLICIES:
            raise CommandError(f"Choose from {FEWEST_POLICIES} to {MOST_POLICIES:,} policies.")
        if not port_is_free(port):
            raise CommandError(f"Port {port} can't be used; it may be taken. Choose another, as in --port {port + 1}.")
        try:
            if options["fresh"]:
                client.erase(settings.DATA_DIR)
                shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)
                forget_book()
            self.runner(port=port, policies=options["policies"], out=sys.stdout).run()
        except (EmbeddedError, ExampleError, OlderDataError) as error:
            raise CommandError(str(error)) from error
