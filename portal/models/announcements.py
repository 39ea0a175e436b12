"""News for customers (S-20) and dated notices (S-16), written by staff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import URLValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from core.fields import PublicIdField
from policies.models import Membership, reach_of

if TYPE_CHECKING:
    from accounts.models import User


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    """Announcements, and who is to read them."""

    def published(self, now: Any = None) -> Self:
        """Those whose time has come and isn't over."""
        now = now or timezone.now()
        return self.filter(Q(published_until=None) | Q(published_until__gt=now), published_from__lte=now)

    def visible_to(self, user: User | None) -> Self:
        """Return what is for everybody, and what is for one of the user's roles of today.

        None stands for a visitor who has not signed in, and who reads only what is marked for visitors.
        """
        if user is None:
            return self.published().filter(for_visitors=True)
        return self.published().for_roles(sorted(reach_of(user).roles))

    def for_roles(self, roles: Any) -> Self:
        """Return what is for everybody, and what is for one of these roles."""
        return self.filter(Q(audience=[]) | Q(audience__overlap=roles))


class Announcement(models.Model):
    """A piece of news on home, or a notice above it. Paragraphs of the body are apart by an empty line; it holds no
    markup."""

    class Level(models.IntegerChoices):
        """How much it asks for attention. A notice is a box at the top of home, and before sign-in if it's for
        visitors."""

        NEWS = 0, "News"
        NOTICE = 1, "Notice"
        IMPORTANT = 2, "Important notice"

    public_id = PublicIdField()
    title = models.CharField(max_length=120)
    body = models.TextField(help_text="Plain text. An empty line begins a new paragraph.")
    link = models.CharField(
        max_length=300,
        blank=True,
        default="",
        validators=[URLValidator(schemes=["https"])],
        help_text="Where to read more, if anywhere: an address that begins with https://.",
    )
    level = models.PositiveSmallIntegerField(
        "shown as",
        choices=Level,
        default=Level.NEWS,
        db_default=Level.NEWS,
        help_text="A notice is a box at the top of home, and of the sign-in pages if it’s shown to visitors.",
    )
    audience = ArrayField(
        models.CharField(max_length=12, choices=Membership.Role),
        default=list,
        blank=True,
        help_text="The roles that it is for; none chosen: everybody.",
    )
    for_visitors = models.BooleanField(
        "also before sign-in", default=False, help_text="Shown on the page that visitors see, too."
    )
    published_from = models.DateTimeField(default=timezone.now)
    published_until = models.DateTimeField(null=True, blank=True, help_text="Empty: until further notice.")

    objects = AnnouncementQuerySet.as_manager()

    class Meta:
        ordering = ["-level", "-published_from", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(published_until=None) | Q(published_until__gt=F("published_from")),
                name="portal_announcement_dates",
                violation_error_message="It can't end before it begins.",
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Its place on home."""
        return f"{reverse('home')}#news-{self.public_id}"

    @property
    def is_notice(self) -> bool:
        """Whether it is a box at the top of the page, rather than one of the news."""
        return self.level > self.Level.NEWS

    def is_published(self) -> bool:
        """Whether it is on home now."""
        now = timezone.now()
        return self.published_from <= now and (self.published_until is None or now < self.published_until)
