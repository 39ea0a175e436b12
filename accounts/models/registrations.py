"""Requests for an account (S-06, S-07). A worker matches each against the carrier's data."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.models.sessions import TrustedDevice, hash_token
from core import easy_codes
from core.alerts import alert_staff
from core.crypto import keyed_hash
from core.events import record_event
from core.fields import EncryptedTextField, PublicIdField
from core.work import Work

# Symbols of a letter's code: 60 random bits.
CODE_SYMBOLS = 12


def hash_code(code: str) -> str:
    """Return the keyed hash under which a letter's code is kept, from however it was typed."""
    return keyed_hash("registration_code", easy_codes.normalize(code))


class Reason(models.TextChoices):
    """Why a registration wasn't completed by itself, in words for staff. Customers are told none of them."""

    NO_POLICY = "no_policy", "No policy has this number."
    NO_PERSON = "no_person", "Nobody on this policy fits the name, the date of birth, or the ZIP."
    NAME = "name", "The date of birth and the ZIP fit someone on this policy; the name doesn’t."
    BIRTH_DATE = "birth_date", "The name and the ZIP fit; the date of birth doesn’t."
    NO_BIRTH_DATE = "no_birth_date", "The name fits, but we have no date of birth for this person."
    ZIP = "zip", "The name and the date of birth fit; the ZIP doesn’t."
    SEVERAL = "several", "Several people on this policy fit."
    PENDING = "pending", "The person is matched, but the policy isn’t bound yet."
    ENDED = "ended", "The person is matched, but the policy or this person’s coverage has ended."
    ACCESS_ENDED = "access_ended", "The person is matched, but someone ended this person’s access."
    HAS_ACCOUNT = "has_account", "The person has an account already."
    EMAIL_TAKEN = "email_taken", "The person is matched, but another account uses the email on file."
    SHARED_EMAIL = "shared_email", "The person is matched, but others have the same email on file."
    NO_EMAIL = "no_email", "The person is matched, but no email is on file."
    NO_ADDRESS = "no_address", "The person is matched, but neither an email nor a mailing address is on file."


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def usable(self) -> RegistrationQuerySet:
        """Keep those that can be completed now, by a link that was emailed or a code that was printed."""
        waiting = self.filter(status__in=[Registration.Status.LINK, Registration.Status.POSTED])
        return waiting.filter(expires_at__gt=timezone.now())

    def for_staff(self) -> RegistrationQuerySet:
        """Keep those that wait for someone's decision."""
        return self.filter(status=Registration.Status.REVIEW)


class Registration(Work):
    """One person's request for an account, and what became of it (docs/security.md#registration).

    The request stores what was typed; the worker compares it with the carrier's data, so that no answer depends on
    them. What was typed is encrypted. Of the date of birth, only the keyed hash that the feed keeps too is stored.

    `parties`: whom the registrant was matched with, each by its kind and key (`accounts.registrants.Party`); the areas
    above know the kinds. `sent_to`: the email that the link goes to, which the account gets as confirmed; empty with a
    letter. `token_hash` and `code_hash` are of the link and of the letter's code, drawn when it's sent or printed.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Being matched"
        FAILED = "failed", "Failed: try it again"
        UNMATCHED = "unmatched", "No match"
        REVIEW = "review", "For staff to decide"
        LINK = "link", "Link emailed"
        LETTER = "letter", "Letter to print"
        POSTED = "posted", "Letter printed"
        KNOWN = "known", "Has an account"
        DONE = "done", "Account created"
        REFUSED = "refused", "Refused by staff"
        EXPIRED = "expired", "Not used in time"

    # Those that staff may complete by hand.
    OPEN_TO_STAFF = (Status.UNMATCHED, Status.REVIEW, Status.LINK, Status.LETTER, Status.POSTED, Status.EXPIRED)

    TASK = "accounts.tasks.match_registration"

    public_id = PublicIdField()
    # The form's own key: the same form sent twice is one registration.
    idempotency_key = models.UUIDField(unique=True, editable=False)
    policy_number = EncryptedTextField()
    full_name = EncryptedTextField()
    email = EncryptedTextField()
    zip = EncryptedTextField("ZIP")
    date_of_birth_hash = models.CharField(max_length=64, editable=False)

    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    reason = models.CharField("why", max_length=20, choices=Reason, blank=True, default="")
    parties = models.JSONField(default=list, blank=True, editable=False)
    sent_to = EncryptedTextField(blank=True, default="")
    token_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    code_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    printed_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="registrations"
    )
    created_at = models.DateTimeField("asked", default=timezone.now, editable=False)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        permissions = [
            ("complete_registration", "Can complete registrations by hand, and refuse them"),
            ("print_registration_letters", "Can print the letters with codes for registrations"),
            ("retry_registration", "Can try failed registrations again"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["token_hash"], condition=~Q(token_hash=""), name="a_registration_link"),
            models.UniqueConstraint(fields=["code_hash"], condition=~Q(code_hash=""), name="a_registration_code"),
            models.CheckConstraint(
                condition=~Q(status="done") | Q(user__isnull=False), name="a_completed_registration_has_an_account"
            ),
        ]
        indexes = [
            models.Index(fields=["enqueued_at"], condition=Q(status="queued"), name="registration_queued"),
            models.Index(fields=["created_at"], name="registration_created"),
        ]

    def __str__(self) -> str:
        return f"registration {self.pk}"

    def given_up(self) -> None:
        """Record it, and tell staff: the registrant has been told to expect an answer."""
        self.refresh_from_db(fields=["last_error"])
        record_event(AccountEvent.REGISTRATION_FAILED, subject=self, error=self.last_error)
        alert_staff(
            "A registration could not be matched",
            f"Registration {self.pk} was tried {self.attempts} times ({self.last_error}). It's among the failed "
            "registrations in admin, where it can be tried again.",
        )

    def retried(self, *, by: models.Model) -> None:
        record_event(AccountEvent.REGISTRATION_RETRIED, subject=self, by=by)

    def is_usable(self) -> bool:
        """Whether the link or the code still works."""
        waiting = self.status in {self.Status.LINK, self.Status.POSTED}
        return waiting and self.expires_at is not None and timezone.now() < self.expires_at

    def draw_token(self) -> str:
        """Draw 256 random bits for the URL of the link. An earlier token stops working."""
        token = TrustedDevice.new_token()
        self.token_hash = hash_token(token)
        self.save(update_fields=["token_hash"])
        return token

    def draw_code(self, *, until: dt.datetime) -> str:
        """Draw the code of a letter, 60 bits in three groups of four. The code of an earlier letter stops working."""
        code = easy_codes.draw(CODE_SYMBOLS)
        self.code_hash, self.token_hash, self.sent_to = hash_code(code), "", ""
        self.status, self.printed_at, self.expires_at = self.Status.POSTED, timezone.now(), until
        self.save(update_fields=["code_hash", "token_hash", "sent_to", "status", "printed_at", "expires_at"])
        return easy_codes.in_groups(code)

    def facts(self) -> dict[str, Any]:
        """Return what the event log keeps of it: never what was typed."""
        return {"status": self.status, "reason": self.reason, "parties": self.parties}
