"""What is closed for maintenance now, and what is announced: known to each process for a few seconds.

No page asks the database for it: the process does, every `MAINTENANCE_SECONDS`. While the database doesn't answer, the
last answer stays, and without one nothing is closed (docs/decisions/0091-maintenance-mode.md). The file of a machine
(`manage.py maintenance on --here`) closes the portal then, too.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone
from psycopg_pool import PoolTimeout

from core import areas, memo
from portal.models import MaintenanceWindow
from portal.models.maintenance import KNOWN

log = structlog.get_logger(__name__)
FILE = "portal.maintenance.file"
_last: list[tuple[MaintenanceWindow, ...]] = [()]


@dataclass(frozen=True, slots=True)
class Closure:
    """What is closed: the whole portal, or the area of that name. `by_file`: on this machine alone."""

    area: str = ""
    expected_end: dt.datetime | None = None
    message: str = ""
    by_file: bool = False

    @property
    def what(self) -> str:
        """What it closes, as the subject of a sentence."""
        return area_title(self.area) or str(settings.BRAND["portal_name"])

    def is_overrun(self, now: dt.datetime) -> bool:
        """Whether the expected end has passed."""
        return self.expected_end is not None and self.expected_end <= now


def area_titles() -> dict[str, str]:
    """Return the areas that can be closed alone: those with a page in the menu, by the namespace of their
    addresses."""
    return {area.label: area.menu[0].label for area in areas.areas() if area.menu}


def area_title(area: str) -> str:
    """Return what customers call an area; nothing for the whole portal."""
    return area_titles().get(area, "")


def windows() -> tuple[MaintenanceWindow, ...]:
    """Return the windows that matter now or later, as of a few seconds ago."""
    return memo.once_in(settings.MAINTENANCE_SECONDS, KNOWN, _read)


def know(found: tuple[MaintenanceWindow, ...]) -> None:
    """Let this process know the windows without asking."""
    memo.forget(KNOWN)
    memo.once_in(settings.MAINTENANCE_SECONDS, KNOWN, lambda: found)


def forget() -> None:
    """Ask again next time, after a change in this process."""
    memo.forget(KNOWN)
    memo.forget(FILE)


def by_file() -> Closure | None:
    """Return what the file of this machine closes: the whole portal, or nothing."""
    return memo.once_in(settings.MAINTENANCE_SECONDS, FILE, _from_file)


def in_effect(now: dt.datetime | None = None) -> list[Closure]:
    """Return what is closed now, the whole portal first."""
    moment = now or timezone.now()
    closed = [
        Closure(window.area, window.expected_end, window.message) for window in windows() if window.is_in_effect(moment)
    ]
    return sorted(closed, key=lambda closure: closure.area)


def announced(now: dt.datetime | None = None) -> list[MaintenanceWindow]:
    """Return the windows whose notice is shown now."""
    moment = now or timezone.now()
    return [window for window in windows() if window.is_announced(moment)]


def _read() -> tuple[MaintenanceWindow, ...]:
    try:
        _last[0] = tuple(MaintenanceWindow.objects.not_over())
    except (DatabaseError, PoolTimeout) as error:
        log.warning("maintenance_unknown", error=type(error).__name__)
    return _last[0]


def _from_file() -> Closure | None:
    """Read the file. One that can't be read closes the portal all the same: someone put it there."""
    try:
        text = settings.MAINTENANCE_FILE.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError:
        return Closure(by_file=True)
    try:
        values = json.loads(text)
        end = dt.datetime.fromisoformat(values["expected_end"]) if values.get("expected_end") else None
        return Closure(expected_end=end, message=str(values.get("message", "")), by_file=True)
    except (ValueError, TypeError, AttributeError):
        return Closure(by_file=True)


def write_file(*, expected_end: dt.datetime | None, message: str) -> None:
    """Close the portal on this machine."""
    values = {"expected_end": expected_end.isoformat() if expected_end else "", "message": message}
    settings.MAINTENANCE_FILE.write_text(json.dumps(values), encoding="utf-8")
    forget()


def remove_file() -> bool:
    """Open the portal on this machine; returns False where the file didn't close it."""
    was_there = settings.MAINTENANCE_FILE.exists()
    settings.MAINTENANCE_FILE.unlink(missing_ok=True)
    forget()
    return was_there
