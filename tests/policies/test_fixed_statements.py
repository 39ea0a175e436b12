"""What pages ask every time: few statements, and each gives the rows of the queryset that it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from core.statements import Prepared
from policies.feed.figures import count_books, count_heads
from policies.models import Coverage, Policy
from policies.models.coverage import know_segments
from policies.pages.home import glance_of
from tests.book import (
    AgentOfRecordFactory,
    CoverageFactory,
    InsuredFactory,
    PolicyFactory,
    TermFactory,
    agent_at,
    counted_by_the_load,
    days,
    holder_of,
    insured_by,
)
from tests.cast import make_cast
from tests.factories import UserFactory
from tests.made_once import made_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client
    from pytest_django import Settings

    from accounts.models import User
    from tests.cast import Cast

VIEWERS = ("insured", "practitioner", "policyholder", "agent", "insured and policyholder", "in every role")


@pytest.fixture
def age_is_known(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process know the age of the data, as it does for most pages."""
    settings.FEED_AS_OF_SECONDS = 3600
    monkeypatch.setattr("core.memo._recent", {})


@made_once
def large_book() -> Cast:
    """Paula's group has more policies and insureds than a page shows; all of them are Adam's clients."""
    cast = make_cast()
    for serial in range(30):
        insured = InsuredFactory.create(first_name="Kim", last_name=f"Person{serial:02}")
        CoverageFactory.create(term=cast.term, insured=insured)
        policy = PolicyFactory.create(number=f"B-{serial:03}", policyholder=cast.policy.policyholder)
        CoverageFactory.create(term__policy=policy)
        AgentOfRecordFactory.create(policy=policy, agency=cast.agency)
    counted_by_the_load(count_books, count_heads)
    return cast


@pytest.fixture
def book(db: None) -> Cast:
    return large_book()


@pytest.fixture
def viewers(book: Cast) -> dict[str, User]:
    """Return a user for each mix of roles."""
    manager = insured_by(UserFactory.create(), book.anas.insured).user
    holder_of(manager, book.policy.policyholder)
    everyone = insured_by(UserFactory.create(), book.olgas.insured).user
    insured_by(everyone, book.bens.insured)
    holder_of(everyone, book.policy.policyholder)
    agent_at(everyone, book.agency)
    people = (book.ana, book.mia, book.paula, book.adam, manager, everyone)
    return dict(zip(VIEWERS, people, strict=True))


def asked(client: Client, address: str) -> list[str]:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return [query["sql"][:150] for query in queries.captured_queries]


@pytest.mark.usefixtures("age_is_known")
@pytest.mark.urls("bench.urls")
@pytest.mark.parametrize("who", VIEWERS)
# Two of home's ask for renewals: only where a term ends soon, or home doesn't show all policies.
@pytest.mark.parametrize(("address", "most"), [("/bench/empty/", 2), ("/", 13), ("/policies/", 4)])
def test_a_page_asks_few_statements_for_any_viewer(
    viewers: dict[str, User], browse: Callable[[User], Client], who: str, address: str, most: int
) -> None:
    statements = asked(browse(viewers[who]), address)
    assert len(statements) <= most, statements


@pytest.mark.usefixtures("age_is_known")
@pytest.mark.parametrize("who", VIEWERS)
def test_the_page_of_every_policy_asks_seven_statements_at_most(
    viewers: dict[str, User], browse: Callable[[User], Client], who: str
) -> None:
    client = browse(viewers[who])
    policies = Policy.objects.visible_to(viewers[who]).order_by("-number")[:4]
    assert policies
    for policy in policies:
        statements = asked(client, policy.get_absolute_url())
        assert len(statements) <= 7, statements


@pytest.mark.parametrize("who", VIEWERS)
def test_every_statement_gives_the_rows_of_its_queryset(
    viewers: dict[str, User], browse: Callable[[User], Client], who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, seen = Prepared.__call__, set()

    def compared(statement: Prepared[Any], **values: Any) -> list[Any]:
        rows = ask(statement, **values)
        assert list(map(columns, rows)) == list(map(columns, statement.queryset(**values))), statement
        seen.add(statement.__name__)
        return rows

    monkeypatch.setattr(Prepared, "__call__", compared)
    client = browse(viewers[who])
    policies = Policy.objects.visible_to(viewers[who]).order_by("-number")[:4]
    addresses = ("/", "/policies/", "/policies/?sort=-policyholder", "/policies/?q=person", "/credentialing/?q=b-0")
    for address in (*addresses, *(p.get_absolute_url() for p in policies)):
        assert client.get(address).status_code == 200
    assert {"_memberships", "_of_roles", "_latest", "_latest_of_policy", "_policy", "_terms", "_first_page"} <= seen


def is_named(text: str, *names: str) -> bool:
    """Whether one of these names has every word of a text, a word of three letters or more as a beginning."""

    def has(name: str, word: str) -> bool:
        return any(part.startswith(word) if len(word) > 2 else part == word for part in name.split())

    return any(all(has(name, word) for word in text.split()) for name in names)


@pytest.mark.parametrize("who", VIEWERS)
def test_a_search_finds_what_a_look_at_every_row_in_sight_would(
    viewers: dict[str, User], browse: Callable[[User], Client], who: str
) -> None:
    """By number, policyholder, and insured, in both lists; of people, only those that the user may know about."""
    user, client = viewers[who], browse(viewers[who])
    policies = Policy.objects.visible_to(user).select_related("policyholder")
    coverages = Coverage.objects.visible_to(user).select_related("insured", "term__policy__policyholder")
    found_any = set()
    # A number, beginnings of one; a group, a practice of one, a stranger; a whole name, beginnings, words too short.
    for text in (
        "mpl204118832",
        "mpl700",
        "b01",
        "zzz",
        "riverbend",
        "riv med",
        "okaf",
        "ben okafor",
        "nunez",
        "person0",
        "ki",
    ):
        expected = {
            one.number
            for one in policies
            if one.number_normalized.lower().startswith(text)
            or is_named(text, one.policyholder.search_name)
            or any(is_named(text, c.insured.search_name) for c in coverages if c.term.policy_id == one.pk)
        }
        page = client.get("/policies/", {"q": text}).context
        assert page["page"].total == len(expected), text
        assert [row.number for row in page["listing"].rows] == sorted(expected)[:25], text
        of_people = [
            c
            for c in coverages
            if c.term.policy.number_normalized.lower().startswith(text)
            or is_named(text, c.term.policy.policyholder.search_name, c.insured.search_name)
        ]
        of_people.sort(key=lambda c: (c.term.policy.number_normalized, c.sort_key, c.pk))
        page = client.get("/credentialing/", {"q": text, "status": "all"}).context
        assert page["page"].total == len(of_people), text
        assert [row.pk for row in page["page"].rows] == [c.pk for c in of_people[:25]], text
        found_any |= expected
    assert found_any


def test_an_agents_counts_are_of_all_clients_not_of_those_listed(book: Cast) -> None:
    """Nothing comes next with any of the thirty-one."""
    found = glance_of(book.adam).book
    assert found is not None
    assert (found.in_force, found.pending_cancellation, found.ending, found.upcoming) == (31, 0, 0, [])


def test_home_names_the_first_insureds_of_the_leading_policy(book: Cast) -> None:
    Policy.objects.filter(pk=book.policy.pk).update(number_normalized="A")
    leading, *others = glance_of(book.paula).held
    assert [insured.sort_name for insured in leading.insureds] == [
        "Núñez, Ana",
        "Okafor, Ben",
        *(f"Person{serial:02}, Kim" for serial in range(4)),
    ]
    assert leading.covered == 32
    assert not any(other.insureds for other in others)


@pytest.mark.django_db
def test_coverages_know_their_segments_from_one_another() -> None:
    """As the query of each would say."""
    term = TermFactory.create()
    first = CoverageFactory.create(term=term, expires=days(0))
    changed = CoverageFactory.create(term=term, insured=first.insured, effective=days(0))
    part = CoverageFactory.create(term=term, insured=first.insured, part=Coverage.Part.GENERAL)
    colleague = CoverageFactory.create(term=term)
    together = [first, changed, part, colleague]
    know_segments(together)
    for coverage in together:
        alone = Coverage.objects.get(pk=coverage.pk)
        assert sorted(coverage.segments) == sorted(alone.segments)
    assert changed.period == (term.effective, term.expires)


def columns(row: Any, depth: int = 4) -> Any:
    """Return what was read: fields and annotations that aren't deferred, of the row and of the rows that came with
    it."""
    if not isinstance(row, Model):
        return row
    if depth == 0:
        return row.pk
    found = {name: value for name, value in vars(row).items() if not name.startswith("_")} | row._state.fields_cache
    return {name: columns(value, depth - 1) for name, value in found.items()}
