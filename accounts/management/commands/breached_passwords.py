"""`manage.py breached_passwords`, before the carrier's large list of breached passwords goes live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.passwords.breached import fault_of_large_list

BLOCK = 1 << 20


class Command(BaseCommand):
    """Says whether the file of `BREACHED_PASSWORDS_FILE` can be searched, and how many hashes it has. Counting reads
    the whole file once, block by block."""

    help = "Check the file of breached passwords (BREACHED_PASSWORDS_FILE)."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BREACHED_PASSWORDS_FILE
        if not path:
            raise CommandError("BREACHED_PASSWORDS_FILE isn't set. The bundled list is in use.")
        if fault := fault_of_large_list(path):
            raise CommandError(fault)
        self.stdout.write(f"{_lines(Path(path)):,} hashes, sorted. New passwords are compared with them.")


def _lines(path: Path) -> int:
    """Return the number of lines, the last one with or without a line break."""
    found, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found += block.count(b"\n")
            last = block[-1:]
    return found + (last != b"\n")
