"""The signatures of companies, as the feed brings them."""

from __future__ import annotations

from core.feedspec import Column, FileUse, Kind, Load
from policies.models import Company
from policies.signatures import record_signature, signature_taker

COMPANIES_FILE = "companies.csv"

SIGNATURE = Column(
    "signature",
    Kind.FILE,
    field=None,
    optional=True,
    use=FileUse(
        taker=signature_taker,
        digest="signature_sha256",
        fields={"name": "signature", "fault": "signature_fault"},
        faults={"refused": "The signature isn't an image that can be used; documents of {name} have none."},
        words="a PNG or SVG image",
    ),
)


def record_signatures(load: Load) -> None:
    """Record for each company that the feed gave it a signature, another one, or none."""
    changed = load.rows(
        f"SELECT c.id FROM {load.changes(COMPANIES_FILE)} d JOIN policies_company c ON c.id = d.id "
        "WHERE d.change <> 'retired' AND COALESCE(d.was_signature, '') <> c.signature"
    )
    for company in Company.objects.filter(pk__in=[pk for (pk,) in changed]).order_by("pk"):
        record_signature(company, by=f"feed {load.source}")
