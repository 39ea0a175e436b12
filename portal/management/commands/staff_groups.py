"""`manage.py staff_groups`: the groups that staff are put into."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from portal.staff import GROUPS, make_staff_groups


class Command(BaseCommand):
    """Makes the groups of `portal.staff.GROUPS`, or brings their rights up to date; members stay as they are."""

    help = "Makes the staff's groups, or brings what they may do up to date."

    def handle(self, *args: Any, **options: Any) -> None:
        for group, wanted in zip(make_staff_groups(), GROUPS, strict=True):
            self.stdout.write(
                f"{group.name}: {group.permissions.count()} rights, of them {len(wanted.permissions)} named"
            )
