"""`manage.py staff_groups`: groups of staff."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.areas import staff_groups
from portal.staff import make_staff_groups, retire_groups, table


class Command(BaseCommand):
    """Create the groups that the areas announce, or update their rights. Remove groups of former versions."""

    help = "Create the staff groups, or update their rights."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--table", action="store_true", help="print the table of docs/staff.md and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["table"]:
            self.stdout.write("\n".join(table()))
            return
        for group, wanted in zip(make_staff_groups(), staff_groups(), strict=True):
            self.stdout.write(
                f"{group.name}: {group.permissions.count()} rights, of them {len(wanted.permissions)} named"
            )
        for name, members in retire_groups().items():
            self.stdout.write(
                f"{name} was removed. Assign its members to the groups they need: {', '.join(members) or 'nobody'}"
            )
