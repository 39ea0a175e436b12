"""Forms that the demo's carrier publishes (S-31)."""

from __future__ import annotations

import hashlib

from django.core.files.base import ContentFile

from core.storage import keep_once
from feed.example.pdf import Line, pdf
from policies.models import Company
from portal.models import PublishedForm
from portal.models.published_forms import FOLDER

EDITION = "01/26"
# Title, number, what it's for, and roles.
FORMS: tuple[tuple[str, str, str, list[str]], ...] = (
    ("Notice of a new practice address", "LM-FM-10", "Tell us where you practice from now on.", ["policyholder"]),
    ("Statement of no known losses", "LM-FM-20", "For a policy to be reinstated.", ["policyholder"]),
    ("Agent of record letter", "LM-FM-30", "Name another agency for your policy.", ["policyholder", "agent"]),
    ("Report of an incident or claim", "LM-FM-40", "If you can’t report it here in the portal.", []),
)


def publish() -> None:
    """Publish the forms that aren't there yet, for all writing companies that offer forms."""
    companies = Company.objects.not_retired().filter(services__contains=[Company.Service.FORMS])
    for order, (title, number, about, roles) in enumerate(FORMS, start=1):
        content = pdf(title, [Line(title, heading=True), Line(about), Line("A specimen of an invented carrier.")])
        digest = hashlib.sha256(content).hexdigest()
        name = f"{FOLDER}/{digest[:2]}/{digest}.pdf"
        keep_once(name, ContentFile(content))
        facts = {"title": title, "about": about, "roles": roles, "order": order}
        facts |= {"file": name, "sha256": digest, "size": len(content), "pages": 1}
        form, is_new = PublishedForm.objects.get_or_create(number=number, edition=EDITION, defaults=facts)
        if is_new:
            form.companies.set(companies)
