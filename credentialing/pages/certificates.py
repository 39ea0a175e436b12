"""The list of certificates: its orders and the heads of its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models.fields.json import KT
from django.db.models.functions import Lower

from core.listing import sorting_of
from core.statements import prepared
from credentialing.models import Certificate
from policies.models import SCOPE, Scope, of_agencies, reach_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from accounts.models import User
    from core.listing import Column, Sorting
    from credentialing.models.certificates import CertificateQuerySet

MOST_RECENT = 8
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


def latest_of(user: User) -> list[Certificate]:
    """Return the latest certificates that the user sees. One query."""
    return _latest(**reach_of(user).scope.values())


@prepared(of_agencies, **SCOPE)
def _latest(**scope: Any) -> QuerySet[Certificate]:
    return Certificate.objects.open_to(Scope(**scope))[:MOST_RECENT]


def columns_of(sorting: Sorting) -> dict[str, Column]:
    """Return the heads of the columns that sort."""
    return {"insured": sorting.column("insured", "Insured"), "issued": sorting.column("issued", "Issued")}
