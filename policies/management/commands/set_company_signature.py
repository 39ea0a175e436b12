"""`manage.py set_company_signature`: the signature that a writing company's certificates and letters bear."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from core.images import ImageRefusedError
from policies.models import Company
from policies.signatures import remove_signature, set_signature


class Command(BaseCommand):
    """Take the signatory's own signature as a PNG or SVG image, for what is issued from now on.

    What was issued before keeps the image that it was issued with.
    """

    help = "Set the signature image (PNG or SVG) that a writing company's certificates and letters bear."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the company and the file, or `--remove`."""
        parser.add_argument("company", help="the company's id in the feed, or its whole name")
        parser.add_argument(
            "file", nargs="?", type=Path, help="a PNG or SVG image, dark on a transparent or white ground"
        )
        parser.add_argument("--source", help="the feed's source, where two have a company of that id")
        parser.add_argument("--remove", action="store_true", help="bear no signature from now on")

    def handle(self, **options: Any) -> None:
        """Set or remove it, and say what documents bear now."""
        file: Path | None = options["file"]
        if (file is None) == (not options["remove"]):
            raise CommandError("Name a file, or say --remove.", returncode=2)
        company = self._company(options["company"], options["source"])
        by = getpass.getuser()
        if file is None:
            remove_signature(company, by=by)
            self.stdout.write(f"Certificates and letters of {company} bear no signature from now on.")
            return
        try:
            name = set_signature(company, file.read_bytes(), by=by)
        except (ImageRefusedError, OSError) as error:
            raise CommandError(f"{file}: {error}") from error
        self.stdout.write(f"Certificates and letters of {company} bear the signature {name} from now on.")

    def _company(self, wanted: str, source: str | None) -> Company:
        companies = Company.objects.not_retired().filter(Q(external_id=wanted) | Q(name=wanted))
        if source:
            companies = companies.filter(source=source)
        found = list(companies.order_by("source", "external_id"))
        if len(found) == 1:
            return found[0]
        if found:
            sources = ", ".join(company.source for company in found)
            raise CommandError(f"Several companies are called {wanted} ({sources}). Add --source.", returncode=2)
        known = ", ".join(f"{company.external_id} ({company.name})" for company in Company.objects.not_retired())
        raise CommandError(f"No company is called {wanted}. Known: {known or 'none'}.", returncode=2)
