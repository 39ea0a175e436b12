"""The fraud warnings of the states, which applications carry (docs/spec.md#fraud-warnings)."""

from __future__ import annotations

from django.db import models

from core.states import STATES

# Where a state has no warning of its own.
GENERAL = (
    "Any person who knowingly and with intent to defraud an insurance company or another person files an application "
    "for insurance that contains materially false information, or conceals, for the purpose of misleading, information "
    "about a material fact, commits a fraudulent insurance act, which is a crime in many states and may be subject to "
    "criminal and civil penalties."
)


class FraudWarning(models.Model):
    """What a state wants an applicant to read before signing. Staff keep the table; a state without a row has
    `GENERAL`. What was signed keeps the words as they were."""

    state = models.CharField(max_length=2, unique=True, choices=list(STATES.items()))
    text = models.TextField(max_length=2000)
    source = models.CharField(max_length=200, blank=True, default="", help_text="The statute or rule.")

    class Meta:
        ordering = ("state",)

    def __str__(self) -> str:
        return STATES.get(self.state, self.state)


def fraud_warning(state: str) -> str:
    """Return the words that an applicant in a state reads: the state's own, or the general ones. One query."""
    own = FraudWarning.objects.filter(state=state.strip().upper()).values_list("text", flat=True).first()
    return own or GENERAL
