"""Change requests (S-32): what a policyholder or an agent asks us to change on a policy, from draft to answer."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, F, Q, When
from django.urls import reverse
from django.utils import timezone

from core import mail
from core.events import record_event
from core.fields import EncryptedTextField
from core.outbox import publish
from core.requests import ANSWERED, IN_PROGRESS, OPEN, Message, Request, RequestQuerySet, due_from_now
from core.uploads.models import Attachment
from policies.change_requests.events import ChangeEvent
from policies.models.membership import Membership
from policies.models.parties import Insured
from policies.models.policy import Policy
from policies.models.reach import reach_of
from policies.models.term import Term

if TYPE_CHECKING:
    import uuid
    from decimal import Decimal

    from accounts.models import User
    from policies.change_requests.registry import Kind
    from policies.models.reach import Scope

DRAFT, DONE, DECLINED, WITHDRAWN = "draft", "done", "declined", "withdrawn"
LONGEST_KIND = 32


class ChangeRequestQuerySet(RequestQuerySet):
    """Change requests, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return those of the user's own parties, drafts included, on the policies that the user still sees.

        Of memberships that may ask for changes: a request holds what a colleague wrote about others. They stay visible
        to these after the policy has ended.
        """
        from policies.rights import reach_with
        from policies.roles import Capability

        if not user.is_authenticated:
            return self.none()
        asking = reach_with(user, Capability.REQUEST_CHANGE, asks_policy=True)
        return self.filter(of_parties(asking.scope), reach_of(user).policies("policy__"))

    def open_to(self, scope: Scope) -> Self:
        """Return those of the parties of a scope that haven't come to their end, those that wait for the customer
        first. The scope is of memberships that may ask for changes."""
        waits = Case(
            When(status=ANSWERED, then=0),
            When(status=DRAFT, then=1),
            default=2,
            output_field=models.SmallIntegerField(),
        )
        going_on = self.filter(of_parties(scope), scope.policies("policy__"))
        return going_on.exclude(status__in=ChangeRequest.ENDED).order_by(waits, "due_at", "pk")

    def submitted(self) -> Self:
        """Return those that have been sent to us. Drafts are their party's own."""
        return self.exclude(status=DRAFT)


def of_parties(scope: Scope) -> Q:
    """Return the condition that a request is of one of the parties that ask for changes: policyholders and agencies."""
    return Q(membership__policyholder_id__any=scope.policyholder_ids) | Q(membership__agency_id__any=scope.agency_ids)


class ChangeRequest(Request):
    """One change, or one list of changes (`items`), that is asked for on a policy.

    `kind` is a key of `policies.change_requests.registry`. Of the party of `membership`. `term`: the one that the
    change is for; `insured`: whom it is about, where it is one. `effective`: from when; `until`: the first day on which
    it no longer holds, of a leave or a locum. A draft keeps what was typed, unchecked, in `typed`; its items are made
    when it is submitted, and never change.
    """

    class Status(models.TextChoices):
        DRAFT = DRAFT, "Draft"
        OPEN = OPEN, "Submitted"
        IN_PROGRESS = IN_PROGRESS, "In review"
        ANSWERED = ANSWERED, "Needs information"
        DONE = DONE, "Done"
        DECLINED = DECLINED, "Declined"
        WITHDRAWN = WITHDRAWN, "Withdrawn"

    ENDED = (DONE, DECLINED, WITHDRAWN)
    TAGS = ChangeEvent
    desk = "service"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="change_requests")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="change_requests")
    term = models.ForeignKey(Term, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=LONGEST_KIND)
    status = models.CharField(max_length=12, choices=Status, default=Status.DRAFT)
    effective = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    # What it is about, in a few words, for lists and mails to nobody: made when it is submitted.
    about = models.CharField(max_length=200, blank=True, default="")
    typed_text = EncryptedTextField(blank=True, default="", editable=False)
    # Counts what was saved of a draft, so that two windows don't overwrite each other unseen.
    version = models.PositiveIntegerField(default=0, editable=False)
    submitted_at = models.DateTimeField(null=True, blank=True, editable=False)
    # A statement that was signed by typing one's name: its text, kept for good.
    signed_text = models.TextField("signed statement", blank=True, default="", editable=False)
    signed_name = models.CharField("signed by typing", max_length=200, blank=True, default="", editable=False)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    signed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # What came of it. `charge`: dollars that the change adds to the premium, or gives back; empty until we say.
    # `on_record_at`: since when our own records have it, by the feed's answer.
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    charge = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True, editable=False)
    on_record_at = models.DateTimeField("on record since", null=True, blank=True, editable=False)

    objects = ChangeRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-changed_at", "-id"]
        permissions = [("decide_changerequest", "Can answer and decide change requests")]
        constraints = [
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="policies_changerequest_form"),
            models.CheckConstraint(
                condition=Q(status="draft", submitted_at=None) | (~Q(status="draft") & Q(submitted_at__isnull=False)),
                name="policies_changerequest_submitted",
            ),
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None, signed_name="", signed_text="")
                | (Q(signed_at__isnull=False, signed_by__isnull=False) & ~Q(signed_name="") & ~Q(signed_text="")),
                name="policies_changerequest_signed",
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gt=F("effective")), name="policies_changerequest_period"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(status__in=("open", "in_progress")), name="policies_changerequest_due"
            ),
            models.Index(fields=["policy", "-changed_at", "-id"], name="policies_changerequest_policy"),
            models.Index(fields=["membership", "-changed_at", "-id"], name="policies_changerequest_own"),
        ]

    def __str__(self) -> str:
        return f"{self.kind_title}: {self.about}" if self.about else self.kind_title

    def get_absolute_url(self) -> str:
        return reverse("policies:change", args=[self.public_id])

    @property
    def of_kind(self) -> Kind | None:
        """Its kind; None where the portal no longer has it."""
        from policies.change_requests.registry import kind_of

        return kind_of(self.kind)

    @property
    def kind_title(self) -> str:
        """The kind in words."""
        kind = self.of_kind
        return kind.title if kind else self.kind

    # Admin's list and pages ask a field with choices for its words.
    get_kind_display = property(lambda self: lambda: self.kind_title)

    @property
    def is_draft(self) -> bool:
        return self.status == DRAFT

    @property
    def typed(self) -> dict[str, dict[str, list[str]]]:
        """What was typed in a draft: by form of the kind, and by field."""
        found: dict[str, dict[str, list[str]]] = json.loads(self.typed_text) if self.typed_text else {}
        return found

    @typed.setter
    def typed(self, values: dict[str, dict[str, list[str]]]) -> None:
        self.typed_text = json.dumps(values, ensure_ascii=False) if values else ""

    # Verbs; those of `core.requests.Request` beside them.

    def reply(self, *, text: str, key: uuid.UUID, by: Any = None) -> Any:
        """See `Request.reply`; a draft has no messages yet."""
        return None if self.is_draft else super().reply(text=text, key=key, by=by)

    def withdraw(self, *, by: Any) -> bool:
        """Take back what was submitted; False where it has come to its end, or is a draft."""
        return self._end(WITHDRAWN, by=by, tag=ChangeEvent.REQUEST_WITHDRAWN)

    def decide(self, *, done: bool, text: str, by: Any, key: uuid.UUID, charge: Decimal | None = None) -> bool:
        """Say that it is done, or declined, with words for the customer; False where it has come to its end."""
        with transaction.atomic():
            tag = ChangeEvent.REQUEST_DONE if done else ChangeEvent.REQUEST_DECLINED
            if not self._end(DONE if done else DECLINED, by=by, tag=tag, charge=charge):
                return False
            self._say_of_staff(text, by=by, now=self.changed_at, key=key)
        return True

    def done_at_once(self) -> bool:
        """Say that it is done without staff; False where it has come to its end."""
        return self._end(DONE, by=None, tag=ChangeEvent.REQUEST_DONE)

    def _end(self, status: str, *, by: Any, tag: str, charge: Decimal | None = None) -> bool:
        with transaction.atomic():
            now = self._locked()
            if self.is_closed or self.is_draft:
                return False
            self.status = status
            more: list[str] = []
            if status != WITHDRAWN:
                self.decided_at, self.decided_by = now, by
                self.assigned_to = self.assigned_to or by
                more = ["decided_at", "decided_by"]
            if charge is not None:
                self.charge = charge
                more.append("charge")
            self._acted(now, *more)
            self._ended(by=by, tag=tag)
        return True

    def _ended(self, *, by: Any, tag: str, **facts: Any) -> None:
        """Record how it ended, tell the one who asked and the carrier's systems."""
        on_behalf_of = None if by is not None and by.pk == self.user_id else self.user
        record_event(tag, subject=self, by=by, on_behalf_of=on_behalf_of, kind=self.kind, **facts)
        self.publish(self.status)
        self.tell_of_end()

    def tell_of_end(self) -> None:
        """Mail how it ended, without a word of what was asked or answered."""
        if self.user.email:
            context = {"outcome": self.status, "address": settings.PUBLIC_URL.rstrip("/") + self.get_absolute_url()}
            key = f"{self.public_id}:{self.status}:{self.acted_at.isoformat() if self.acted_at else ''}"
            mail.send("change_request_ended", to=self.user.email, context=context, key=key)

    def publish(self, happening: str, *, key: str = "") -> None:
        """Publish `change_request.<happening>` for the carrier's systems: ids, kind, and dates."""
        payload = {
            "request": self.public_id,
            "policy": self.policy.public_id,
            "kind": self.kind,
            "effective": self.effective.isoformat() if self.effective else None,
            "until": self.until.isoformat() if self.until else None,
        }
        publish(f"change_request.{happening}", payload, key=f"{self.public_id}:{key}".rstrip(":"))

    # The carrier's own answer; see `Request.take_answer`.

    def take_answer(
        self,
        status: str | None,
        *,
        text: str,
        updated: dt.datetime,
        key: uuid.UUID,
        charge: Decimal | None = None,
    ) -> None:
        """See `Request.take_answer`. What the carrier's system has done is on record, also where staff said so before.

        `charge`: what it costs, as far as the carrier says; an older one stays where it doesn't.
        """
        if charge is not None:
            self.charge = charge
            type(self).objects.filter(pk=self.pk).update(charge=charge)
        super().take_answer(None if self.is_draft else status, text=text, updated=updated, key=key)
        if status == DONE and self.status == DONE and self.on_record_at is None:
            self.on_record_at = min(updated, timezone.now())
            type(self).objects.filter(pk=self.pk, on_record_at=None).update(on_record_at=self.on_record_at)

    def _tell_of_answer(self, was: str, *, says: bool, key: uuid.UUID) -> None:
        if self.status in (DONE, DECLINED) and self.status != was:
            self.decided_at = self.changed_at
            self.save(update_fields=["decided_at"])
            tag = ChangeEvent.REQUEST_DONE if self.status == DONE else ChangeEvent.REQUEST_DECLINED
            self._ended(by=None, tag=tag, source="feed")
        else:
            super()._tell_of_answer(was, says=says, key=key)


class ChangeItem(models.Model):
    """One change of a request: what was answered, checked. A bulk request has thousands; others have one.

    `answers`: by field, as values of JSON. `shown`: the same as people read it, label by label, as it was asked at the
    time. What is nobody else's business (a date of birth) is encrypted in `sealed_text`.
    """

    request = models.ForeignKey(ChangeRequest, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    # What is to be done, where a request has several: "add", "remove", "change".
    action = models.CharField(max_length=LONGEST_KIND, blank=True, default="")
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    label = models.CharField(max_length=200, blank=True, default="")
    answers = models.JSONField(default=dict)
    shown = models.JSONField(default=list)
    sealed_text = EncryptedTextField(blank=True, default="", editable=False)

    class Meta:
        ordering = ["request", "position"]
        constraints = [models.UniqueConstraint(fields=["request", "position"], name="policies_changeitem_position")]

    def __str__(self) -> str:
        return self.label or f"Item {self.position + 1}"

    @property
    def sealed(self) -> dict[str, Any]:
        """What is encrypted: `answers` and `shown`, as of the item itself."""
        found: dict[str, Any] = json.loads(self.sealed_text) if self.sealed_text else {}
        return found

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Everything as people read it, what is encrypted last."""
        return [(label, text) for label, text in [*self.shown, *self.sealed.get("shown", [])]]


class ChangeMessage(Message):
    """What one side wrote in a change request."""

    request = models.ForeignKey(ChangeRequest, on_delete=models.CASCADE, related_name="messages")

    class Meta(Message.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["request", "idempotency_key"], name="policies_changemessage_once"),
        ]


class ChangeRequestFile(Attachment):
    """A file attached to a draft, or to a reply."""

    request = models.ForeignKey(ChangeRequest, on_delete=models.CASCADE, related_name="files")

    class Meta(Attachment.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["request", "sha256"], name="policies_changerequestfile_once"),
        ]

    def get_absolute_url(self) -> str:
        return reverse("policies:change-file", args=[self.request.public_id, self.public_id])


def submitted_now(asked: ChangeRequest) -> None:
    """Set on an unsaved or locked request what submitting sets."""
    now = timezone.now()
    asked.status = OPEN
    asked.submitted_at = asked.opened_at = asked.changed_at = asked.acted_at = now
    asked.due_at = due_from_now()
    asked.typed = {}
