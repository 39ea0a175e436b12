"""Rules on changes that the invented carrier keeps, and a few change requests of the demo's people."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.http import QueryDict

from accounts.models import User
from core.mail import Mail
from policies.change_requests import drafting, opening, people
from policies.change_requests.registry import kind_of
from policies.models import ChangeRequest, ChangeRule, Company, Policy

# Kind, state, and what holds; of all companies.
RULES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("leave", "", {"shortest": 30, "longest": 180, "days_back": 30}),
    (
        "leave",
        "PA",
        {
            "shortest": 30,
            "longest": 180,
            "days_back": 0,
            "not_with_funds": ["Pennsylvania Mcare Fund"],
            "note": "In Pennsylvania, coverage can’t be suspended while someone takes part in the Mcare Fund.",
        },
    ),
    ("part_time", "", {"days_back": 30, "note": "Part-time rates are for up to 20 hours a week, on average."}),
    ("locum", "", {"longest": 60, "days_back": 0}),
    ("locum", "TX", {"longest": 45, "days_back": 0}),
    ("moonlighting", "", {"days_back": 0, "note": "Work for which the other place insures you needs no change."}),
    ("telehealth", "", {"days_back": 0}),
    ("limits", "", {"days_back": 0}),
    ("specialty", "", {"days_back": 0}),
    ("cancel", "", {"days_back": 30}),
    ("cancel", "NY", {"days_back": 10}),
    ("agent_of_record", "", {"days_back": 0, "days_ahead": 5}),
)


@transaction.atomic
def make_change_samples() -> int:
    """Keep the rules, and send a few requests, on the first start; returns how many requests."""
    if not ChangeRule.objects.exists():
        ChangeRule.objects.bulk_create(ChangeRule(kind=kind, state=state, **row) for kind, state, row in RULES)
        _not_offered()
    if ChangeRequest.objects.exists():
        return 0
    group, agent, staff = (User.objects.get(username=name) for name in ("policyholder", "agent", "support"))
    of_group, of_agent = _policy_of(group), _policy_of(agent, but=group)
    sent = 0
    if of_group is not None:
        sent += _of_group(group, of_group, staff)
    if of_agent is not None:
        moved = {"address1": "85 Two Rivers Boulevard", "city": "Albany", "state": "NY", "zip": "12207"}
        asked = _sent(agent, of_agent, "address", what="moves", share="100", surgery="no", **moved)
        asked.answer(text="Which suite is it? Please attach the lease if you have it.", by=staff, key=uuid.uuid4())
        sent += 1
    # The outbox is for the mails of what a visitor does.
    Mail.objects.filter(status=Mail.QUEUED).delete()
    return sent


def _not_offered() -> None:
    company = Company.objects.not_retired().order_by("-name").first()
    if company is not None:
        reason = f"{company} doesn’t cover moonlighting. Call us about a policy of your own for that work."
        ChangeRule.objects.create(kind="moonlighting", company=company, offered=False, reason=reason)


def _of_group(group: User, policy: Policy, staff: User) -> int:
    insureds = list(people.on_policy(policy)[:2])
    if len(insureds) < 2:  # one on leave, another for a draft
        return 0
    first, second = insureds
    today = policy.today()
    leave = {"effective": str(today), "until": str(today + dt.timedelta(days=45)), "reason": "parental", "works": "no"}
    done = _sent(group, policy, "leave", insured=_choice(policy, first), **leave)
    done.assign(staff, by=staff)
    said = "Coverage is suspended for these days."
    done.decide(done=True, text=said, by=staff, key=uuid.uuid4(), charge=Decimal("-412.50"))
    draft = {"insured": [_choice(policy, second)], "states": ["CT", "NJ"], "share": ["10"]}
    kind, membership = kind_of("telehealth"), opening.membership_for(group, policy)
    assert kind is not None  # noqa: S101  # one of the portal's own
    assert membership is not None  # noqa: S101  # the group's administrator
    drafting.start(user=group, membership=membership, policy=policy, kind=kind, key=uuid.uuid4(), typed=draft)
    return 1


def _choice(policy: Policy, insured: Any) -> str:
    """Return how the form names an insured: from a list, or by name among many."""
    return str(insured.public_id if people.few_on(policy) is not None else insured.display_name)


def _policy_of(user: User, *, but: User | None = None) -> Policy | None:
    """Return the largest policy in force for which a user asks for changes."""
    seen = Policy.objects.visible_to(user).filter(status=Policy.Status.ACTIVE)
    if but is not None:
        seen = seen.exclude(pk__in=Policy.objects.visible_to(but).values("pk"))
    for policy in seen.annotate(size=Count("terms__coverages")).order_by("-size", "pk")[:10]:
        if opening.membership_for(user, policy) and any(one.runs_past(policy.today()) for one in policy.terms_on_file):
            return policy
    return None


def _sent(user: User, policy: Policy, key: str, **typed: str) -> ChangeRequest:
    """Send a request as the form does. Raises ValueError where it wouldn't take the answers."""
    kind, membership = kind_of(key), opening.membership_for(user, policy)
    assert kind is not None  # noqa: S101  # one of the portal's own
    assert kind.form is not None  # noqa: S101
    assert membership is not None  # noqa: S101  # `_policy_of` asked
    data = QueryDict(mutable=True)
    data.update({"effective": str(policy.today()), **typed})
    form = kind.form(data, kind=kind, policy=policy, membership=membership)
    if not form.is_valid():
        raise ValueError(f"{key}: {form.errors.as_text()}")
    return opening.open_request(
        user=user,
        membership=membership,
        policy=policy,
        kind=key,
        items=drafting.items_of(form, None),
        key=uuid.uuid4(),
        effective=form.day,
        until=form.end,
        term=form.term,
        insured=form.person,
        about=form.about(),
    )[0]
