"""Frequently asked questions (S-16): dated entries that staff publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinLengthValidator
from django.db import models
from django.urls import reverse

from core.dates import carrier_today
from policies.models import Company, Membership

if TYPE_CHECKING:
    import datetime as dt


class FaqEntryQuerySet(models.QuerySet["FaqEntry"]):
    """Entries, and which of them customers read."""

    def published(self, today: dt.date | None = None) -> Self:
        """Return those that are published and whose day has come."""
        return self.filter(is_published=True, published_on__lte=today or carrier_today())


class FaqEntry(models.Model):
    """A question with its answer, in plain markup (`core.markup`), at an address of its own."""

    class Topic(models.TextChoices):
        """The parts of the page, in the order in which they are shown."""

        START = "start", "Getting started"
        SIGN_IN = "sign-in", "Signing in"
        SECOND_FACTOR = "second-factor", "Two-step verification"
        SECURITY = "security", "Keeping your account safe"
        POLICIES = "policies", "Policies and documents"
        CERTIFICATES = "certificates", "Certificates of insurance"
        PAYMENTS = "payments", "Billing and payments"
        HELP = "help", "Getting help"

    slug = models.SlugField(max_length=60, unique=True, help_text="Its place in the address. Links lead to it.")
    topic = models.CharField(max_length=16, choices=Topic)
    question = models.CharField(max_length=160, validators=[MinLengthValidator(5)])
    answer = models.TextField(
        max_length=8000,
        help_text=(
            "Plain text. An empty line begins a new paragraph; lines that begin with “- ” or “1. ” make a list. "
            "**bold**, [words](/address/), [words](https://address), and [words](faq:slug of another entry). "
            "A value in braces, such as {web_phone}, comes from the settings."
        ),
    )
    roles = ArrayField(
        models.CharField(max_length=12, choices=Membership.Role),
        default=list,
        blank=True,
        help_text="The roles that it is for. If none is selected, it’s for everyone.",
    )
    companies = models.ManyToManyField(
        Company, blank=True, related_name="+", help_text="The writing companies that it is about. None: all of them."
    )
    related = models.ManyToManyField("self", blank=True, symmetrical=False, related_name="+")
    order = models.PositiveSmallIntegerField(default=100, help_text="Within its topic, the smallest comes first.")
    is_published = models.BooleanField("published", default=True)
    published_on = models.DateField(default=carrier_today, help_text="Shown as the date of the entry.")
    # What the release shipped; as long as the entry still says that, a newer release may replace it.
    shipped_hash = models.CharField(max_length=64, blank=True, default="", editable=False)

    objects = FaqEntryQuerySet.as_manager()

    class Meta:
        ordering = ["topic", "order", "slug"]
        verbose_name = "FAQ entry"
        verbose_name_plural = "FAQ entries"

    def __str__(self) -> str:
        return self.question

    def get_absolute_url(self) -> str:
        return reverse("faq-entry", args=[self.slug])
