"""Pages against an empty signed-in page through the same middleware and base layout."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import override_settings
from django.urls import reverse

from bench.measure import Figure, interleaved
from bench.people import signed_in_client
from policies.models import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test import Client

    from accounts.models import User

ROUNDS = 60
# Who looks at which page: the roles whose pages differ. The dearest of them is the figure.
VIEWERS = ("insured", "practitioner", "policyholder", "agent")


def measure(names: list[str]) -> Iterator[Figure]:
    """Figures `page_home`, `page_policies` and `page_policy` of those named, each for its dearest viewer."""
    with override_settings(ROOT_URLCONF="bench.urls", ALLOWED_HOSTS=["*"]):
        addresses: dict[str, Callable[[User], str]] = {
            "page_home": lambda user: reverse("home"),
            "page_policies": lambda user: reverse("policies:list"),
            "page_policy": _dearest_policy,
        }
        for name, address in addresses.items():
            if name in names:
                yield _figure(name, address)


def _dearest_policy(user: User) -> str:
    """The page of the policy with the most insureds that the user sees."""
    policies = Policy.objects.visible_to(user)
    counted = ((policy.terms.filter(coverages__isnull=False).count(), policy) for policy in policies[:50])
    return max(counted, key=lambda pair: pair[0])[1].get_absolute_url()


def _figure(name: str, address: Callable[[User], str]) -> Figure:
    worst: Figure | None = None
    for username in VIEWERS:
        user = get_user_model().objects.get(username=username)
        client = signed_in_client(user)
        url = address(user)
        queries: list[str] = []
        with connection.execute_wrapper(partial(_count, queries)):
            _get(client, url)
        medians = interleaved(
            {"page": partial(_get, client, url), "floor": partial(_get, client, "/bench/empty/")},
            rounds=ROUNDS,
        )
        figure = Figure(
            name,
            medians["page"].wall,
            medians["floor"].wall,
            "ms",
            {
                "viewer": username,
                "queries": len(queries),
                "cpu_ms": round(medians["page"].cpu, 3),
                "cpu_ratio": round(medians["page"].cpu / medians["floor"].cpu, 3),
            },
        )
        if worst is None or figure.ratio > worst.ratio:
            worst = figure
    if worst is None:
        raise RuntimeError("There are no viewers")
    return worst


def _count(queries: list[str], execute: Callable[..., object], sql: str, *rest: object) -> object:
    """For `connection.execute_wrapper`: note the statement and let it pass."""
    queries.append(sql)
    return execute(sql, *rest)


def _get(client: Client, url: str) -> None:
    response = client.get(url)
    if response.status_code != 200:
        raise RuntimeError(f"{url} answered {response.status_code}")
