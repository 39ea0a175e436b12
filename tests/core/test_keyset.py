"""Pages of a list by key."""

from __future__ import annotations

import base64
import json
from urllib.parse import urlencode

import pytest
from django.test import RequestFactory
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.keyset import keyset_page
from policies.models import Agency
from tests.book import AgencyFactory

pytestmark = pytest.mark.django_db
NAMES = ["Alder", "Birch", "Birch", "Cedar", "Doug", "Elm", "Fir"]


@pytest.fixture
def agencies():
    return [AgencyFactory(name=name) for name in NAMES]


def page(query, *, order=("name", "id"), size=3):
    request = RequestFactory().get("/list/" + query)
    return keyset_page(Agency.objects.all(), request, order=order, size=size)


def names(found):
    return [row.name for row in found.rows]


@pytest.mark.parametrize("direction", ["", "-"])
def test_pages_follow_one_another_forward_and_backward_without_gap_or_double(agencies, direction):
    order = (f"{direction}name", f"{direction}id")
    expected = sorted(agencies, key=lambda agency: (agency.name, agency.pk), reverse=bool(direction))
    first = page("", order=order)
    second = page(first.next_href, order=order)
    third = page(second.next_href, order=order)
    assert [*first.rows, *second.rows, *third.rows] == expected
    assert (first.previous_href, third.next_href) == ("", "")
    assert page(third.previous_href, order=order).rows == second.rows
    back = page(page(third.previous_href, order=order).previous_href, order=order)
    assert back.rows == first.rows
    assert back.previous_href == ""


def test_rows_of_one_name_are_told_apart_by_the_next_field(agencies):
    first = page("", size=2)
    assert names(first) == ["Alder", "Birch"]
    assert names(page(first.next_href, size=2)) == ["Birch", "Cedar"]


def test_the_rest_of_the_query_stays_in_the_links(agencies):
    found = page("?q=a+b&status=x")
    assert found.next_href.startswith("?q=a+b&status=x&after=")
    second = page(found.next_href)
    assert "after" not in second.previous_href
    assert second.previous_href.startswith("?q=a+b&status=x&before=")


def test_a_page_that_holds_everything_has_no_links(agencies):
    whole = page("", size=7)
    assert whole.is_whole
    assert not page("", size=6).is_whole


def test_nothing_gives_an_empty_page():
    assert page("").rows == []
    assert page("").is_whole


def cursor(values):
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "!!!",
        "e30",
        cursor(["only one"]),
        cursor(["x", "not a number"]),
        cursor(["a\x00b", 1]),
        cursor([["list"], 1]),
        cursor([None, None]),
        cursor({"a": 1}),
        "%FF%FE",
        "x" * 500,
        cursor(["a\ud800b", 1]),
        cursor(["Birch", 10**30]),
        cursor(["Birch", -(10**30)]),
        cursor(["Birch", 1.5]),
        base64.urlsafe_b64encode(b"[" * 1_500).decode(),
        base64.urlsafe_b64encode(b'["x", ' + b"9" * 5_000 + b"]").decode(),
    ],
)
def test_a_cursor_that_cannot_be_read_shows_the_first_page(agencies, text):
    assert names(page(f"?after={text}")) == NAMES[:3]


@given(
    st.one_of(st.text(), st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
    | st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), max_size=3).map(cursor)
)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_stands_for_a_cursor_gives_a_page(agencies, text):
    for order in (("name", "id"), ("created_at", "id"), ("-id",)):
        assert page(f"?{urlencode({'after': text})}", order=order).rows is not None


def test_a_row_that_is_gone_meanwhile_does_not_lose_the_place(agencies):
    first = page("")
    first.rows[-1].delete()
    assert names(page(first.next_href)) == ["Cedar", "Doug", "Elm"]


def test_the_order_runs_in_one_direction(agencies):
    with pytest.raises(ValueError, match="one direction"):
        page("", order=("name", "-id"))


def test_a_counted_list_says_its_place_on_each_page_in_one_statement(agencies, django_assert_num_queries):
    def counted(query):
        with django_assert_num_queries(1):
            return keyset_page(
                Agency.objects.all(), RequestFactory().get("/list/" + query), order=("name", "id"), size=3, count=True
            )

    first = counted("")
    second = counted(first.next_href)
    third = counted(second.next_href)
    assert [found.place for found in (first, second, third)] == ["1–3 of 7", "4–6 of 7", "7–7 of 7"]
    assert counted(third.previous_href).place == "4–6 of 7"
    assert counted("?after=nonsense").place == "1–3 of 7"


def test_a_list_longer_than_is_counted_says_so(agencies, monkeypatch):
    monkeypatch.setattr("core.keyset.MOST_COUNTED", 5)
    found = keyset_page(Agency.objects.all(), RequestFactory().get("/list/"), order=("name", "id"), size=3, count=True)
    assert found.place == "3 of more than 5"


def test_an_empty_or_uncounted_list_has_no_place(agencies):
    empty = keyset_page(Agency.objects.none(), RequestFactory().get("/list/"), order=("name", "id"), count=True)
    assert (empty.place, page("").place) == ("", "")


@pytest.mark.parametrize("count", [True, False])
@pytest.mark.parametrize("direction", ["", "-"])
def test_pages_of_wide_rows_are_the_same_found_by_their_ids(agencies, direction, count, django_assert_max_num_queries):
    order = (f"{direction}name", f"{direction}id")

    def wide(ids):
        return list(Agency.objects.filter(pk__in=ids))

    queries = ["", "?after=x"]
    while queries:
        request = RequestFactory().get("/list/" + queries.pop())
        plain = keyset_page(Agency.objects.all(), request, order=order, size=3, count=count)
        narrow = Agency.objects.only("pk")
        with django_assert_max_num_queries(2):
            found = keyset_page(narrow, request, order=order, size=3, count=count, rows_of=wide)
        assert found == plain
        if "before" not in request.GET:
            queries += [href for href in (plain.next_href, plain.previous_href) if href]


def test_a_wide_row_that_is_gone_meanwhile_is_left_out(agencies):
    gone = agencies[1]
    request = RequestFactory().get("/list/")
    found = keyset_page(
        Agency.objects.all(),
        request,
        order=("name", "id"),
        size=3,
        rows_of=lambda ids: list(Agency.objects.filter(pk__in=ids).exclude(pk=gone.pk)),
    )
    assert gone not in found.rows
    assert len(found.rows) == 3
