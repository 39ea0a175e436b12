"""The renewal application of a term: what is typed so far, what was submitted, and where it is (S-28)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from core import mail
from core.alerts import alert_staff
from core.events import record_event
from core.fields import PublicIdField
from core.requests import ANSWERED, CLOSED, IN_PROGRESS, OPEN, WAITING, Message, Request, RequestQuerySet, due_from_now
from core.work import Work
from policies.models.coverage import Coverage
from policies.models.parties import Company
from policies.models.policy import Policy
from policies.models.term import Term
from policies.renewals.events import RenewalEvent

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from accounts.models import User


class SavedMeanwhileError(Exception):
    """Someone else saved the same page since it was opened. `there` is what they saved."""

    def __init__(self, there: Draft) -> None:
        super().__init__("saved meanwhile")
        self.there = there


class Draft(models.Model):
    """What was typed into a page so far, right or wrong, with a version: two people don't overwrite each other
    unknowingly."""

    values = models.JSONField(default=dict, blank=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)
    saved_at = models.DateTimeField(null=True, blank=True, editable=False)
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    # The page, as it was opened in one window of a browser, that saved it last: its own saves follow one another.
    saved_in = models.CharField(max_length=36, blank=True, default="", editable=False)

    class Meta:
        abstract = True

    def keep(self, values: Mapping[str, Any], *, version: int, window: str, by: Any) -> None:
        """Store what was typed on top of `version`. The row is locked by the caller's transaction. Raises
        `SavedMeanwhileError` where another window has saved other values since."""
        typed = dict(values)
        if self.values == typed:
            return
        if self.version != version and (not window or self.saved_in != window):
            raise SavedMeanwhileError(self)
        self.values, self.version = typed, self.version + 1
        self.saved_at, self.saved_by, self.saved_in = timezone.now(), by, window
        self.save(update_fields=["values", "version", "saved_at", "saved_by", "saved_in"])


class RenewalApplicationQuerySet(RequestQuerySet):
    """Renewal applications, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return those of the policies that the user represents, and, once submitted, of an agent's clients. An agent
        whom the company lets prepare them sees those in progress, too."""
        from policies.rights import reach_with
        from policies.roles import Capability

        if not user.is_authenticated:
            return self.none()
        reach = reach_with(user, Capability.VIEW_RENEWAL, asks_policy=True)
        held, served = reach.only("policyholder"), reach.only("agent")
        shown = Q(pk__in=[])
        if held:
            shown |= held.policies("policy__")
        if served:
            prepares = Q(policy__company__external_id__in=settings.RENEWALS_PREPARED_BY_AGENTS)
            shown |= served.policies("policy__") & (Q(submitted_at__isnull=False) | prepares)
        offered = Q(policy__company__services__contains=[Company.Service.RENEW.value])
        return self.filter(shown, offered, policy__retired_at=None, term__retired_at=None)


class RenewalApplication(Request):
    """One term's application for its renewal: filled in by the policyholder's people, signed by one of them.

    `status` is how far it has come between customer and staff; what the carrier's data says of the renewal itself goes
    on top (`policies.renewals.stages`). `parts_count` and `signed_count` are kept with the parts, so that a group of
    thousands isn't counted for a page.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "In progress"
        OPEN = OPEN, "Submitted"
        IN_PROGRESS = IN_PROGRESS, "In review"
        ANSWERED = ANSWERED, "Question from us"
        DONE = "done", "Done"
        DECLINED = "declined", "Declined"
        CLOSED = CLOSED, "Closed"

    ENDED = (Status.DONE.value, Status.DECLINED.value, Status.CLOSED.value)
    # What a policy's page reads with its terms.
    AT_A_GLANCE = ("id", "term", "status", "submitted_at", "parts_count", "signed_count")
    TAGS = RenewalEvent
    desk = "service"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="renewal_applications")
    term = models.OneToOneField(Term, on_delete=models.PROTECT, related_name="renewal_application")
    status = models.CharField(max_length=12, choices=Status, default=Status.DRAFT)
    submitted_at = models.DateTimeField(null=True, blank=True, editable=False)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    # The customer would like to change it after staff took it.
    reopen_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    parts_count = models.PositiveIntegerField(default=0, editable=False)
    signed_count = models.PositiveIntegerField(default=0, editable=False)

    objects = RenewalApplicationQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        permissions = [("work_renewalapplication", "Can work on renewal applications")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="draft") | Q(submitted_at__isnull=False) | Q(status="done"),
                name="policies_renewal_submitted",
            ),
            models.CheckConstraint(condition=Q(signed_count__lte=F("parts_count")), name="policies_renewal_counts"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status__in=WAITING), name="policies_renewal_due"),
            models.Index(fields=["policy", "-opened_at"], name="policies_renewal_of_policy"),
            models.Index(fields=["-changed_at", "-id"], name="policies_renewal_changed"),
        ]

    def __str__(self) -> str:
        return f"Renewal of {self.policy.number}"

    def get_absolute_url(self) -> str:
        return reverse("policies:renewal", args=[self.policy.public_id])

    @property
    def is_draft(self) -> bool:
        """Whether the policyholder's people are filling it in."""
        return self.status == self.Status.DRAFT

    @property
    def missing_count(self) -> int:
        """How many clinicians' parts aren't signed."""
        return self.parts_count - self.signed_count

    def has_ended(self, today: dt.date) -> bool:
        """Whether its term is over, so that it can't be changed or submitted anymore."""
        return self.term.expires <= today

    # Neither side writes to the other while the customer is filling it in: judged under the row's lock, or a reopening
    # at the same moment would be overwritten.

    def reply(self, *, text: str, key: uuid.UUID, by: Any = None) -> Any:
        """Add the customer's words; None while it's in progress, too: there is nobody to answer yet."""
        with transaction.atomic():
            self._locked()
            return None if self.is_draft else super().reply(text=text, key=key, by=by)

    def answer(self, *, text: str, by: Any, key: uuid.UUID, closes: bool = False) -> Any:
        """Send staff's words to the customer; None while it's in progress."""
        with transaction.atomic():
            self._locked()
            return None if self.is_draft else super().answer(text=text, by=by, key=key, closes=closes)

    def assign(self, to: Any, *, by: Any) -> bool:
        """Give it to a member of staff; False while it's in progress."""
        with transaction.atomic():
            self._locked()
            return False if self.is_draft else super().assign(to, by=by)

    def close(self, *, by: Any) -> bool:
        """End it without another word; False while it's in progress."""
        with transaction.atomic():
            self._locked()
            return False if self.is_draft else super().close(by=by)

    def ask_to_reopen(self, *, text: str, key: uuid.UUID, by: Any) -> Any:
        """Ask staff to let the customer change it; None where it is in progress, or has come to its end."""
        with transaction.atomic():
            message = self.reply(text=text, key=key, by=by)
            if message is not None:
                self.reopen_asked_at = timezone.now()
                self.save(update_fields=["reopen_asked_at"])
            return message

    def reopen(self, *, by: Any, as_staff: bool = False) -> bool:
        """Let the customer change it again: the customer's own people until staff took it, staff until it has ended.
        False where that isn't so (anymore)."""
        with transaction.atomic():
            now = self._locked()
            may = not self.is_closed if as_staff else self.status == OPEN and self.assigned_to_id is None
            if self.status == self.Status.DRAFT or not may or self.has_ended(self.policy.today()):
                return False
            self.status = self.Status.DRAFT
            self.reopen_asked_at = None
            self._acted(now, "reopen_asked_at")
            record_event(RenewalEvent.REOPENED, subject=self, by=by, on_behalf_of=self.user, staff=as_staff)
            if as_staff:
                self.tell("reopened", key=str(now.timestamp()))
            return True

    def take_answer(self, status: str | None, *, text: str, updated: dt.datetime, key: uuid.UUID) -> None:
        """Take the answer of the carrier's own system: where it is with the application, and its words, if any.

        `status`: None leaves it. So does an answer from before what staff or the customer did last; its words are shown
        all the same. The same key is taken once. One that the customer has reopened stays open.
        """
        with transaction.atomic():
            now = self._locked()
            was = self.status
            is_news = self.acted_at is None or updated >= self.acted_at
            if status and is_news and self.status not in (self.Status.DRAFT, *self.ENDED):
                if status in WAITING and not self.is_waiting:
                    self.due_at = due_from_now()
                self.status = status
                self.acted_at = min(updated, now)
            says = bool(text) and self._say_of_staff(text, by=None, now=now, key=key)[1]
            if self.status == was and not says:
                return
            self._changed(now)
            closed = self.is_closed and was not in self.ENDED
            if closed or says:
                tag = RenewalEvent.REQUEST_CLOSED if closed else RenewalEvent.REQUEST_ANSWERED
                record_event(tag, subject=self, on_behalf_of=self.user, source="feed")
                self.tell("request_answered" if says else "request_closed", key=str(key))
            elif was == OPEN:
                record_event(RenewalEvent.REQUEST_TAKEN, subject=self, on_behalf_of=self.user, source="feed")
                self.tell("request_taken")

    def settle(self) -> bool:
        """Bring it to its end, because the carrier's data has the renewal bound; False where it had ended."""
        with transaction.atomic():
            now = self._locked()
            if self.is_closed:
                return False
            self.status = self.Status.DONE
            self._changed(now)
            record_event(RenewalEvent.SETTLED, subject=self, on_behalf_of=self.user)
            return True

    def tell(self, name: str, *, key: str = "") -> None:
        """Tell the person who submitted it, or else began it, what became of it."""
        to = self.submitted_by or self.user
        if to.email and name in NEWS:
            address = settings.PUBLIC_URL.rstrip("/") + self.get_absolute_url()
            context = {"news": NEWS[name], "number": self.policy.number, "address": address}
            mail.send("renewal_news", to=to.email, context=context, key=f"{self.public_id}:{name}:{key}".rstrip(":"))


# What a mail says became of an application. The page behind sign-in has the words.
NEWS = {
    "submitted": "We received the renewal application. You can change it until we begin our review.",
    "reopened": "We reopened the renewal application. Change what you need to, and sign and submit it again.",
    "request_taken": "We’re reviewing the renewal application.",
    "request_answered": "We wrote to you about the renewal application.",
    "request_closed": "The renewal application is closed.",
}


class RenewalSection(Draft):
    """One page of an application: by its name, and for a change to one coverage, by that coverage, too."""

    application = models.ForeignKey(RenewalApplication, on_delete=models.CASCADE, related_name="sections")
    name = models.CharField(max_length=20)
    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application", "name", "coverage"], nulls_distinct=False, name="policies_renewalsection_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of application {self.application_id}"


class RenewalMessage(Message):
    """What one side wrote about an application."""

    request = models.ForeignKey(RenewalApplication, on_delete=models.CASCADE, related_name="messages")

    class Meta(Message.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["request", "idempotency_key"], name="policies_renewalmessage_once"),
        ]


class RenewalSubmission(Work):
    """An application as it was submitted: the answers with the questions' words, and the attestation. A reopened
    application has one for each time. Kept for good, as signed; a worker makes its PDF."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Being made"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    TASK = "policies.tasks.render_renewal"

    public_id = PublicIdField()
    application = models.ForeignKey(RenewalApplication, on_delete=models.PROTECT, related_name="submissions")
    number = models.PositiveSmallIntegerField()
    signature = models.OneToOneField("policies.RenewalSignature", on_delete=models.PROTECT, related_name="submission")
    snapshot = models.JSONField()
    submitted_at = models.DateTimeField(default=timezone.now)
    idempotency_key = models.UUIDField(editable=False)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    file = models.CharField(max_length=200, blank=True, default="")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    size = models.PositiveIntegerField(default=0)
    ready_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-number",)
        permissions = [("retry_renewalsubmission", "Can try the PDFs of renewal applications again")]
        constraints = [
            models.UniqueConstraint(fields=["application", "number"], name="policies_renewalsubmission_number"),
            models.UniqueConstraint(fields=["application", "idempotency_key"], name="policies_renewalsubmission_once"),
            models.CheckConstraint(
                condition=~Q(status="ready")
                | (~Q(file="") & ~Q(sha256="") & Q(ready_at__isnull=False) & Q(size__gt=0)),
                name="policies_renewalsubmission_ready_has_file",
            ),
        ]
        indexes = [
            models.Index(fields=["enqueued_at"], condition=Q(status="queued"), name="policies_renewalsubmission_q"),
        ]

    def __str__(self) -> str:
        return f"submission {self.number} of application {self.application_id}"

    @property
    def is_ready(self) -> bool:
        """Whether its PDF is made."""
        return self.status == self.Status.READY

    def given_up(self) -> None:
        """Record it, and tell staff."""
        record_event(RenewalEvent.FILE_FAILED, subject=self, submission=self.public_id, attempts=self.attempts)
        alert_staff(
            "The PDF of a renewal application could not be made",
            f"Submission {self.pk} was tried {self.attempts} times. Look for it in admin under Renewal submissions.",
        )

    def retried(self, *, by: models.Model) -> None:
        record_event(RenewalEvent.FILE_RETRIED, subject=self, by=by, submission=self.public_id)
