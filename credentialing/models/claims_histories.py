"""Claims histories and loss runs as they were issued, who asks for one, and what a state wants of loss runs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from core.downloads import file_name_part
from core.fields import PublicIdField
from core.states import STATES
from credentialing.events import ClaimsPaperEvent
from credentialing.models.authorizations import Authorization, window_name
from credentialing.models.holders import Holder
from credentialing.models.papers import IssuedPaper, ready_has_file
from policies.models import Company, Insured, Membership, Policy, Policyholder, reach_of
from policies.names import normalize_number
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from accounts.models import User

YEARS = Q(years=None) | Q(years__in=(5, 10))
YEARS_OF_HISTORY = Q(history_years=None) | Q(history_years__in=(5, 10))


class ClaimsPaperQuerySet(models.QuerySet["ClaimsPaper"]):
    """Claims histories and loss runs, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return the histories of the insureds that the user is, no matter who issued them; and, with the right to
        each kind, those that the user's own party issued: a policyholder's, and an agency's for its clients of today.

        Nobody sees that an insured took out a history for themselves
        (docs/decisions/0186-who-sees-that-a-history-was-issued.md).
        """
        if not user.is_authenticated:
            return self.none()
        conditions = []
        if insured_ids := reach_of(user).insured_ids:
            conditions.append(Q(kind=ClaimsPaper.Kind.HISTORY, insured_id__any=insured_ids))
        for kind, capability in ClaimsPaper.RIGHTS.items():
            reach = reach_with(user, capability)
            if reach.policyholder_ids:
                conditions.append(Q(kind=kind, membership__policyholder_id__any=reach.policyholder_ids))
            if agent := reach.only(Membership.Role.AGENT):
                served = Policy.objects.not_retired().filter(agent.policies())
                clients = Q(policyholder__in=served.order_by().values("policyholder_id"))
                conditions.append(Q(clients, kind=kind, membership__agency_id__any=agent.agency_ids))
        if not conditions:
            return self.none()
        sets = [ClaimsPaper.objects.filter(condition).order_by().values("pk") for condition in conditions]
        return self.filter(pk__in=sets[0].union(*sets[1:]) if len(sets) > 1 else sets[0])

    def search(self, text: str) -> Self:
        """Return those whose serial begins so, or whose insured, policyholder, or policy has that in its name."""
        if not (text := text.strip()):
            return self
        found = Q(serial__istartswith=text) | Q(subject__icontains=text)
        if number := normalize_number(text):
            found |= Q(policy__number_normalized__startswith=number)
        return self.filter(found)

    def with_names(self) -> Self:
        """Return them with what a page shows, in one query."""
        return self.select_related(
            "insured", "company", "policyholder", "policy", "issued_by", "authorization__revocation", "membership"
        )


class ClaimsPaper(IssuedPaper):
    """A claims history of one insured, or a loss run of a policy or an account, as it was issued (B-05).

    Of one writing company each, valued on the day of its data. `policyholder`: whose policies it is limited to; a
    history that the insured issues isn't limited. The database refuses changes as it does for certificates.
    """

    class Kind(models.TextChoices):
        """The third-party form, and the form for the policyholder and the agent."""

        HISTORY = "history", "Claims history"
        LOSS_RUN = "loss_run", "Loss run"

    class Purpose(models.TextChoices):
        """What a history is for; it is printed."""

        PRIVILEGES = "privileges", "Medical staff privileges"
        ENROLLMENT = "enrollment", "Health plan enrollment"
        EMPLOYMENT = "employment", "Employment or locum tenens"
        LICENSURE = "licensure", "State licensure"
        INSURANCE = "insurance", "Insurance application"
        RECORDS = "records", "Own records"

    TASK = "credentialing.tasks.render_claims_paper"
    TAGS = ClaimsPaperEvent
    NOUN = "claims paper"
    FOLDER = "claims"
    PREFIXES: dict[str, str] = {Kind.HISTORY: "CLH", Kind.LOSS_RUN: "LSR"}
    RIGHTS: dict[str, Capability] = {
        Kind.HISTORY: Capability.VIEW_CLAIMS_HISTORY,
        Kind.LOSS_RUN: Capability.VIEW_LOSS_RUN,
    }

    kind = models.CharField(max_length=8, choices=Kind)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="+")
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    policyholder = models.ForeignKey(Policyholder, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # Of a loss run of one policy; one of an account names the account.
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    account = models.CharField("billing account", max_length=120, blank=True, default="")
    holder = models.ForeignKey(Holder, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    authorization = models.ForeignKey(
        Authorization, on_delete=models.PROTECT, null=True, blank=True, related_name="papers"
    )
    purpose = models.CharField(max_length=12, choices=Purpose, blank=True, default="")
    years = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: all years.")
    valued_on = models.DateField("valuation date")
    snapshot_digest = models.CharField("SHA-256 of the snapshot", max_length=64)
    # Whose it is, as printed: for lists and searches.
    subject = models.CharField(max_length=400)

    objects = ClaimsPaperQuerySet.as_manager()

    # Set by issuing: whether the same form had made it before.
    was_there: bool = False

    class Meta:
        ordering = ("-issued_at", "-id")
        permissions = [("retry_claimspaper", "Can try failed claims papers again")]
        constraints = [
            models.UniqueConstraint(
                fields=["issued_by", "idempotency_key", "kind", "company", "insured", "policyholder"],
                nulls_distinct=False,
                name="credentialing_claimspaper_once_a_form",
            ),
            models.CheckConstraint(
                condition=Q(kind="history", insured__isnull=False, policy=None, account="")
                | Q(
                    kind="loss_run",
                    insured=None,
                    policyholder__isnull=False,
                    holder=None,
                    authorization=None,
                    purpose="",
                ),
                name="credentialing_claimspaper_one_kind",
            ),
            models.CheckConstraint(condition=YEARS, name="credentialing_claimspaper_years"),
            ready_has_file("credentialing_claimspaper_ready_has_file"),
        ]
        indexes = [
            models.Index(fields=["insured", "-issued_at"], name="credentialing_cp_insured"),
            models.Index(fields=["policyholder", "-issued_at"], name="credentialing_cp_holder"),
            models.Index(fields=["enqueued_at"], condition=Q(status="queued"), name="credentialing_cp_queued"),
            # A file that someone compares is looked up by it.
            models.Index(fields=["sha256"], name="credentialing_cp_sha256"),
        ]

    def given_up(self) -> None:
        """Record it, tell staff, and let the request that it answers wait for them."""
        super().given_up()
        ClaimsRequest.objects.filter(paper=self).update(
            status=ClaimsRequest.Status.WAITING, reason="The file could not be made."
        )

    def get_absolute_url(self) -> str:
        """Its page: progress, download, retry."""
        return reverse("credentialing:claims-paper", args=[self.public_id])

    @property
    def is_history(self) -> bool:
        return self.kind == self.Kind.HISTORY

    @property
    def title(self) -> str:
        return str(self.get_kind_display())

    @property
    def paper(self) -> str:
        """The word for it in a sentence."""
        return self.title.lower()

    @property
    def window(self) -> str:
        """'10 years' or 'All years'."""
        return window_name(self.years)

    @property
    def holder_name(self) -> str:
        """Whom a history is made out to, as printed."""
        holder = self.snapshot.get("holder")
        return str(holder["name"]) if holder else "To whom it may concern"

    @property
    def download_name(self) -> str:
        """The name of the downloaded file: 'Claims history Núñez – Saint Aldhelm – 2026-11-24.pdf'."""
        holder = self.snapshot.get("holder")
        parts = [
            f"{self.title} {file_name_part(self.snapshot['file_name'])}",
            file_name_part(holder["name"]) if holder else "",
            str(self.issued_on),
        ]
        return " – ".join(part for part in parts if part) + ".pdf"


class LossRunRule(models.Model):
    """What a state wants of loss runs: within how many days, whether the agent of record is told, whether reserves are
    shown. Staff keep the table; a state without a row has the settings (docs/staff.md#loss-runs)."""

    state = models.CharField(max_length=2, unique=True, choices=list(STATES.items()))
    days = models.PositiveSmallIntegerField(
        help_text="Calendar days after the request within which the loss run must be there."
    )
    tell_agent = models.BooleanField("tell the agent of record", default=False)
    show_reserves = models.BooleanField(default=False)
    source = models.CharField(max_length=200, blank=True, default="", help_text="The statute or rule.")

    class Meta:
        ordering = ("state",)
        verbose_name = "rule on loss runs"
        verbose_name_plural = "rules on loss runs"
        constraints = [
            models.CheckConstraint(condition=Q(days__gte=1, days__lte=365), name="credentialing_lossrunrule_days"),
        ]

    def __str__(self) -> str:
        return STATES.get(self.state, self.state)


class ClaimsRequestQuerySet(models.QuerySet["ClaimsRequest"]):
    """Requests for loss runs, and for histories that the portal couldn't make."""

    def visible_to(self, user: User) -> Self:
        """Return those of the user's own parties, with the right to what was asked for."""
        if not user.is_authenticated:
            return self.none()
        condition = Q(pk__in=[])
        for kind, capability in ClaimsPaper.RIGHTS.items():
            reach = reach_with(user, capability)
            own = (
                Q(membership__insured_id__any=reach.insured_ids)
                | Q(membership__policyholder_id__any=reach.policyholder_ids)
                | Q(membership__agency_id__any=reach.agency_ids)
            )
            condition |= Q(own, kind=kind)
        return self.filter(condition)

    def waiting(self) -> Self:
        """Return those that wait for staff, the most urgent first."""
        return self.filter(status=ClaimsRequest.Status.WAITING).order_by("due_at", "id")

    def overdue(self, now: dt.datetime | None = None) -> Self:
        """Return those that wait for staff past their due time."""
        return self.waiting().filter(due_at__lt=now or timezone.now())


class ClaimsRequest(models.Model):
    """One request for a loss run, or for a history that the portal couldn't make, with its clock.

    A loss run's days are the state's (`LossRunRule`). Where the portal makes the paper at once, the request is its
    record; otherwise it waits for staff until `due_at`.
    """

    class Status(models.TextChoices):
        PORTAL = "portal", "Made by the portal"
        WAITING = "waiting", "Waiting for staff"
        DONE = "done", "Done"
        DECLINED = "declined", "Declined"

    public_id = PublicIdField()
    kind = models.CharField(max_length=8, choices=ClaimsPaper.Kind)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="+")
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    policyholder = models.ForeignKey(Policyholder, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    account = models.CharField("billing account", max_length=120, blank=True, default="")
    # Of a history: whom it is for, and why.
    holder = models.ForeignKey(Holder, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    purpose = models.CharField(max_length=12, choices=ClaimsPaper.Purpose, blank=True, default="")
    years = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: all years.")
    state = models.CharField(max_length=2, blank=True, default="")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField()
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    reason = models.CharField("why it waits", max_length=300, blank=True, default="")
    paper = models.OneToOneField(ClaimsPaper, on_delete=models.PROTECT, null=True, blank=True, related_name="request")
    message = models.TextField("message to the customer", max_length=2000, blank=True, default="")
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    settled_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When the agent of record was told, where the state wants it.
    agent_told_at = models.DateTimeField(null=True, blank=True, editable=False)
    idempotency_key = models.UUIDField(editable=False)

    objects = ClaimsRequestQuerySet.as_manager()

    class Meta:
        ordering = ("-asked_at", "-id")
        verbose_name = "request for a claims paper"
        verbose_name_plural = "requests for claims papers"
        permissions = [("settle_claimsrequest", "Can settle requests for claims papers")]
        constraints = [
            models.CheckConstraint(condition=YEARS, name="credentialing_claimsrequest_years"),
            models.UniqueConstraint(
                fields=["asked_by", "idempotency_key", "kind", "company", "insured", "policyholder"],
                nulls_distinct=False,
                name="credentialing_claimsrequest_once_a_form",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="waiting"), name="credentialing_cr_due"),
            models.Index(fields=["policyholder", "-asked_at"], name="credentialing_cr_holder"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.about}"

    @property
    def about(self) -> str:
        """Whose it is, in a few words."""
        return str(self.insured or self.policy or self.policyholder)

    @property
    def window(self) -> str:
        return window_name(self.years)

    @property
    def is_waiting(self) -> bool:
        return self.status == self.Status.WAITING

    @property
    def is_overdue(self) -> bool:
        """Whether it waits for staff past its due time."""
        return self.is_waiting and self.due_at < timezone.now()
