"""What pages ask every time: few statements, and each gives the rows of the queryset that it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from core.statements import Prepared
from tests.book import AgentOfRecordFactory, CoverageFactory, InsuredFactory, PolicyFactory, holder_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client
    from pytest_django import Settings

    from accounts.models import User
    from tests.cast import Cast

PEOPLE = ("ana", "paula", "adam", "mia", "olga")


@pytest.fixture
def age_is_known(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process know the age of the data, as it does for most pages."""
    settings.FEED_AS_OF_SECONDS = 3600
    monkeypatch.setattr("core.memo._recent", {})


@pytest.fixture
def book(cast: Cast) -> Cast:
    """Paula's group has more policies and insureds than a page shows; all of them are Adam's clients."""
    for serial in range(30):
        insured = InsuredFactory.create(first_name="Kim", last_name=f"Person{serial:02}")
        CoverageFactory.create(term=cast.term, insured=insured)
        policy = PolicyFactory.create(number=f"B-{serial:03}", policyholder=cast.policy.policyholder)
        CoverageFactory.create(term__policy=policy)
        AgentOfRecordFactory.create(policy=policy, agency=cast.agency)
    return cast


def asked(client: Client, address: str) -> list[str]:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return [query["sql"][:150] for query in queries.captured_queries]


@pytest.mark.usefixtures("age_is_known")
@pytest.mark.parametrize("who", [*PEOPLE, "support"])
def test_home_asks_seven_statements_at_most(book: Cast, browse: Callable[[User], Client], who: str) -> None:
    statements = asked(browse(getattr(book, who)), "/")
    assert len(statements) <= 7, statements


@pytest.mark.usefixtures("age_is_known")
def test_an_insured_who_manages_the_group_asks_one_more(book: Cast, browse: Callable[[User], Client]) -> None:
    holder_of(book.ana, book.policy.policyholder)
    statements = asked(browse(book.ana), "/")
    assert len(statements) <= 8, statements


@pytest.mark.usefixtures("age_is_known")
@pytest.mark.parametrize("who", ["paula", "adam"])
def test_the_list_asks_four_statements_and_a_policy_six(book: Cast, browse: Callable[[User], Client], who: str) -> None:
    client = browse(getattr(book, who))
    statements = asked(client, "/policies/")
    assert len(statements) <= 4, statements
    statements = asked(client, book.policy.get_absolute_url())
    assert len(statements) <= 6, statements


@pytest.mark.parametrize("who", PEOPLE)
def test_every_statement_gives_the_rows_of_its_queryset(
    book: Cast, browse: Callable[[User], Client], who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, seen = Prepared.__call__, set()

    def compared(statement: Prepared[Any], **values: Any) -> list[Any]:
        rows = ask(statement, **values)
        assert list(map(columns, rows)) == list(map(columns, statement.queryset(**values))), statement
        seen.add(statement.__name__)
        return rows

    monkeypatch.setattr(Prepared, "__call__", compared)
    client = browse(getattr(book, who))
    policy = {"mia": book.mias, "olga": book.olgas}.get(who, book.anas).term.policy
    for address in ("/", "/policies/", policy.get_absolute_url()):
        assert client.get(address).status_code == 200
    assert {"_memberships", "_news", "_latest", "_latest_of_policy", "_policy", "_terms"} <= seen


def columns(row: Any, depth: int = 4) -> Any:
    """Return what was read: fields and annotations that aren't deferred, of the row and of the rows that came with
    it."""
    if not isinstance(row, Model):
        return row
    if depth == 0:
        return row.pk
    found = {name: value for name, value in vars(row).items() if not name.startswith("_")} | row._state.fields_cache
    return {name: columns(value, depth - 1) for name, value in found.items()}
