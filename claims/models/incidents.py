"""Reports of incidents and claims (S-45): a draft, then evidence that stays as it was sent."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from claims.events import IncidentEvent
from core import mail, outbox
from core.crypto import keyed_hash
from core.events import record_event
from core.fields import EncryptedTextField
from core.requests import IN_PROGRESS, OPEN, Message, Request, RequestQuerySet
from core.uploads.models import Attachment
from policies.models import Insured, Membership, Policy
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from accounts.models import User
    from policies.models import Company, Scope

# Letters and digits that nobody mistakes for one another.
ALPHABET = "23456789CFGHJMPQRVWX"
# What the fingerprint of a report is taken of.
STORY = ("description", "others", "patient_name", "patient_birth_date", "phone")


def shown_to_policyholders(company: Company) -> bool:
    """Whether a company lets policyholders see that an insured of theirs has reported something (off by default)."""
    return not {company.external_id, "*"}.isdisjoint(settings.INCIDENTS_SHOWN_TO_POLICYHOLDERS)


def reported_by(user_id: Any, scope: Scope) -> Q:
    """Return the condition that a report is the user's own, on a policy of a scope of memberships that may report."""
    return Q(scope.policies("policy__"), user_id=user_id)


class IncidentReportQuerySet(RequestQuerySet):
    """Reports, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return the user's own reports on policies that they still reach, and those about the insureds that they are.

        Policyholders see what an insured or an agent sent only where the company's switch says so; agents never do.
        """
        if not user.is_authenticated:
            return self.none()
        reach = reach_with(user, Capability.REPORT_INCIDENT)
        sent = Q(submitted_at__isnull=False)
        seen = reported_by(user.pk, reach.scope) | Q(sent, insured_id__any=reach.insured_ids)
        if (held := reach.only(Membership.Role.POLICYHOLDER)) and (shown := settings.INCIDENTS_SHOWN_TO_POLICYHOLDERS):
            switch = Q() if "*" in shown else Q(policy__company__external_id__in=shown)
            seen |= Q(held.policies("policy__"), sent, switch)
        return self.filter(seen)

    def drafts(self) -> Self:
        """Return those that aren't sent yet."""
        return self.filter(submitted_at=None)

    def submitted(self) -> Self:
        """Return those that were sent."""
        return self.filter(submitted_at__isnull=False)


class IncidentReport(Request):
    """What somebody reports about an insured. Until it is sent it's the reporter's draft; then facts, story, and files
    stay as they were sent, and a trigger of the database keeps it so.

    All that may name a patient is encrypted. The patient's name and birth date are for the reporter and claims staff
    alone (`docs/security.md#phi`). `version` counts saves of the draft, so that two windows don't overwrite each other.
    """

    class Kind(models.TextChoices):
        """What has happened so far."""

        INCIDENT = "incident", "Something happened, and nobody has made a claim"
        RECORDS = "records", "A request for records, or a letter from an attorney"
        DEMAND = "demand", "A letter that demands money or announces a claim"
        SUIT = "suit", "A summons, a complaint, or other court papers"
        SUBPOENA = "subpoena", "A subpoena, or a letter from a licensing board"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        OPEN = "open", "Received"
        IN_PROGRESS = "in_progress", "In review"
        ANSWERED = "answered", "Answered"
        CLOSED = "closed", "Closed"

    TAGS = IncidentEvent
    URGENT = frozenset({Kind.DEMAND, Kind.SUIT, Kind.SUBPOENA})

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="incident_reports", verbose_name="reporter"
    )
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="+")
    # In which role the reporter acts: that of the membership that reaches the policy.
    role = models.CharField(max_length=12, choices=Membership.Role)
    status = models.CharField(max_length=12, choices=Status, default=Status.DRAFT)
    kind = models.CharField(max_length=10, choices=Kind, blank=True, default="")
    happened_on = models.DateField("date of the incident", null=True, blank=True)
    place = models.CharField(max_length=200, blank=True, default="")
    received_on = models.DateField("papers received", null=True, blank=True)
    answer_due = models.DateField("papers ask for an answer by", null=True, blank=True)
    description = EncryptedTextField(blank=True, default="")
    others = EncryptedTextField(blank=True, default="")
    patient_name = EncryptedTextField(blank=True, default="")
    patient_birth_date = EncryptedTextField(blank=True, default="")
    phone = EncryptedTextField(blank=True, default="")
    version = models.PositiveIntegerField(default=0)
    # The window that saved it last: what it sent after that isn't another window's.
    saved_in = models.CharField(max_length=22, blank=True, default="")
    # What makes it evidence.
    number = models.CharField(max_length=20, blank=True, default="")
    submitted_at = models.DateTimeField(null=True, blank=True)
    # Names and the carrier's wording about notice, as they were; and a keyed hash of the story.
    about = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True, default="")

    objects = IncidentReportQuerySet.as_manager()

    class Meta:
        verbose_name = "incident report"
        ordering = ["-opened_at", "-id"]
        permissions = [
            ("answer_incidentreport", "Can assign, answer, and close incident reports"),
            ("view_patient", "Can see the patient of an incident report, each look recorded"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="claims_incidentreport_once"),
            models.UniqueConstraint(
                fields=["number"], condition=~Q(number=""), name="claims_incidentreport_one_number"
            ),
            models.CheckConstraint(
                condition=Q(status="draft", submitted_at=None, number="")
                | (
                    ~Q(status="draft")
                    & Q(submitted_at__isnull=False, happened_on__isnull=False)
                    & ~Q(number="")
                    & ~Q(kind="")
                    & ~Q(fingerprint="")
                ),
                name="claims_incidentreport_sent_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-changed_at", "-id"], name="claims_incidentreport_own"),
            models.Index(fields=["insured"], name="claims_incidentreport_of"),
            models.Index(
                fields=["due_at"], condition=Q(status__in=("open", "in_progress")), name="claims_incidentreport_due"
            ),
        ]

    def __str__(self) -> str:
        return self.number or "Draft of a report"

    def get_absolute_url(self) -> str:
        return reverse("claims:incident", args=[self.public_id])

    @property
    def is_draft(self) -> bool:
        """Whether it isn't sent yet."""
        return self.submitted_at is None

    @property
    def is_urgent(self) -> bool:
        """Whether papers came that somebody must answer within days."""
        return self.kind in self.URGENT

    @property
    def notice_wording(self) -> str:
        """Whether it counts as notice under the policy, in the carrier's own words: as when it was sent, or today's."""
        if not self.is_draft:
            return str(self.about["notice"])
        wordings = settings.INCIDENT_NOTICE
        return str(wordings.get(self.policy.company.external_id) or wordings["*"])

    @property
    def is_intact(self) -> bool:
        """Whether the story that was sent is the one that is stored."""
        return self.fingerprint == self.taken_fingerprint()

    def taken_fingerprint(self) -> str:
        """Return the keyed hash of the story as it is stored now."""
        story = {name: getattr(self, name) for name in STORY}
        files = sorted(self.files.filter(message=None).values_list("sha256", flat=True))
        return keyed_hash("incident report", json.dumps([self.number, story, files], sort_keys=True))

    # Verbs of the draft.

    def save_draft(self, *, version: int, window: str, **values: Any) -> bool:
        """Store what was typed; False where it was sent, or saved in another window since `version`."""
        latest = Q(version=version) | Q(saved_in=window) if window else Q(version=version)
        own = IncidentReport.objects.filter(latest, pk=self.pk, submitted_at=None)
        changed = own.update(**values, version=F("version") + 1, saved_in=window, changed_at=timezone.now())
        self.refresh_from_db(fields=["version", "submitted_at", *(values if changed else ())])
        return bool(changed)

    def discard(self) -> bool:
        """Delete a draft with its files; False where it was sent."""
        with transaction.atomic():
            row = IncidentReport.objects.select_for_update().filter(pk=self.pk, submitted_at=None).first()
            if row is None:
                return False
            for each in row.files.select_related("upload"):
                each.remove()
            row.delete()
        return True

    def submit(self, *, by: User, version: int) -> bool:
        """Send it: number, time, evidence, message to the carrier's systems, and mails, in one transaction. False where
        it was sent before, or isn't the `version` that `by` has read any more."""
        with transaction.atomic():
            row = IncidentReport.objects.select_for_update(of=("self",)).get(pk=self.pk)
            if not row.is_draft or row.version != version:
                self.refresh_from_db()
                return False
            now = timezone.now()
            wording = row.notice_wording
            row.number = _new_number(now)
            row.submitted_at = row.changed_at = row.acted_at = now
            row.status = self.Status.OPEN
            row.due_at = now + (settings.INCIDENT_URGENT_WITHIN if row.is_urgent else settings.INCIDENT_ANSWER_WITHIN)
            row.about = {
                "insured": row.insured.display_name,
                "policy": row.policy.number,
                "policyholder": row.policy.policyholder.name,
                "company": row.policy.company.name,
                "reporter": by.get_full_name() or by.get_username(),
                "notice": wording,
            }
            row.fingerprint = row.taken_fingerprint()
            row.save()
            record_event(IncidentEvent.SUBMITTED, subject=row, by=by, number=row.number, kind=row.kind)
            outbox.publish("incident.submitted", row.message(), key=row.public_id)
            row.tell_of_submission()
            self.refresh_from_db()
        return True

    def message(self) -> dict[str, Any]:
        """Return what the carrier's systems are told: nothing of the patient or the story."""
        return {
            "incident": self.public_id,
            "number": self.number,
            "kind": self.kind,
            "urgent": self.is_urgent,
            "policy": self.policy.public_id,
            "policy_number": self.policy.number,
            "insured": self.insured.public_id,
            "submitted_at": self.submitted_at.isoformat() if self.submitted_at else None,
        }

    # Verbs of what was sent.

    def add(self, *, text: str, key: uuid.UUID, by: User) -> IncidentMessage | None:
        """Add words of the reporter or the insured; None where it is closed. The same key adds once.

        What the insured adds to another's report stays between them and claims staff.
        """
        with transaction.atomic():
            now = self._locked()
            if self.is_closed:
                return None
            message, is_new = IncidentMessage.objects.get_or_create(
                request=self,
                idempotency_key=key,
                defaults={"author": by, "text": text, "sent_at": now, "private": by.pk != self.user_id},
            )
            if is_new:
                if not self.is_waiting:
                    self.status = IN_PROGRESS if self.assigned_to_id else OPEN
                    self.due_at = now + settings.INCIDENT_ANSWER_WITHIN
                self._acted(now)
                record_event(IncidentEvent.REQUEST_REPLIED, subject=self, by=by)
                self.tell_desk(key=str(key))
            return message

    def _say_of_staff(self, text: str, *, by: Any, now: dt.datetime, key: uuid.UUID) -> tuple[Any, bool]:
        words = {"author": by, "from_staff": True, "text": text, "sent_at": now, "private": self.answers_privately}
        found: tuple[Any, bool] = self.messages.get_or_create(idempotency_key=key, defaults=words)
        return found

    # Whether staff's next answer is for the insured alone (`claims.incidents.admin`).
    answers_privately = False

    # Mails: none says who, what, or about whom.

    def insured_users(self) -> list[User]:
        """Return the accounts of the insured, but the reporter's own."""
        places = Membership.objects.filter(insured=self.insured_id, revoked_at=None).select_related("user")
        found = {place.user_id: place.user for place in places if place.user_id != self.user_id}
        return list(found.values())

    def tell(self, name: str, *, key: str = "") -> None:
        """Mail those whom an answer or the end is for: `request_answered` or `request_closed`."""
        mails = {"request_answered": "incident_answered", "request_closed": "incident_closed"}
        if name not in mails:
            return
        readers = self.insured_users() if self.answers_privately else [self.user, *self.insured_users()]
        for user in readers:
            self._mail(mails[name], user, key=key)

    def tell_desk(self, *, key: str) -> None:
        """Tell the claims desk that it waits."""
        address = f"{settings.PUBLIC_URL}/admin/claims/incidentreport/{self.pk}/change/"
        context = {"address": address, "number": self.number, "urgent": self.is_urgent}
        mail.send("incident_waiting", to=settings.CLAIMS_EMAIL, context=context, key=f"{self.public_id}:{key}")

    def tell_of_submission(self) -> None:
        """Tell the reporter, the insured, and the claims desk."""
        self._mail("incident_received", self.user)
        for user in self.insured_users():
            self._mail("incident_reported_for_you", user)
        self.tell_desk(key="submitted")

    def _mail(self, name: str, user: User, *, key: str = "") -> None:
        if user.email:
            context = {"address": settings.PUBLIC_URL + self.get_absolute_url(), "number": self.number}
            mail.send(name, to=user.email, context=context, key=f"{self.public_id}:{user.pk}:{key}".rstrip(":"))

    if TYPE_CHECKING:
        files: Any
        desk: Any


def _new_number(now: dt.datetime) -> str:
    year = timezone.localtime(now, timezone.get_default_timezone()).year
    return f"IR-{year}-" + "".join(secrets.choice(ALPHABET) for _ in range(8))


class IncidentMessage(Message):
    """What one side wrote about a report after it was sent. `private`: between the insured and claims staff, because
    somebody else sent the report."""

    request = models.ForeignKey(IncidentReport, on_delete=models.PROTECT, related_name="messages")
    text = EncryptedTextField(blank=True)
    private = models.BooleanField(default=False)

    class Meta(Message.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["request", "idempotency_key"], name="claims_incidentmessage_once"),
        ]


class IncidentFile(Attachment):
    """A file of a report, encrypted where it is stored. `message`: what it came with; none is the report itself."""

    SEALED = True

    report = models.ForeignKey(IncidentReport, on_delete=models.PROTECT, related_name="files")
    message = models.ForeignKey(IncidentMessage, on_delete=models.PROTECT, null=True, blank=True, related_name="files")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta(Attachment.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(
                fields=["report", "message", "sha256"], nulls_distinct=False, name="claims_incidentfile_once"
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("claims:incident-file", args=[self.report.public_id, self.public_id])
