"""Tails on an insured's page: in place, on offer with the days left, or none on record; drawn and in the table."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import count

import pytest

from core.templatetags.show import day, day_long
from policies.models import Company, Coverage, EreOffer, Membership, PriorCoverage
from tests.book import CoverageFactory, TermFactory, days
from tests.reading import words

pytestmark = pytest.mark.django_db
_number = count()


@pytest.fixture
def left(cast):
    """Ana's coverage, which ended 30 days ago in the middle of the group's term."""
    Coverage.objects.filter(pk=cast.anas.pk).update(expires=days(-30))
    return Coverage.objects.get(pk=cast.anas.pk)


def offer(coverage, **fields):
    values = {"status": "offered", "option": "3y", "decide_by": days(12), "price": Decimal(8000)} | fields
    return EreOffer.objects.create(source="core", external_id=f"T{next(_number)}", coverage=coverage, **values)


def page_of(browse, user, coverage):
    return words(browse(user).get(coverage.insured.get_absolute_url()))


def tails_of(browse, user, coverage):
    return browse(user).get(coverage.insured.get_absolute_url()).context["page"].tails


def test_an_open_offer_has_its_clock_and_its_options_as_the_carrier_gives_them(cast, browse, left):
    offer(left)
    offer(left, option="unlimited", price=Decimal(20000), installments=4, installment_amount=Decimal(5100),
          finance_charge=Decimal(400))  # fmt: skip
    page = page_of(browse, cast.ana, left)
    assert f"12 days left to decide on a tail Professional liability, policy {cast.policy.number}." in page
    assert f"Coverage ended on {day_long(days(-30))}. You can decide through {day_long(days(12))}." in page
    assert "3 years: $8,000.00" in page
    assert (
        "Unlimited reporting period: $20,000.00, or 4 installments of $5,100.00 with a finance charge of $400.00"
        in page
    )


@pytest.mark.parametrize(
    ("fields", "word", "clock"),
    [
        ({"decide_by": 0}, "Offered", "Today is the last day"),
        ({"decide_by": 1}, "Offered", "1 day left"),
        ({"decide_by": None}, "Offered", ""),
        ({"decide_by": -1}, "Lapsed", ""),
        ({"status": "lapsed"}, "Lapsed", ""),
        ({"status": "declined"}, "Declined", ""),
        ({"status": "elected"}, "Elected", ""),
        ({"status": "paid", "ends": None}, "In place", ""),
        ({"status": "granted", "ends": 300}, "In place", "299 days left"),
        ({"status": "automatic", "ends": 31}, "In place", "30 days left"),
        ({"status": "automatic", "ends": 0}, "Ended", ""),
    ],
)
def test_the_carriers_status_and_the_day_decide_how_the_tail_is(cast, browse, left, fields, word, clock):
    fields = {name: days(value) if isinstance(value, int) else value for name, value in fields.items()}
    offer(left, **fields)
    (tail,) = tails_of(browse, cast.ana, left)
    assert (tail.word, tail.clock) == (word, clock)


def test_an_offer_beside_an_automatic_tail_waits_and_one_taken_up_does_not(cast, browse, left):
    offer(left, status="automatic", option="60 days", ends=days(30))
    offer(left)
    assert [tail.is_open for tail in tails_of(browse, cast.ana, left)] == [True]
    offer(left, status="paid", option="1y", ends=days(335))
    assert [(tail.word, tail.is_open) for tail in tails_of(browse, cast.ana, left)] == [("In place", False)]


def test_claims_made_coverage_that_ended_without_an_offer_says_so_and_occurrence_needs_none(cast, browse, left):
    assert [tail.word for tail in tails_of(browse, cast.ana, left)] == ["None on record"]
    Coverage.objects.filter(pk=left.pk).update(form="occurrence", retroactive_date=None)
    assert [tail.word for tail in tails_of(browse, cast.ana, left)] == ["Not needed"]


def test_coverage_that_goes_on_needs_no_tail(cast, browse):
    before = TermFactory(policy=cast.policy, effective=days(-470), expires=cast.term.effective, status="expired")
    CoverageFactory(term=before, insured=cast.anas.insured)
    assert tails_of(browse, cast.ana, cast.anas) == []


def test_a_company_without_tails_online_shows_none(cast, browse, left):
    offer(left)
    Company.objects.update(services=[Company.Service.PAY])
    page = page_of(browse, cast.ana, left)
    assert "Tail" not in page
    assert "days left" not in page


def test_group_and_agent_see_the_tail_of_their_policy_by_the_same_right_as_on_its_page(cast, browse, left):
    offer(left)
    for user in (cast.paula, cast.adam):
        assert [tail.clock for tail in tails_of(browse, user, left)] == ["12 days left"]
    Membership.objects.filter(user=cast.paula).update(named_only=True, capabilities=["view_policy"])
    assert tails_of(browse, cast.paula, left) == []
    elsewhere = CoverageFactory(term=TermFactory(), insured=left.insured, expires=days(-3))
    offer(elsewhere)
    assert len(tails_of(browse, cast.ana, left)) == 2
    assert len(tails_of(browse, cast.adam, left)) == 1, "of the client's policy alone"


def test_tails_are_drawn_below_the_coverage_and_are_in_the_table(cast, browse, left):
    offer(left, status="paid", option="unlimited", starts=days(-30), ends=None)
    PriorCoverage.objects.create(
        source="core", external_id="P", insured=left.insured, carrier="Old Harbor Mutual", form="claims_made",
        effective=days(-3000), expires=days(-2000), retroactive_date=dt.date(2011, 5, 1), ere_ends=days(-900),
    )  # fmt: skip
    response = browse(cast.ana).get(left.insured.get_absolute_url())
    bars = [bar.title for bar in response.context["page"].timeline.bars if bar.kind == "tail"]
    assert bars == [
        f"Tail, purchased: {day(days(-30))} without an end",
        f"Tail, Old Harbor Mutual: {day(days(-2000))} to {day(days(-900))}",
    ]
    page = words(response)
    assert f"{day(days(-30))} – no end Tail, purchased" in page
    assert f"{day(days(-2000))} – {day(days(-900))} Tail, Old Harbor Mutual" in page
    assert all(0 <= bar.left <= 100 for bar in response.context["page"].timeline.bars)
    assert all(bar.left + bar.width <= 100.01 for bar in response.context["page"].timeline.bars)


def test_a_retroactive_date_that_moved_is_told_to_the_insured_alone(cast, browse):
    PriorCoverage.objects.create(
        source="core", external_id="P", insured=cast.anas.insured, carrier="Old Harbor Mutual", form="claims_made",
        effective=days(-3000), expires=cast.term.effective, retroactive_date=dt.date(2011, 5, 1),
    )  # fmt: skip
    told = "Later than before (May 1, 2011)"
    page = page_of(browse, cast.ana, cast.anas)
    assert told in page
    assert "Claims-made coverage doesn’t reach events before its retroactive date." in page
    assert told not in page_of(browse, cast.paula, cast.anas)
    PriorCoverage.objects.update(retroactive_date=dt.date(2015, 7, 1))
    assert told not in page_of(browse, cast.ana, cast.anas)
