"""`manage.py maintenance on|off|status`: closing the portal for maintenance, and opening it again (S-17)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from psycopg_pool import PoolTimeout

from core.events import record_event
from core.origin import acting_by_itself
from portal.events import PortalEvent
from portal.maintenance import closing
from portal.models import MaintenanceWindow


class Command(BaseCommand):
    """Close the whole portal or an area at once, for every process within seconds; `--here` needs no database and
    closes this machine alone."""

    help = "Close the portal for maintenance, open it again, or say what is closed."
    # It must work while the database doesn't.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["on", "off", "status"])
        parser.add_argument("--area", default="", help="one area alone, by the name of its app")
        parser.add_argument("--until", default="", help="the expected end, as in 2026-12-05T03:00 (carrier's zone)")
        parser.add_argument("--message", default="", help="what customers should know")
        parser.add_argument(
            "--here", action="store_true", help="this machine alone, by a file: while the database is in trouble"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        area = options["area"]
        if area and area not in closing.area_titles():
            raise CommandError(f"There is no area '{area}'. Areas: {', '.join(sorted(closing.area_titles()))}.")
        if options["here"] and area:
            raise CommandError("--here closes the whole portal; an area needs the database.")
        until = self._until(options["until"])
        try:
            with acting_by_itself():
                match options["what"]:
                    case "on":
                        self._on(area, until, options["message"], here=options["here"])
                    case "off":
                        self._off(area, here=options["here"])
                    case _:
                        self._status()
        except (DatabaseError, PoolTimeout) as error:
            raise CommandError(
                f"The database doesn't answer ({type(error).__name__}). On each machine: manage.py maintenance "
                f"{options['what']} --here"
            ) from error

    def _until(self, text: str) -> dt.datetime | None:
        if not text:
            return None
        try:
            found = parse_datetime(text)
        except ValueError as error:
            raise CommandError(f"'{text}' isn't a time.") from error
        if found is None:
            raise CommandError(f"'{text}' isn't a time, as in 2026-12-05T03:00.")
        moment = found if timezone.is_aware(found) else timezone.make_aware(found, timezone.get_default_timezone())
        if moment <= timezone.now():
            raise CommandError(f"'{text}' has passed.")
        return moment

    def _on(self, area: str, until: dt.datetime | None, message: str, *, here: bool) -> None:
        if here:
            closing.write_file(expected_end=until, message=message)
            self.stdout.write(f"Closed on this machine, by {settings.MAINTENANCE_FILE}.")
            return
        with transaction.atomic():
            now = timezone.now()
            windows = MaintenanceWindow.objects.not_over().filter(area=area, closes=True, starts_at__lte=now)
            window = windows.select_for_update().first() or MaintenanceWindow(area=area, starts_at=now)
            window.expected_end, window.message, window.overrun_told_at = until, message, None
            window.save()
            record_event(PortalEvent.MAINTENANCE_BEGUN, subject=window, area=area or settings.WHOLE_PORTAL)
        self.stdout.write(f"Closed: {self._what(area)}. Every process knows within {settings.MAINTENANCE_SECONDS} s.")

    def _off(self, area: str, *, here: bool) -> None:
        if closing.remove_file():
            self.stdout.write("Opened on this machine.")
        if here:
            return
        now = timezone.now()
        closed = [w for w in MaintenanceWindow.objects.not_over(now).filter(area=area) if w.is_in_effect(now)]
        for window in closed:
            with transaction.atomic():
                window.end()
        self.stdout.write(f"Opened: {self._what(area)}." if closed else f"{self._what(area)} wasn't closed.")

    def _status(self) -> None:
        if closing.by_file() is not None:
            self.stdout.write(f"Closed on this machine, by {settings.MAINTENANCE_FILE}.")
        now = timezone.now()
        windows = list(MaintenanceWindow.objects.not_over(now))
        for window in windows:
            state = "closed" if window.is_in_effect(now) else "ahead"
            end = window.expected_end.isoformat() if window.expected_end else "not known"
            self.stdout.write(f"{self._what(window.area)}: {state} from {window.starts_at.isoformat()}, end {end}")
        if not windows:
            self.stdout.write("Nothing is closed or announced.")

    def _what(self, area: str) -> str:
        return closing.area_title(area) or str(settings.WHOLE_PORTAL)
