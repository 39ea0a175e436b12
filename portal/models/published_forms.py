"""Frequently downloaded forms (S-31): PDFs that staff publish for the policies of some writing companies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber, Upper
from django.urls import reverse

from core.dates import carrier_today
from core.downloads import file_name_part
from core.fields import PublicIdField
from policies.models import Company, Membership

if TYPE_CHECKING:
    import datetime as dt

FOLDER = "forms"


class PublishedFormQuerySet(models.QuerySet["PublishedForm"]):
    """Forms, and which of them are public."""

    def published(self, today: dt.date | None = None) -> Self:
        """Return those that are published, whose day has come, and that a company with the service has (S-47)."""
        offered = Company.objects.not_retired().filter(services__contains=[Company.Service.FORMS])
        found = self.filter(is_published=True, published_on__lte=today or carrier_today())
        return found.filter(pk__in=found.filter(companies__in=offered).values("pk"))

    def latest_editions(self) -> Self:
        """Return the latest published edition of each form."""
        place = Window(RowNumber(), partition_by=Upper("number"), order_by=[F("published_on").desc(), F("id").desc()])
        return self.published().annotate(place=place).filter(place=1)


class PublishedForm(models.Model):
    """One edition of a form. A later edition under the same number takes its place; the earlier one stays on record."""

    public_id = PublicIdField()
    title = models.CharField(max_length=160)
    number = models.CharField("form number", max_length=40, help_text="As it’s printed on the form, such as LM-CR-10.")
    edition = models.CharField(max_length=20, help_text="As it’s printed on the form, such as 01/26.")
    about = models.CharField("what it’s for", max_length=240, blank=True, default="", db_default="")
    companies = models.ManyToManyField(
        Company, related_name="+", help_text="The writing companies whose policies it is for."
    )
    roles = ArrayField(
        models.CharField(max_length=12, choices=Membership.Role),
        default=list,
        db_default=[],
        blank=True,
        help_text="The roles that it is for. If none is selected, it’s for everyone.",
    )
    order = models.PositiveSmallIntegerField(
        default=100, db_default=100, help_text="Within its company, the smallest comes first."
    )
    is_published = models.BooleanField("published", default=True, db_default=True)
    published_on = models.DateField(default=carrier_today, help_text="From this day on it’s public.")
    # The file in the private storage, named by its content.
    file = models.CharField(max_length=120, editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, editable=False)
    size = models.PositiveBigIntegerField("bytes", editable=False)
    pages = models.PositiveIntegerField(editable=False)

    objects = PublishedFormQuerySet.as_manager()

    class Meta:
        ordering = ["order", "title", "-published_on", "-id"]
        verbose_name = "form"
        constraints = [
            models.UniqueConstraint(Upper("number"), Upper("edition"), name="portal_publishedform_edition"),
            models.CheckConstraint(condition=~Q(file=""), name="portal_publishedform_file"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.number}, {self.edition})"

    def get_absolute_url(self) -> str:
        return reverse("form", args=[self.public_id])

    @property
    def audience(self) -> str:
        """The roles that it's for, in words; nothing where it's for everyone."""
        return ", ".join(f"{Membership.Role(role).label.lower()}s" for role in self.roles)

    @property
    def download_name(self) -> str:
        return f"{file_name_part(f'{self.number} {self.title}')}.pdf"

    @property
    def latest(self) -> PublishedForm | None:
        """The edition that a link to this one leads to now, if any is public."""
        return (
            PublishedForm.objects.published()
            .filter(number__iexact=self.number)
            .order_by("-published_on", "-id")
            .first()
        )
