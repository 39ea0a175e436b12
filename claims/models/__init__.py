"""Claims as the carrier keeps them, and what insureds and those who act for them report."""

from claims.models.claims import FOR_THIRD_PARTIES, Claim, ClaimQuerySet, years_before
from claims.models.incidents import IncidentFile, IncidentMessage, IncidentReport
from claims.models.matters import Matter, MatterDate, MatterFile, MatterMessage

__all__ = [
    "FOR_THIRD_PARTIES",
    "Claim",
    "ClaimQuerySet",
    "IncidentFile",
    "IncidentMessage",
    "IncidentReport",
    "Matter",
    "MatterDate",
    "MatterFile",
    "MatterMessage",
    "years_before",
]
