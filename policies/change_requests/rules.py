"""Which rule holds for a kind of change (B-18): staff's rows by company and state, else the kind's own."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from policies.change_requests.registry import Kind, Rule
from policies.models import ChangeRule, FundEnrollment
from policies.models.coverage import Coverage

if TYPE_CHECKING:
    from policies.models import Insured, Policy


def rule_of(kind: Kind, policy: Policy, insured: Insured | None = None) -> Rule:
    """Return the rule for a change of a policy. The state is the insured's, else the policyholder's. One query."""
    state = (insured.state if insured is not None else "") or policy.policyholder.state
    row = ChangeRule.objects.of(kind=kind.key, company_id=policy.company_id, state=state).first()
    return _of_row(row) if row is not None else kind.rule


def _of_row(row: ChangeRule) -> Rule:
    return Rule(
        offered=row.offered,
        reason=row.reason,
        days_back=row.days_back,
        days_ahead=row.days_ahead,
        shortest=row.shortest,
        longest=row.longest,
        not_with_funds=tuple(row.not_with_funds),
        note=row.note,
        certificate=row.certificate,
    )


def rules_for(kinds: list[Kind], policy: Policy) -> dict[str, Rule]:
    """Return the rule of each kind for a policy, by key. One query."""
    keys = [kind.key for kind in kinds]
    found: dict[str, Rule] = {}
    rows = ChangeRule.objects.of_kinds(keys, company_id=policy.company_id, state=policy.policyholder.state)
    for row in rows:
        found.setdefault(row.kind, _of_row(row))
    return {kind.key: found.get(kind.key, kind.rule) for kind in kinds}


def fund_in_the_way(rule: Rule, policy: Policy, insured: Insured, day: dt.date) -> str:
    """Return the name of a fund that the insured takes part in on a day, and with which the rule doesn't allow it."""
    barred = {name.casefold().strip() for name in rule.not_with_funds}
    if not barred:
        return ""
    coverages = Coverage.objects.not_retired().filter(
        term__policy=policy, insured=insured, effective__lte=day, expires__gt=day
    )
    names = list(coverages.exclude(fund="").order_by().values_list("fund", flat=True))
    enrolled = FundEnrollment.objects.on(day).filter(coverage__in=coverages.order_by().values("pk"))
    names += enrolled.values_list("fund", flat=True)
    return next((name for name in names if name.casefold().strip() in barred), "")
