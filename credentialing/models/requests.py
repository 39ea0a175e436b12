"""Papers that can't be made online, for staff: what is in the way, and by when they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone

from core.alerts import alert_staff
from core.events import record_event
from core.fields import PublicIdField
from core.requests import due_from_now
from core.states import STATES
from credentialing.events import CertificateEvent
from credentialing.models.certificate_forms import CertificateForm
from policies.models import Company, Coverage

if TYPE_CHECKING:
    from accounts.models import User


class PaperRequestQuerySet(models.QuerySet["PaperRequest"]):
    """Requests to staff. They are about companies and states, not about customers."""

    def waiting(self) -> PaperRequestQuerySet:
        """Return those that aren't settled, the most urgent first."""
        return self.filter(settled_at=None).order_by("due_at", "id")

    def ask(self, *, obstacle: str, coverage: Coverage, state: str, kind: str, by: User) -> PaperRequest:
        """Return the request that waits for this company, state, kind, and obstacle; without one, open it and tell
        staff, once. Two at once: the database lets one insert win, the other finds it.

        `coverage` is the one that was asked for first; it comes with its policy.
        """
        key = {"company_id": coverage.term.policy.company_id, "state": state, "kind": kind, "obstacle": obstacle}
        waiting = self.waiting().filter(**key)
        if (found := waiting.first()) is not None:
            return found
        try:
            with transaction.atomic():
                opened = self.create(**key, coverage=coverage, asked_by=by)
                opened.tell_staff(by=by)
                return opened
        except IntegrityError:
            return waiting.get()


class PaperRequest(models.Model):
    """A paper that can't be made online. One row waits per company, state, kind, and obstacle, however many ask.

    `coverage` and `asked_by` say for whom it was asked first. What a customer needs beyond that is a request to
    support of their own (docs/decisions/0093-requests-to-support.md).
    """

    class Obstacle(models.TextChoices):
        """What is in the way."""

        NO_FORM = "no_form", "No approved form on file"

    public_id = PublicIdField()
    obstacle = models.CharField(max_length=12, choices=Obstacle)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=2)
    kind = models.CharField(max_length=15, choices=CertificateForm.Kind)
    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField(default=due_from_now)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = PaperRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        permissions = [("settle_paperrequest", "Can settle requests for papers")]
        constraints = [
            models.UniqueConstraint(
                fields=["company", "state", "kind", "obstacle"],
                condition=Q(settled_at=None),
                name="credentialing_paperrequest_one_waits",
            ),
            models.CheckConstraint(
                condition=Q(settled_at=None, settled_by=None) | Q(settled_at__isnull=False, settled_by__isnull=False),
                name="credentialing_paperrequest_settled",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(settled_at=None), name="credentialing_paperrequest_due")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {STATES.get(self.state, self.state)}, {self.company}"

    @property
    def is_waiting(self) -> bool:
        return self.settled_at is None

    @property
    def is_overdue(self) -> bool:
        """Whether it waits past its due time."""
        return self.is_waiting and self.due_at < timezone.now()

    def tell_staff(self, *, by: User) -> None:
        """Record that it was opened, and mail it to staff. No personal data."""
        record_event(
            CertificateEvent.PAPER_REQUESTED, subject=self, by=by, company=self.company_id, state=self.state,
            kind=self.kind, obstacle=self.obstacle,
        )  # fmt: skip
        alert_staff(
            f"{self.get_obstacle_display()}: {self}",
            f"A customer asked for this paper: {self}. {self.get_obstacle_display()}, so nothing was issued. Add the "
            "form to the feed (certificate_forms.csv) or answer by hand, then settle the request in admin under Paper "
            "requests.",
        )

    def settle(self, *, by: User) -> bool:
        """Mark it as settled; returns False where it was already. Asked for again, it is a new one."""
        now = timezone.now()
        with transaction.atomic():
            changed = PaperRequest.objects.filter(pk=self.pk, settled_at=None).update(settled_at=now, settled_by=by)
            if changed:
                self.settled_at, self.settled_by = now, by
                record_event(CertificateEvent.PAPER_REQUEST_SETTLED, subject=self, by=by)
        return bool(changed)
