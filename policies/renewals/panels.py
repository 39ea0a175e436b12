"""Renewals on home and on a policy's page: what is due next, and a clinician's own part."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import DateField, OuterRef, Q, Subquery

from core.dates import carrier_today
from core.panels import Panel, PanelLink
from core.statements import IDS, prepared
from core.templatetags.show import day_long
from core.urls import address_for, address_of
from policies.models import Company, Membership, Policy, RenewalApplication, RenewalPart, Term, reach_of
from policies.renewals.access import IN_FORCE, MAY, is_prepared_by_agents, next_term
from policies.renewals.stages import SETTLED, Stage, stage_of
from policies.rights import capabilities, reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import QuerySet

    from accounts.models import User
    from core.panels import Provider

MOST = 6
FILL_IN = (Stage.NOT_STARTED, Stage.IN_PROGRESS)


def of_policy(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield the renewal of a policy on its page, for who sees it, once its application is open. No query."""
    if policy is not None:
        yield from _of_policy(user, policy)


def on_home(user: User, *, held: Iterable[Term | None], own: Iterable[Term], more: bool) -> Iterator[Panel]:
    """Yield a clinician's own parts, and the renewals that are due. `held`, `own`: the terms that home shows of the
    policies that the user represents, and is insured on; `more`: it doesn't show all policies.

    A query for each of the two, and none where no term ends soon.
    """
    if more or any(map(_ends_soon, own)):
        yield from _own_parts(user)
    if more or any(map(_ends_soon, filter(None, held))):
        yield from _renewals(user)


def _ends_soon(term: Term) -> bool:
    return (term.expires - carrier_today()).days <= settings.RENEWAL_OPENS_DAYS


def _renewals(user: User) -> Iterator[Panel]:
    held = reach_with(user, Capability.VIEW_RENEWAL, asks_policy=True).only(Membership.Role.POLICYHOLDER)
    if not held.policyholder_ids:
        return
    today = carrier_today()
    until = today + dt.timedelta(days=settings.RENEWAL_OPENS_DAYS)
    found: list[Any] = list(_ending(policyholder_ids=held.policyholder_ids, today=today, until=until))
    lines, waiting = [], []
    for term in found:
        application: RenewalApplication | None = getattr(term, "renewal_application", None)
        stage = stage_of(application, expires=term.expires, renewal_status=term.renewal_status, today=today)
        if stage in SETTLED:
            continue
        lines.append(f"{term.policy.number}: {_in_words(stage, application, term)}")
        link = _link(term.policy, term, stage)
        if link is not None:
            waiting.append(link)
    if lines:
        yield Panel(
            "Renewals",
            "home",
            lines=tuple(lines),
            order=25,
            links=(PanelLink("Renewal applications", address_of("policies:renewals")),),
            attention=tuple(waiting),
        )


def _own_parts(user: User) -> Iterator[Panel]:
    insured_ids = reach_of(user).insured_ids
    if not insured_ids:
        return
    found = list(_missing(insured_ids=insured_ids, today=carrier_today()))
    if found:
        links = tuple(
            PanelLink(
                "Answer and sign your part",
                part.get_absolute_url(),
                f"{part.application.policy.policyholder.name}, by {day_long(part.application.term.expires)}",
            )
            for part in found
        )
        yield Panel(
            "Your part of a renewal",
            "home",
            lines=("Each clinician answers a few questions for the renewal and signs them.",),
            order=15,
            links=links[:1],
            attention=links,
        )


def _of_policy(user: User, policy: Policy) -> Iterator[Panel]:
    today = policy.today()
    term = next((each for each in policy.terms_on_file if each.in_force_on(today)), None)
    is_due = term is not None and (term.expires - today).days <= settings.RENEWAL_OPENS_DAYS
    if term is None or not is_due or policy.status not in IN_FORCE:
        return
    may = capabilities(user, policy, among=MAY)
    if Capability.VIEW_RENEWAL not in may:
        return
    application: RenewalApplication | None = getattr(term, "renewal_application", None)
    if application is not None and not _is_shown(application, user, policy):
        application = None
    later = next_term(policy, term)
    stage = stage_of(application, expires=term.expires, renewal_status=later.status if later else None, today=today)
    if stage in SETTLED or (stage is Stage.NOT_STARTED and Capability.FILL_IN_RENEWAL not in may):
        return
    label = _link(policy, term, stage)
    yield Panel(
        "Renewal",
        "policy",
        lines=(f"{_in_words(stage, application, term)[:1].upper()}{_in_words(stage, application, term)[1:]}",),
        order=20,
        links=(
            PanelLink(label.label if label else "See the renewal", address_for("policies:renewal")(policy.public_id)),
        ),
    )


def _is_shown(application: RenewalApplication, user: User, policy: Policy) -> bool:
    """Whether a user who may see the policy's renewal sees its application; `RenewalApplication.objects.visible_to` has
    the same rule."""
    held = reach_with(user, Capability.VIEW_RENEWAL, asks_policy=True).policyholder_ids
    is_own = policy.policyholder_id in held
    return is_own or application.submitted_at is not None or is_prepared_by_agents(policy)


def _in_words(stage: Stage, application: RenewalApplication | None, term: Term) -> str:
    due = f"due by {day_long(term.expires)}"
    if stage is Stage.NOT_STARTED:
        return f"the renewal application is {due}."
    missing = application.missing_count if application else 0
    parts = (
        f" {missing:,} of {application.parts_count:,} clinicians’ parts are missing." if application and missing else ""
    )
    if stage is Stage.IN_PROGRESS:
        return f"the renewal application is in progress, {due}.{parts}"
    return f"the renewal application: {str(stage).lower()}.{parts}"


def _link(policy: Policy, term: Term, stage: Stage) -> PanelLink | None:
    href = address_for("policies:renewal")(policy.public_id)
    note = f"{policy.number}, by {day_long(term.expires)}"
    if stage in FILL_IN:
        return PanelLink("Complete the renewal application", href, note)
    return PanelLink("Answer our question about the renewal", href, note) if stage is Stage.QUESTION else None


@prepared(policyholder_ids=IDS, today=DateField(), until=DateField())
def _ending(*, policyholder_ids: list[int], today: Any, until: Any) -> QuerySet[Term]:
    """Return the terms that end soon, of companies that renew here, with the status of the term that follows."""
    later = Term.objects.not_retired().filter(policy=OuterRef("policy"), effective__gte=OuterRef("expires"))
    ending = Term.objects.not_retired().filter(
        policy__policyholder_id__any=policyholder_ids,
        policy__retired_at=None,
        policy__status__in=IN_FORCE,
        policy__company__services__contains=[Company.Service.RENEW.value],
        status=Term.Status.BOUND,
        effective__lte=today,
        expires__gt=today,
        expires__lte=until,
    )
    rows: QuerySet[Term] = ending.select_related("policy", "renewal_application").annotate(
        renewal_status=Subquery(later.order_by("effective").values("status")[:1])
    )
    return rows.order_by("expires", "pk")[:MOST]


@prepared(insured_ids=IDS, today=DateField())
def _missing(*, insured_ids: list[int], today: Any) -> QuerySet[RenewalPart]:
    rows = RenewalPart.objects.missing().filter(
        ~Q(application__status__in=RenewalApplication.ENDED),
        insured_id__any=insured_ids,
        application__term__expires__gt=today,
    )
    found: QuerySet[RenewalPart] = rows.select_related("application__policy__policyholder", "application__term")
    return found.order_by("pk")[:MOST]


PANELS: list[Provider] = [of_policy]
