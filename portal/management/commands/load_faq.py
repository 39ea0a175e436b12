"""`manage.py load_faq`: the FAQ that the release ships."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from portal.faq.shipping import load, shipped


class Command(BaseCommand):
    """Add the entries that are missing, and replace those that staff haven't changed. Safe to repeat."""

    help = "Load the FAQ entries that this release ships; what staff changed stays."

    def handle(self, *args: Any, **options: Any) -> None:
        done = load(shipped())
        self.stdout.write(f"{done.new} new, {done.replaced} replaced, {done.kept} left as staff changed them")
