"""Consent to get documents electronically, and its withdrawal: legal evidence."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.fields import PublicIdField


class Paperless(models.TextChoices):
    """The kinds of documents that a customer may get electronically instead of by mail."""

    POLICY = "policy", "Policy documents"
    BILLING = "billing", "Invoices and billing notices"
    NOTICES = "notices", "Renewal, nonrenewal, and cancellation notices"
    EDUCATION = "education", "Seminar and risk management mailings"


class DeliveryConsent(models.Model):
    """One act: electronic delivery of one category was agreed to, or withdrawn (docs/security.md#consents).

    It holds what proves it: who, when, from where, the email that documents go to, and the text itself. Kept for good;
    the database refuses to change or delete it, whatever a session sets.
    """

    public_id = PublicIdField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delivery_consents")
    category = models.CharField(max_length=20, choices=Paperless)
    is_given = models.BooleanField("given")
    text_version = models.CharField(max_length=20)
    text = models.TextField()
    username = models.CharField(max_length=150)
    name = models.CharField(max_length=201, blank=True)
    email = models.EmailField(max_length=254)
    at = models.DateTimeField(default=timezone.now)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=300, blank=True)
    session_id = models.CharField(max_length=22, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-at", "-id")
        indexes = [models.Index(fields=["user", "category", "-at"], name="consent_of_user")]

    def __str__(self) -> str:
        return f"{self.get_category_display()} {'given' if self.is_given else 'withdrawn'}"
