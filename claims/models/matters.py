"""An insured's own matter (B-21): what the claims team publishes about a claim of the feed, with messages both ways."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse

from claims.events import MatterEvent
from claims.models.claims import Claim
from core import mail
from core.events import record_event
from core.fields import EncryptedTextField
from core.requests import Message, Request, RequestQuerySet
from core.uploads.models import Attachment
from policies.models import Membership
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from accounts.models import User


class MatterQuerySet(RequestQuerySet):
    """Matters, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return what is published about claims against the insureds that the user is; nobody else sees any."""
        if not user.is_authenticated:
            return self.none()
        return self.of_insureds(reach_with(user, Capability.VIEW_CLAIMS_HISTORY).insured_ids)

    def of_insureds(self, insured_ids: Any) -> Self:
        """Return what is published about claims against these insureds."""
        return self.published().filter(claim__insured_id__any=insured_ids, claim__retired_at=None)

    def published(self) -> Self:
        """Return those that staff haven't taken back."""
        return self.exclude(status=Matter.Status.CLOSED)


class Matter(Request):
    """What an insured sees of one of their claims. Stage, next date, claims professional, and counsel are the feed's;
    documents, further dates, and messages are added here. `user` is who of the insured's accounts wrote last."""

    class Status(models.TextChoices):
        OPEN = "open", "Waiting for us"
        IN_PROGRESS = "in_progress", "In progress"
        ANSWERED = "answered", "Published"
        CLOSED = "closed", "Taken back"

    TAGS = MatterEvent

    claim = models.OneToOneField(Claim, on_delete=models.PROTECT, related_name="matter")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.ANSWERED)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # What the claims team says of where it is, in its own words.
    note = EncryptedTextField(blank=True, default="")

    objects = MatterQuerySet.as_manager()

    class Meta:
        ordering = ["-changed_at", "-id"]
        permissions = [("answer_matter", "Can publish matters to their insureds, and answer in them")]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status__in=("open", "in_progress")), name="claims_matter_due"),
        ]

    def __str__(self) -> str:
        return f"Matter {self.claim.number}"

    def get_absolute_url(self) -> str:
        return reverse("claims:matter", args=[self.public_id])

    @classmethod
    def publish(cls, claim: Claim, *, by: User) -> bool:
        """Publish a claim to its insured, or again after it was taken back; False where it is."""
        with transaction.atomic():
            matter, is_new = cls.objects.select_for_update().get_or_create(claim=claim, defaults={"published_by": by})
            if not is_new:
                if not matter.is_closed:
                    return False
                matter.status = cls.Status.ANSWERED
                matter._acted(matter._locked_again())  # noqa: SLF001  # of the same class
            record_event(MatterEvent.PUBLISHED, subject=matter, by=by, claim=claim.number)
            matter.tell_of_news(key=f"published:{uuid.uuid4()}")
        return True

    def _locked_again(self) -> Any:
        status = self.status
        now = self._locked()
        self.status = status
        return now

    def add(self, *, text: str, key: uuid.UUID, by: User) -> MatterMessage | None:
        """Add words of the insured; None where it was taken back. The same key adds once."""
        self.user = by
        message: MatterMessage | None = self.reply(text=text, key=key, by=by)
        if message is not None:
            Matter.objects.filter(pk=self.pk).update(user=by)
        return message

    def set_note(self, text: str, *, by: User) -> None:
        """Say where the matter is."""
        with transaction.atomic():
            now = self._locked()
            self.note = text
            self._acted(now, "note")
            record_event(MatterEvent.CHANGED, subject=self, by=by, what="note")

    # Mails: none says which claim, or what is new.

    def insured_users(self) -> list[User]:
        """Return the accounts of the insured."""
        places = Membership.objects.filter(insured=self.claim.insured_id, revoked_at=None).select_related("user")
        return list({place.user_id: place.user for place in places}.values())

    def tell(self, name: str, *, key: str = "") -> None:
        """Mail the insured that there is an answer; nothing else is mailed."""
        if name == "request_answered":
            self.tell_of_news(key=key)

    def tell_of_news(self, *, key: str) -> None:
        """Mail the insured that there is something to read."""
        for user in self.insured_users():
            if user.email:
                context = {"address": settings.PUBLIC_URL + self.get_absolute_url()}
                mail.send("matter_news", to=user.email, context=context, key=f"{self.public_id}:{user.pk}:{key}")

    def tell_desk(self, *, key: str) -> None:
        """Tell the claims desk that the insured wrote."""
        context = {"address": f"{settings.PUBLIC_URL}/admin/claims/matter/{self.pk}/change/"}
        mail.send("matter_waiting", to=settings.CLAIMS_EMAIL, context=context, key=f"{self.public_id}:{key}")

    if TYPE_CHECKING:
        dates: Any
        files: Any
        desk: Any


class MatterDate(models.Model):
    """A date that the claims team adds: a deposition, a hearing."""

    matter = models.ForeignKey(Matter, on_delete=models.CASCADE, related_name="dates")
    day = models.DateField()
    what = models.CharField(max_length=200)

    class Meta:
        ordering = ["day", "id"]
        constraints = [models.UniqueConstraint(fields=["matter", "day", "what"], name="claims_matterdate_once")]

    def __str__(self) -> str:
        return f"{self.day}"


class MatterMessage(Message):
    """What one side wrote in a matter."""

    request = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="messages")
    text = EncryptedTextField(blank=True)

    class Meta(Message.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["request", "idempotency_key"], name="claims_mattermessage_once"),
        ]


class MatterFile(Attachment):
    """A document of a matter, encrypted where it is stored. Without a message, the claims team published it."""

    SEALED = True

    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="files")
    message = models.ForeignKey(MatterMessage, on_delete=models.PROTECT, null=True, blank=True, related_name="files")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta(Attachment.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(
                fields=["matter", "message", "sha256"], nulls_distinct=False, name="claims_matterfile_once"
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("claims:matter-file", args=[self.matter.public_id, self.public_id])
