"""Which renewal a page is about, and what a user may do with it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404

from core.templatetags.show import day_long
from policies.models import Policy, RenewalApplication, Term
from policies.renewals.stages import SETTLED, Stage, stage_of
from policies.rights import capabilities
from policies.roles import Capability

if TYPE_CHECKING:
    from accounts.models import User

MAY = (Capability.VIEW_RENEWAL, Capability.FILL_IN_RENEWAL, Capability.PREPARE_RENEWAL)
IN_FORCE = (Policy.Status.ACTIVE, Policy.Status.PENDING_CANCELLATION)

SETTLED_SENTENCES = {
    Stage.BOUND: "The renewal is bound, so there’s nothing more to fill in.",
    Stage.OFFER_DECLINED: "The renewal offer was declined. Call us if that isn’t right.",
}


class NotNowError(Exception):
    """The application can't be changed now; the message is the sentence for the user."""


@dataclass(frozen=True)
class Renewal:
    """A policy's term that ends, its application if there is one, and what the user may do.

    `fills_in`: may change it. `signs`: may attest and submit it, which agents never do.
    """

    policy: Policy
    term: Term | None
    application: RenewalApplication | None
    fills_in: bool
    signs: bool

    @cached_property
    def today(self) -> dt.date:
        """The named insured's day."""
        return self.policy.today()

    @cached_property
    def next_term(self) -> Term | None:
        """The term that follows, as the carrier's data has it."""
        return next_term(self.policy, self.term) if self.term else None

    @cached_property
    def stage(self) -> Stage:
        """How far it has come."""
        expires = self.term.expires if self.term else self.today
        status = self.next_term.status if self.next_term else None
        return stage_of(self.application, expires=expires, renewal_status=status, today=self.today)

    @property
    def opens_on(self) -> dt.date | None:
        """The day from which it can be filled in."""
        return self.term.expires - dt.timedelta(days=settings.RENEWAL_OPENS_DAYS) if self.term else None

    @property
    def days_left(self) -> int:
        """Days until the term ends."""
        return (self.term.expires - self.today).days if self.term else 0

    @cached_property
    def closed_because(self) -> str:
        """Why nothing can be filled in now, as a sentence; empty where it can."""
        if self.term is None or self.opens_on is None:
            return "This policy has no term in force, so there’s nothing to renew here."
        if self.stage in SETTLED_SENTENCES:
            return SETTLED_SENTENCES[self.stage]
        if self.term.expires <= self.today:
            return (
                f"The term ended on {day_long(self.term.expires)}, so the application can’t be changed or submitted "
                "anymore. Call us: we may still be able to help."
            )
        if self.policy.status not in IN_FORCE:
            return "We aren’t renewing this policy, or it was cancelled. Call us if that isn’t right."
        is_early = self.today < self.opens_on
        return f"The renewal application opens on {day_long(self.opens_on)}." if is_early else ""

    @property
    def can_start(self) -> bool:
        """Whether the user may begin an application now."""
        return self.fills_in and self.application is None and not self.closed_because

    @property
    def can_change(self) -> bool:
        """Whether the user may change the application now."""
        app = self.application
        return self.fills_in and app is not None and app.is_draft and not self.closed_because

    @property
    def can_reopen(self) -> bool:
        """Whether the user may take a submitted application back: until staff took it."""
        app = self.application
        if app is None or not self.signs or self.closed_because or self.stage in SETTLED:
            return False
        return app.status == RenewalApplication.Status.OPEN and app.assigned_to_id is None

    def the_application(self) -> RenewalApplication:
        """Return the application. Raises Http404 where none was begun."""
        if self.application is None:
            raise Http404("no application was begun")
        return self.application

    def require_changes(self) -> RenewalApplication:
        """Return the application to change. Raises `PermissionDenied` without the right, Http404 where there is none,
        and `NotNowError`."""
        app = self.the_application()
        if not self.fills_in:
            raise PermissionDenied("this user doesn’t fill in renewals of this policy")
        if self.closed_because:
            raise NotNowError(self.closed_because)
        if not app.is_draft:
            raise NotNowError("The application was submitted. Reopen it to make changes.")
        return app


def next_term(policy: Policy, term: Term) -> Term | None:
    """Return the policy's term after this one. No query where the terms are known."""
    later = [each for each in policy.terms_on_file if each.effective >= term.expires]
    return min(later, key=lambda each: each.effective, default=None)


def renewal_for(user: User, public_id: str, *, term_id: str = "") -> Renewal:
    """Return the renewal of a policy for a user. `term_id`: of an earlier term, by its public id.

    Raises Http404 where the user doesn't see the policy, and `PermissionDenied` where not its renewal.
    """
    seen = Policy.objects.visible_to(user).with_page()
    policy = get_object_or_404(seen, public_id=public_id)
    may = capabilities(user, policy, among=MAY)
    if Capability.VIEW_RENEWAL not in may:
        raise PermissionDenied("the renewal isn’t open to this user")
    prepares = Capability.PREPARE_RENEWAL in may and is_prepared_by_agents(policy)
    signs = Capability.FILL_IN_RENEWAL in may
    seen_applications = RenewalApplication.objects.visible_to(user).filter(policy=policy).select_related("user")
    applications = {each.term_id: each for each in seen_applications}
    term = _term(policy, applications, term_id)
    application = applications.get(term.pk) if term is not None else None
    if application is not None and term is not None:
        application.policy, application.term = policy, term
    return Renewal(policy, term, application, fills_in=signs or prepares, signs=signs)


def is_prepared_by_agents(policy: Policy) -> bool:
    """Whether the policy's company lets its agent of record prepare the application."""
    return policy.company.external_id in settings.RENEWALS_PREPARED_BY_AGENTS


def _term(policy: Policy, applications: dict[int, RenewalApplication], term_id: str) -> Term | None:
    """Return the term that is to be renewed: the one in force, else the latest that had an application."""
    today = policy.today()
    terms = policy.terms_on_file
    if term_id:
        chosen = next((each for each in terms if each.public_id == term_id), None)
        if chosen is None or chosen.pk not in applications:
            raise Http404("no application of this term")
        return chosen
    in_force = next((each for each in terms if each.in_force_on(today)), None)
    return in_force or next((each for each in terms if each.pk in applications), None)
