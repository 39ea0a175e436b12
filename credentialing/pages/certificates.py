"""The list of certificates: its orders and the heads of its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models.fields.json import KT
from django.db.models.functions import Lower

from core.listing import sorting_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.listing import Column, Sorting
    from credentialing.models.certificates import CertificateQuerySet

# By name of column. Not by holder: a party doesn't see the holders of another's certificates.
ORDERS = {"issued": ("issued_at", "id"), "insured": ("insured_sort", "id")}


def certificate_sorting(query: Mapping[str, str]) -> Sorting:
    """Return the order that the query asks for; the newest first where it doesn't."""
    return sorting_of(query, ORDERS, default="-issued")


def certificates_in_order(certificates: CertificateQuerySet, sorting: Sorting) -> CertificateQuerySet:
    """Return the certificates with the key of that order."""
    if sorting.name != "insured":
        return certificates
    return certificates.annotate(insured_sort=Lower(KT("snapshot__insured__name")))


def columns_of(sorting: Sorting) -> dict[str, Column]:
    """Return the heads of the columns that sort."""
    return {"insured": sorting.column("insured", "Insured"), "issued": sorting.column("issued", "Issued")}
