"""Whether an answer's time tells if an account exists (docs/security.md#enumeration).

At each form that names an account, the same request is made in turns for one that exists and for one that doesn't. The
value is the difference of the two medians. The floor is the noise: what the medians of two runs of the same request
differ by, 19 times out of 20. A ratio below 1 says that the difference can't be told from noise.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse

from accounts.models import User
from bench.measure import Figure, once
from core.crypto import keyed_hash
from core.models import Throttle
from policies.models import Coverage

TRIES = 200
SPLITS = 500
BORN = "1970-01-31"
Form = dict[str, str]


@dataclass(frozen=True)
class Flow:
    """A form that names an account: its page, and what is typed for one that exists and for one that doesn't."""

    url_name: str
    known: Callable[[int], Form]
    unknown: Callable[[int], Form]


def measure(names: list[str]) -> Iterator[Figure]:
    """Measure those of `enumeration_sign_in`, `_registration`, `_reset`, and `_username` that are named."""
    wanted = [name for name in FLOWS if name in names]
    if not wanted:
        return
    users, people = _users(), _people()
    with override_settings(ALLOWED_HOSTS=["*"]):
        for name in wanted:
            yield _figure(name, FLOWS[name](users, people))


def _figure(name: str, flow: Flow) -> Figure:
    number = count()
    calls = {
        "known": flow.known,
        "again": flow.known,
        "unknown": flow.unknown,
    }
    found: dict[str, list[float]] = {kind: [] for kind in calls}
    for turn in range(TRIES + 5):
        for kind, form in calls.items():
            wall = _try(flow.url_name, form(next(number)))
            if turn >= 5:
                found[kind].append(wall)
    same = found["known"] + found["again"]
    known, unknown = statistics.median(same), statistics.median(found["unknown"])
    more = {"known_ms": round(known, 3), "unknown_ms": round(unknown, 3), "tries": TRIES}
    return Figure(name, abs(known - unknown), _noise(same), "ms", more)


def _try(url_name: str, form: Form) -> float:
    """Return the milliseconds of one request. No limit is near: each try finds the counters as the one before did."""
    Throttle.objects.all().delete()
    browser = Client()
    url = reverse(url_name)
    page = browser.get(url).content.decode()
    key = page.partition('name="idempotency_key" value="')[2].partition('"')[0]
    if key:
        form = form | {"idempotency_key": key}
    statuses: list[int] = []
    wall = once(lambda: statuses.append(browser.post(url, form).status_code)).wall
    if statuses[0] not in {302, 422}:
        raise RuntimeError(f"{url_name} answered {statuses[0]}")
    return wall


def _noise(same: list[float]) -> float:
    """Return what the medians of two halves of one sample differ by at most, 19 times out of 20."""
    rng = random.Random(1)  # noqa: S311  # shuffles a sample
    sample, half = list(same), len(same) // 2
    differences = []
    for _ in range(SPLITS):
        rng.shuffle(sample)
        differences.append(abs(statistics.median(sample[:half]) - statistics.median(sample[half:])))
    return sorted(differences)[int(SPLITS * 0.95)]


def _users() -> list[User]:
    """Return accounts of the benchmark's own."""
    users = []
    for index in range(20):
        username = f"bench-known-{index}"
        found = User.objects.filter(username=username).first()
        users.append(found or User.objects.create_user(username, f"{username}@bench.example", "violet-harbor-tram-91"))
    return users


def _people() -> list[Form]:
    """Return what insureds of the book would type, with a date of birth that is set here."""
    coverages = Coverage.objects.select_related("insured", "term__policy").filter(insured__kind="person")
    people: dict[int, Form] = {}
    for coverage in coverages.order_by("pk")[:200]:
        insured = coverage.insured
        insured.date_of_birth_hash = keyed_hash("date_of_birth", BORN)
        insured.save(update_fields=["date_of_birth_hash"])
        people[insured.pk] = {
            "policy_number": coverage.term.policy.number,
            "full_name": f"{insured.first_name} {insured.last_name}",
            "date_of_birth": "01/31/1970",
            "zip": insured.zip or coverage.term.policy.policyholder.zip,
            "email": "someone@bench.example",
        }
    return list(people.values())


def _stranger(index: int) -> Form:
    return {
        "policy_number": f"ZZZ-{index:06}",
        "full_name": f"Stranger Number{index}",
        "date_of_birth": "01/31/1970",
        "zip": "06103",
        "email": "someone@bench.example",
    }


def _sign_in(users: list[User], _people: list[Form]) -> Flow:
    password = {"password": "wrong-harbor-tram-91"}
    return Flow(
        "accounts:sign-in",
        lambda index: {"username": users[index % len(users)].username, **password},
        lambda index: {"username": f"bench-nobody-{index % len(users)}", **password},
    )


def _registration(_users: list[User], people: list[Form]) -> Flow:
    return Flow("accounts:register", lambda index: people[index % len(people)], _stranger)


def _reset(users: list[User], _people: list[Form]) -> Flow:
    return Flow(
        "accounts:forgot-password",
        lambda index: {"username": users[index % len(users)].username},
        lambda index: {"username": f"bench-nobody-{index % len(users)}"},
    )


def _username(_users: list[User], people: list[Form]) -> Flow:
    return Flow("accounts:forgot-username", lambda index: people[index % len(people)], _stranger)


FLOWS: dict[str, Callable[[list[User], list[Form]], Flow]] = {
    "enumeration_sign_in": _sign_in,
    "enumeration_registration": _registration,
    "enumeration_reset": _reset,
    "enumeration_username": _username,
}
