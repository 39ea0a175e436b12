"""The insureds whom a change can be about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.search import name_query
from policies.models import Coverage, Insured
from policies.names import fold

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from policies.models import Policy

# So many are a list to choose from; among more, a name is typed.
FEW = 40
MOST_OF_A_NAME = 12


def on_policy(policy: Policy) -> QuerySet[Insured]:
    """Return those with coverage on a policy today or later, by name."""
    covered = Coverage.objects.not_retired().filter(
        term__policy=policy, term__retired_at=None, expires__gt=policy.today()
    )
    rows: QuerySet[Insured] = Insured.objects.not_retired().filter(pk__in=covered.order_by().values("insured_id"))
    return rows.order_by("sort_key", "pk")


def few_on(policy: Policy) -> list[Insured] | None:
    """Return those on a policy where they're few, else None."""
    found = list(on_policy(policy)[: FEW + 1])
    return found if len(found) <= FEW else None


def named_on(policy: Policy, name: str) -> list[Insured]:
    """Return those on a policy whose name has these words; the one whose whole name it is, as we print it, alone."""
    # 'Ana Núñez, MD': what is behind the comma may be a credential, which isn't searched.
    found = _found(policy, name) or _found(policy, name.rpartition(",")[0])
    exact = [one for one in found if fold(one.display_name) == fold(name)]
    return exact if len(exact) == 1 else found


def _found(policy: Policy, name: str) -> list[Insured]:
    query = name_query(fold(name).split())
    return list(on_policy(policy).filter(search=query)[:MOST_OF_A_NAME]) if query is not None else []
