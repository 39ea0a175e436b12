"""The list of policies: what each role finds in it, by search, by status and page by page (S-34)."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.keyset import MOST_COUNTED
from core.templatetags.show import day_long
from policies.filters import STATUSES
from policies.models import BookFigure, Coverage, Membership, Policy, Term
from tests.book import (
    AgencyFactory,
    AgentOfRecordFactory,
    CoverageFactory,
    InsuredFactory,
    PolicyFactory,
    TermFactory,
    days,
    holder_of,
)
from tests.reading import links, words

pytestmark = pytest.mark.django_db
ADDRESS = "/policies/"


def numbers(response):
    return [row.number for row in response.context["listing"].rows]


def test_each_sees_her_own_policies_and_nobody_elses(cast, browse):
    for user, expected in (
        (cast.ana, ["MPL-204-118832"]),
        (cast.paula, ["MPL-204-118832"]),
        (cast.adam, ["MPL-204-118832"]),
        (cast.mia, ["MPL-700-000001"]),
        (cast.olga, ["ZZZ-900-000009"]),
    ):
        assert numbers(browse(user).get(ADDRESS)) == expected


def test_a_row_gives_the_policys_status_and_leads_to_its_page(cast, browse):
    response = browse(cast.paula).get(ADDRESS)
    assert "Riverbend Medical Group Physicians MPL-204-118832 In force" in words(response)
    assert cast.policy.get_absolute_url() in links(response)


def test_the_premium_is_for_those_who_see_the_policy_whole(cast, browse):
    assert "$184,200" in words(browse(cast.paula).get(ADDRESS))
    assert "$184,200" in words(browse(cast.adam).get(ADDRESS))
    page = words(browse(cast.ana).get(ADDRESS))
    assert "$" not in page
    assert "Premium" not in page


def test_who_is_insured_on_one_policy_and_manages_another_sees_only_the_others_premium(cast, browse):
    other = TermFactory(policy__number="MPL-999-000001", premium=Decimal("1234.00")).policy
    holder_of(cast.ana, other.policyholder)
    rows = {row.number: row.premium for row in browse(cast.ana).get(ADDRESS).context["listing"].rows}
    assert rows == {"MPL-204-118832": "", "MPL-999-000001": "$1,234"}


@pytest.mark.parametrize("text", ["mpl-204-118832", "MPL204118", "mpl 204", "riverbend", "Núñez", "nunez ana", "okaf"])
def test_a_manager_finds_a_policy_by_number_in_any_spelling_and_by_the_names_on_it(cast, browse, text):
    assert numbers(browse(cast.paula).get(ADDRESS, {"q": text})) == ["MPL-204-118832"]


@pytest.mark.parametrize("text", ["MPL-204-118832", "riverbend", "nunez"])
def test_an_insured_finds_her_policy_by_number_holder_and_her_own_name(cast, browse, text):
    assert numbers(browse(cast.ana).get(ADDRESS, {"q": text})) == ["MPL-204-118832"]


def test_a_search_tells_an_insured_nobody_elses_name_on_the_roster(cast, browse):
    assert numbers(browse(cast.ana).get(ADDRESS, {"q": "okafor"})) == []
    assert numbers(browse(cast.ben).get(ADDRESS, {"q": "okafor"})) == ["MPL-204-118832"]


def test_a_search_never_reaches_another_customers_policy(cast, browse):
    for text in ("ZZZ-900-000009", "zzz", "elsewhere", "Lund"):
        assert numbers(browse(cast.paula).get(ADDRESS, {"q": text})) == []


def test_a_short_name_is_found_as_a_whole_word_and_not_as_the_beginning_of_many(cast, browse):
    CoverageFactory(term=cast.term, insured=InsuredFactory(first_name="Wu", last_name="Li"))
    assert numbers(browse(cast.paula).get(ADDRESS, {"q": "li wu"})) == ["MPL-204-118832"]
    assert numbers(browse(cast.paula).get(ADDRESS, {"q": "ri"})) == []


@pytest.mark.parametrize("text", ["---", "ñ", "' OR 1=1 --", "a:*&|!()", "%", "\\", "名前"])
def test_strange_text_is_a_search_like_any_other(cast, browse, text):
    response = browse(cast.paula).get(ADDRESS, {"q": text})
    assert response.status_code == 200
    assert numbers(response) == []
    assert "No policies found" in words(response)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"q": "x" * 101}, "Enter up to 100 characters."),
        ({"status": "burning"}, "Choose one of the statuses above."),
    ],
)
def test_what_cannot_be_searched_for_is_said_and_refused(cast, browse, query, sentence):
    response = browse(cast.paula).get(ADDRESS, query)
    assert response.status_code == 422
    assert sentence in words(response)
    assert numbers(response) == []


def test_every_status_has_its_tab_and_its_policies(cast, browse):
    for status in Policy.Status.values:
        policy = PolicyFactory(number=f"S-{status}", policyholder=cast.policy.policyholder, status=status)
        over = status in ("expired", "nonrenewed")
        TermFactory(policy=policy, expires=days(0) if over else days(200))
    for number, fields in (
        ("S-notice", {"status": "nonrenewed"}),
        ("S-later", {"status": "cancelled", "cancellation_effective": days(9)}),
        ("S-bound", {}),
        ("S-silent", {}),
        ("S-empty", {}),
    ):
        policy = PolicyFactory(number=number, policyholder=cast.policy.policyholder, **fields)
        if number == "S-bound":
            TermFactory(policy=policy, effective=days(9), expires=days(374))
        elif number != "S-empty":
            TermFactory(policy=policy, expires=days(-1) if number == "S-silent" else days(200))
    ending = PolicyFactory(number="S-ending", policyholder=cast.policy.policyholder)
    TermFactory(policy=ending, expires=days(60))
    client = browse(cast.paula)
    expected = {
        "in_force": [
            *("MPL-204-118832", "S-active", "S-ending", "S-later", "S-notice", "S-pending_cancellation"),
        ],
        "ending": ["S-ending"],
        "upcoming": ["S-bound"],
        "pending_cancellation": ["S-later", "S-pending_cancellation"],
        "pending": ["S-empty", "S-pending"],
        "cancelled": ["S-cancelled"],
        "expired": ["S-expired", "S-silent"],
        "nonrenewed": ["S-nonrenewed"],
    }
    for status, found in expected.items():
        response = client.get(ADDRESS, {"status": status, "q": ""})
        assert sorted(numbers(response)) == found, status
        words_there = {row.word for row in response.context["listing"].rows}
        if status not in ("in_force", "ending"):
            assert words_there == {dict(STATUSES)[status]}, "tabs and marks speak the same words"
        (current,) = [tab for tab in response.context["listing"].tabs if tab.current]
        assert parse_qs(urlsplit(current.href).query) == {"status": [status]}
    assert len(numbers(client.get(ADDRESS))) == 13


def test_a_tab_keeps_the_search(cast, browse):
    tabs = browse(cast.paula).get(ADDRESS, {"q": "river bend", "status": "cancelled"}).context["listing"].tabs
    assert tabs[0].href == "?q=river+bend"
    assert tabs[1].href == "?q=river+bend&status=in_force"


def test_the_list_is_paged_in_order_of_number_and_back_again(cast, browse):
    for serial in range(60):
        PolicyFactory(number=f"A-{serial:03}", policyholder=cast.policy.policyholder)
    client = browse(cast.paula)
    seen, address = [], ADDRESS
    while address:
        response = client.get(address)
        seen.append(numbers(response))
        href = response.context["page"].next_href
        address = ADDRESS + href if href else ""
    assert [len(page) for page in seen] == [25, 25, 11]
    everything = [number for page in seen for number in page]
    assert everything == sorted(everything)
    assert everything[-1] == "MPL-204-118832"
    back = client.get(ADDRESS + response.context["page"].previous_href)
    assert numbers(back) == seen[1]
    assert numbers(client.get(ADDRESS + back.context["page"].previous_href)) == seen[0]


def test_the_hundred_thousandth_row_costs_no_more_queries_than_the_first(cast, browse):
    client = browse(cast.adam)
    client.get(ADDRESS)
    with CaptureQueriesContext(connection) as few:
        client.get(ADDRESS)
    for serial in range(30):
        policy = PolicyFactory(number=f"B-{serial:03}")
        TermFactory(policy=policy)
        AgentOfRecordFactory(policy=policy, agency=cast.agency)
    with CaptureQueriesContext(connection) as many:
        response = client.get(ADDRESS)
    assert len(numbers(response)) == 25
    assert len(many) == len(few) <= 10
    statements = [query["sql"] for query in many.captured_queries]
    assert not any("OFFSET" in statement for statement in statements)
    # The place in the list comes with its rows, counted to a bound.
    assert [f"LIMIT {MOST_COUNTED + 1}" in statement for statement in statements if "COUNT(" in statement] == [True]


def test_who_has_no_policy_is_told_so_and_whom_to_call(cast, browse):
    Membership.objects.filter(user=cast.ana).delete()
    response = browse(cast.ana).get(ADDRESS)
    assert "No policy is linked to your account" in words(response)
    assert "(860) 555-0140" in response.content.decode()


def test_a_renewal_is_not_taken_for_the_current_term(cast, browse):
    TermFactory(policy=cast.policy, effective=cast.term.expires, expires=days(630), status=Term.Status.OFFERED)
    (row,) = browse(cast.paula).get(ADDRESS).context["listing"].rows
    assert row.word == "In force"
    assert row.term.endswith(f"{cast.term.expires:%Y}")


def test_the_list_needs_a_signed_in_user(client):
    response = client.get(ADDRESS)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("accounts:sign-in"))


def test_the_list_is_only_read(cast, browse):
    assert browse(cast.paula).post(ADDRESS).status_code == 405


@pytest.mark.parametrize("status", ["pending_cancellation", "cancelled", "nonrenewed"])
def test_no_tab_and_no_row_tells_who_left_what_became_of_the_group(cast, browse, status):
    Coverage.objects.filter(pk=cast.bens.pk).update(expires=days(-40))
    over = days(-1) if status == "nonrenewed" else cast.term.expires
    Term.objects.filter(pk=cast.term.pk).update(expires=over)
    Policy.objects.filter(pk=cast.policy.pk).update(
        status=status, cancellation_effective=days(5) if status == "pending_cancellation" else days(-5)
    )
    client = browse(cast.ben)
    assert numbers(client.get(ADDRESS, {"status": "expired"})) == ["MPL-204-118832"]
    for other in (code for code, _ in STATUSES if code != "expired"):
        assert numbers(client.get(ADDRESS, {"status": other})) == [], other
    (row,) = client.get(ADDRESS).context["listing"].rows
    assert (row.word, row.note) == ("Expired", f"Your coverage ended on {day_long(days(-40))}")
    assert numbers(browse(cast.paula).get(ADDRESS, {"status": status})) == ["MPL-204-118832"]
    holder_of(cast.ben, cast.policy.policyholder)
    assert numbers(browse(cast.ben).get(ADDRESS, {"status": status})) == ["MPL-204-118832"], "she sees it whole now"


def test_the_list_is_counted_and_sorts_by_number_and_by_policyholder(cast, browse):
    for number, name in (("A-1", "Zeta Clinic"), ("B-2", "alder Clinic"), ("C-3", "Mid Clinic")):
        holder_of(cast.paula, TermFactory(policy__number=number, policy__policyholder__name=name).policy.policyholder)
    client = browse(cast.paula)
    assert "Showing 1–4 of 4 policies" in words(client.get(ADDRESS))
    assert numbers(client.get(ADDRESS, {"sort": "-number"})) == ["MPL-204-118832", "C-3", "B-2", "A-1"]
    by_name = client.get(ADDRESS, {"sort": "policyholder"})
    assert numbers(by_name) == ["B-2", "C-3", "MPL-204-118832", "A-1"]
    assert 'aria-sort="ascending"' in by_name.content.decode()
    assert "?sort=-policyholder" in links(by_name)
    assert numbers(client.get(ADDRESS, {"sort": "premium; drop"})) == ["A-1", "B-2", "C-3", "MPL-204-118832"]


@pytest.mark.parametrize(
    ("kept", "fields", "place"),
    [
        (MOST_COUNTED + 1, {}, "25 of more than 1,000"),
        (MOST_COUNTED, {}, "1–25 of 31"),
        (MOST_COUNTED + 1, {"ends": days(0)}, "1–25 of 31"),
        (MOST_COUNTED + 1, {"starts": days(1)}, "1–25 of 31"),
        (MOST_COUNTED + 1, {"agency": None}, "1–25 of 31"),
    ],
)
def test_a_book_that_the_load_found_large_is_not_counted_again(cast, browse, kept, fields, place):
    for serial in range(30):
        AgentOfRecordFactory(policy=PolicyFactory(number=f"B-{serial:03}"), agency=cast.agency)
    agency = fields.get("agency", cast.agency) or AgencyFactory()
    term = {"expires": days(9), "comes_on": days(9), "first_terms": [], "status": "active"}
    for policies in (1, kept - 1):
        figure = {"agency": agency, "starts": days(-9), "ends": days(9), "policies": policies} | term
        BookFigure.objects.create(**figure | fields | {"agency": agency})
    client = browse(cast.adam)
    first = client.get(ADDRESS)
    assert f"Showing {place} policies" in words(first)
    second = client.get(ADDRESS + first.context["page"].next_href)
    rest = "6 of more than 1,000" if "more" in place else "26–31 of 31"
    assert f"Showing {rest} policies" in words(second)
    assert "Showing 1–25 of 30 policies" in words(client.get(ADDRESS, {"q": "b-0"})), "what is found is counted"


def test_a_tab_and_a_page_keep_the_order(cast, browse):
    for place in range(30):
        holder_of(cast.paula, TermFactory(policy__policyholder__name=f"Clinic {place:02}").policy.policyholder)
    client = browse(cast.paula)
    first = client.get(ADDRESS, {"sort": "-policyholder"})
    assert "?status=in_force&sort=-policyholder" in links(first)
    second = client.get(ADDRESS + first.context["page"].next_href)
    assert "Showing 26–31 of 31 policies" in words(second)
    assert numbers(first)[0] == "MPL-204-118832"
    assert [row.policyholder for row in second.context["listing"].rows][-1] == "Clinic 00"
