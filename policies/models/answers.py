"""The carrier's answers to requests that customers made in the portal."""

from __future__ import annotations

from django.db import models

from core.fields import PublicIdField
from policies.models.base import FeedQuerySet, FeedRow


class RequestAnswer(FeedRow):
    """Where the carrier is with a request of the portal, named by the public id that the portal gave it.

    The requests are rows of other areas: those that `core.areas.answered_models` lists.
    """

    class Status(models.TextChoices):
        RECEIVED = "received", "Received"
        IN_REVIEW = "in_review", "In review"
        NEEDS_INFORMATION = "needs_information", "Needs information"
        DONE = "done", "Done"
        DECLINED = "declined", "Declined"

    public_id = PublicIdField()
    portal_request_id = models.CharField("request", max_length=120)
    status = models.CharField(max_length=20, choices=Status)
    # When the carrier decided so; what staff or the customer did later is kept.
    updated = models.DateTimeField()
    message = models.TextField(blank=True, default="")
    # Dollars that the change adds to the premium, or (negative) gives back; empty where the carrier doesn't say.
    charge = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        ordering = ["-updated", "-id"]
        indexes = [models.Index(fields=["portal_request_id"], name="policies_requestanswer_request")]

    def __str__(self) -> str:
        return f"{self.portal_request_id}: {self.get_status_display()}"
