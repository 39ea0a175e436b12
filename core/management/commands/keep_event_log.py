"""`manage.py keep_event_log`: the event log's years, where the portal's own role may not keep them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.partitions import keep_partitions, may_keep_partitions


class Command(BaseCommand):
    """Adds the partitions of this year and the next, and drops the years that are past retention.

    The nightly task does the same by itself while the portal's role owns the table; see docs/operators.md.
    """

    help = "Adds the event log's years ahead and drops those past retention. Run it as the owner of the table."

    def handle(self, *args: Any, **options: Any) -> None:
        if not may_keep_partitions():
            raise CommandError("Only the owner of the table core_event can do this. Connect as that role.")
        added, dropped = keep_partitions()
        self.stdout.write(f"Years added: {added or 'none'}. Years dropped: {dropped or 'none'}.")
