"""What standing holders are due without being asked: notices of what became of a policy, and certificates (B-03)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from core.alerts import alert_staff
from core.events import record_event
from core.fields import PublicIdField
from core.work import Work
from credentialing.events import DeliveryEvent
from policies.models import Coverage, Policy, Term

if TYPE_CHECKING:
    from accounts.models import User


class NoticeRun(models.Model):
    """The notices that follow from one load of the feed. More than a set number at once wait for a person.

    `notices`: how many the load leads to, counted when the first of its messages is handled.
    """

    class Status(models.TextChoices):
        """Whether its notices go out."""

        SENT = "sent", "Sent by itself"
        HELD = "held", "Held for review"
        RELEASED = "released", "Released"
        DROPPED = "dropped", "Dropped"

    # The load's own number.
    run = models.BigIntegerField(unique=True)
    notices = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=8, choices=Status, default=Status.SENT)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "notices of a load"
        verbose_name_plural = "notices of loads"
        ordering = ("-id",)
        permissions = [("decide_noticerun", "Can release or drop held notices")]

    def __str__(self) -> str:
        return f"Notices of load {self.run}"

    @property
    def is_held(self) -> bool:
        return self.status == self.Status.HELD

    def tell_staff(self) -> None:
        """Tell staff that it waits for them."""
        record_event(DeliveryEvent.RUN_HELD, subject=self, run=self.run, notices=self.notices)
        alert_staff(
            "Notices to holders wait for you",
            f"Load {self.run} leads to {self.notices} notices to standing holders, more than "
            f"{settings.HOLDER_NOTICES_AT_ONCE}. Nothing was sent. Look at them in admin under Notices of loads, and "
            "release or drop them.",
        )

    def release(self, *, by: User) -> bool:
        """Send what is held; False where it isn't held (anymore). Beat hands the mails over."""
        return self._decide(self.Status.RELEASED, by=by)

    def drop(self, *, by: User) -> bool:
        """Never send what is held; False where it isn't held (anymore)."""
        return self._decide(self.Status.DROPPED, by=by)

    def _decide(self, status: NoticeRun.Status, *, by: User) -> bool:
        from credentialing.models.deliveries import Delivery
        from credentialing.sending import standing

        released = status == self.Status.RELEASED
        with transaction.atomic():
            # A message that is being handled holds the row, so that nothing is added as held afterward.
            held = NoticeRun.objects.select_for_update().filter(pk=self.pk, status=self.Status.HELD)
            if held.first() is None:
                return False
            now = timezone.now()
            NoticeRun.objects.filter(pk=self.pk).update(status=status, decided_by=by, decided_at=now)
            waiting = Delivery.objects.filter(run=self, status=Delivery.Status.HELD)
            number = waiting.update(
                status=Delivery.Status.QUEUED if released else Delivery.Status.DROPPED,
                enqueued_at=now,
                is_enqueued=False,
            )
            if released:
                standing.issue_fresh(Notice.objects.filter(run=self, kind=Notice.Kind.REINSTATED))
            tag = DeliveryEvent.RUN_RELEASED if released else DeliveryEvent.RUN_DROPPED
            record_event(tag, subject=self, by=by, run=self.run, notices=number)
        if not released:
            alert_staff(
                "Notices to holders were dropped",
                f"{number} notices of load {self.run} were dropped. Where one is due all the same, send it by hand.",
            )
        self.refresh_from_db()
        return True


class Notice(models.Model):
    """What became of a policy, or of one coverage, as standing holders hear of it. Its mails are deliveries."""

    class Kind(models.TextChoices):
        """What happened; the words of the mail depend on the company's settings."""

        CANCELLED = "cancelled", "Cancelled"
        PENDING = "pending", "Cancellation pending"
        REINSTATED = "reinstated", "Reinstated"
        LIMITS = "limits", "Limits changed"

    # The message of the outbox: handled twice, it gives the same notice.
    key = models.CharField(max_length=200, unique=True)
    run = models.ForeignKey(NoticeRun, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # The day of the cancellation.
    day = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["policy", "-id"], name="credentialing_notice_policy")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class StandingIssue(Work):
    """Certificates that the standing holders of a policy are due: of a bound renewal, or after a reinstatement.

    What is due is found when it is done (`credentialing.sending.standing`), some at a time; the row comes back until
    nothing is left.
    """

    class Reason(models.TextChoices):
        """Why they are due."""

        RENEWAL = "renewal", "Renewal"
        FRESH = "fresh", "After reinstatement"
        JOINER = "joiner", "Someone joined"

    class Status(models.TextChoices):
        """The state of the work."""

        QUEUED = "queued", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    TASK = "credentialing.tasks.issue_for_standing_holders"
    MAX_ATTEMPTS = 10
    PAUSE = dt.timedelta(seconds=15)
    LOST_BEGUN = dt.timedelta(seconds=10)
    LOST_WAITING = dt.timedelta(seconds=30)
    MOST_IN_QUEUE = 20

    public_id = PublicIdField()
    # What makes it this one; once a day for a renewal, so that what couldn't be made is tried again.
    key = models.CharField(max_length=200, unique=True)
    reason = models.CharField(max_length=8, choices=Reason)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    term = models.ForeignKey(Term, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # Of the reinstatement.
    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    issued = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "certificates for standing holders"
        verbose_name_plural = "certificates for standing holders"
        ordering = ("-id",)
        permissions = [("retry_standingissue", "Can try certificates for standing holders again")]
        indexes = [
            models.Index(fields=["enqueued_at"], condition=Q(status="queued"), name="credentialing_stand_queued"),
            models.Index(fields=["term"], name="credentialing_stand_term"),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {self.pk}"

    def given_up(self) -> None:
        """Tell staff."""
        alert_staff(
            "Certificates for standing holders could not be made",
            f"Work {self.pk} was tried {self.attempts} times; the last error was {self.last_error}. Look for it in "
            "admin under Certificates for standing holders, and try it again there.",
        )
