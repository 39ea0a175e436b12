"""Pages and searches at 100,000 policies (docs/decisions/0135-kept-for-large-books.md).

The large book is a second database of the benchmarks' cluster. In it the demo's agent serves a fifth of the book, and
its policyholder is the group with 5,000 insureds; the insured keeps the one coverage.
"""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import connection
from django.db.models import Count
from django.test.utils import override_settings
from django.urls import reverse

from bench import bare
from bench.databases import create, database, exists
from bench.measure import Figure, Sample, once
from bench.pages import EMPTY, VIEWERS, Browser, dearest_policy
from bench.people import session_key
from demo.data import load_example
from demo.users import make_users
from policies.feed.figures import count_books
from policies.models import Insured, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from accounts.models import User

LARGE = "portal_large"
POLICIES = 100_000
ROUNDS, WARM_UP = 30, 6
# What grows is a few milliseconds at most, so the machine's own unrest must be less than that.
ROUNDS_OF_GROWTH = 120
# Every so many policies one is the large agency's.
SERVED = 5
SEARCHES = {"search_policies": "policies:list", "search_certificates": "credentialing:home"}
NAMES = ("page_growth", *SEARCHES)
NOBODY = "zzyzx"
Calls = dict[tuple[str, ...], "Callable[[], object]"]


def measure(names: list[str]) -> Iterator[Figure]:
    """Measure `page_growth`, `search_policies`, and `search_certificates` of those named."""
    wanted = [name for name in NAMES if name in names]
    if not wanted:
        return
    small = str(connection.settings_dict["NAME"])
    if not exists(LARGE):
        create(LARGE)
        with database(LARGE):
            _load(POLICIES)
    yield from figures(wanted, small=small, large=LARGE)


def figures(names: list[str], *, small: str, large: str) -> Iterator[Figure]:
    """Measure those named on two databases that are loaded."""
    backends = [*settings.AUTHENTICATION_BACKENDS, bare.BACKEND]
    with override_settings(ROOT_URLCONF="bench.urls", ALLOWED_HOSTS=["*"], AUTHENTICATION_BACKENDS=backends):
        with override_settings(**bare.SETTINGS):
            floor = WSGIHandler()
        handler = WSGIHandler()
        if "page_growth" in names:
            yield _growth(handler, small=small, large=large)
        for name in SEARCHES:
            if name in names:
                yield _search(name, handler, floor, large)


def _load(policies: int) -> None:
    """Load the large book, and give the demo's users their large parties."""
    folder = Path(settings.DATA_DIR) / "large"
    folder.mkdir(exist_ok=True)
    with override_settings(DATA_DIR=folder, MEDIA_ROOT=folder / "files"):
        call_command("migrate", verbosity=0, interactive=False)
        load_example(policies)
        make_users()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE policies_agentofrecord a SET agency_id = m.agency_id FROM policies_membership m, accounts_user u "
            "WHERE u.id = m.user_id AND u.username = 'agent' "
            "AND a.policy_id %% %(served)s = 0 AND a.ends IS NULL",
            {"served": SERVED},
        )
        largest = Term.objects.annotate(size=Count("coverages")).order_by("-size").select_related("policy")[0]
        cursor.execute(
            "UPDATE policies_membership m SET policyholder_id = %(holder)s FROM accounts_user u "
            "WHERE u.id = m.user_id AND u.username = 'policyholder'",
            {"holder": largest.policy.policyholder_id},
        )
        count_books(cursor.execute)
        cursor.execute("VACUUM ANALYZE")


def _growth(handler: WSGIHandler, *, small: str, large: str) -> Figure:
    """Return the growth that is worst: the wall time of a page in the large book over its time in the small one."""
    calls: Calls = {}
    for name in (small, large):
        with database(name):
            for viewer in VIEWERS:
                user = get_user_model().objects.get(username=viewer)
                browser = Browser(handler, session_key(user))
                addresses = {
                    "page_home": reverse("home"),
                    "page_policies": reverse("policies:list"),
                    "page_policy": dearest_policy(user),
                }
                for page, address in addresses.items():
                    calls[page, viewer, name] = partial(_in, name, partial(browser.get, address))
    medians = _in_turns(calls, rounds=ROUNDS_OF_GROWTH)
    pages = {key[:2] for key in calls}
    growth = {(page, who): medians[page, who, large].wall / medians[page, who, small].wall for page, who in pages}
    page, who = worst = max(growth, key=lambda key: growth[key])
    more = {f"{page} {viewer}": round(growth[page, viewer], 2) for page, viewer in sorted(growth)}
    return Figure(
        "page_growth",
        medians[(*worst, large)].wall,
        medians[(*worst, small)].wall,
        "ms",
        {"page": page, "viewer": who, "policies": POLICIES, **more},
    )


def _search(name: str, handler: WSGIHandler, floor: WSGIHandler, large: str) -> Figure:
    """Return the dearest search by a name, that of somebody in sight or of nobody."""
    calls: Calls = {}
    with database(large):
        for viewer in VIEWERS:
            user = get_user_model().objects.get(username=viewer)
            browser, bare_browser = Browser(handler, session_key(user)), Browser(floor, bare.make_session(user))
            bare.make_page(size=len(browser.get(EMPTY)))
            address = reverse(SEARCHES[name])
            calls["bare", viewer] = partial(_in, large, partial(bare_browser.get, "/bench/bare/"))
            for kind, text in (("hit", _name_in_sight(user)), ("miss", NOBODY)):
                calls[kind, viewer] = partial(_in, large, partial(browser.get, f"{address}?q={text}"))
    medians = _in_turns(calls)
    searches = [key for key in calls if key[0] != "bare"]
    ratios = {(kind, who): medians[kind, who].cpu / medians["bare", who].cpu for kind, who in searches}
    kind, who = max(ratios, key=lambda key: ratios[key])
    more = {f"{kind} {viewer}": round(ratios[kind, viewer], 2) for kind, viewer in sorted(ratios)}
    wall = round(max(medians[key].wall for key in searches), 2)
    return Figure(
        name,
        medians[kind, who].cpu,
        medians["bare", who].cpu,
        "ms",
        {"viewer": who, "search": kind, "wall_ms": wall, **more},
    )


def _name_in_sight(user: User) -> str:
    """Return first and last name of an insured that the user sees, for an address."""
    insured = Insured.objects.visible_to(user).filter(kind=Insured.Kind.PERSON).first()
    if insured is None:
        raise RuntimeError(f"{user} sees no insured")
    return f"{insured.first_name}+{insured.last_name}".replace(" ", "+")


def _in(name: str, call: Callable[[], object]) -> object:
    with database(name):
        return call()


def _in_turns(calls: Calls, *, rounds: int = ROUNDS) -> dict[tuple[str, ...], Sample]:
    """Return each call's median; all of them take turns, so that a slow moment of the machine affects all."""
    samples: dict[tuple[str, ...], list[Sample]] = {key: [] for key in calls}
    for turn in range(WARM_UP + rounds):
        for key, call in calls.items():
            sample = once(call)
            if turn >= WARM_UP:
                samples[key].append(sample)
    return {
        key: Sample(statistics.median(s.wall for s in rows), statistics.median(s.cpu for s in rows))
        for key, rows in samples.items()
    }
