"""What the load keeps of large books says the same as counting them does, on any day."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import product

import pytest

from policies.feed import figures
from policies.models import BookFigure, Coverage, Headcount, Membership, Policy, Scope, Term
from policies.pages.book import MOST_UPCOMING, book_of, counted_book, kept_book
from tests.book import (
    AgencyFactory,
    AgentOfRecordFactory,
    CoverageFactory,
    InsuredFactory,
    PolicyFactory,
    PolicyholderFactory,
    TermFactory,
    counted_by_the_load,
    days,
)

DAYS = (0, 1, 14, 30, 59, 60, 61, 100, 200, 264, 265, 266, 400, 800)


def at(agency_id: int, *others: int, on: dt.date) -> Scope:
    """Return what an agent at these agencies reaches on a day."""
    return Scope(frozenset({Membership.Role.AGENT}), [], [], [], [agency_id, *others], on)


@pytest.fixture
def agency(db: None) -> int:
    """Return an agency with clients of every status, touching terms, and appointments that begin, end, and overlap."""
    agency, other = AgencyFactory.create(), AgencyFactory.create()
    holder = PolicyholderFactory.create()
    company = PolicyFactory.create(policyholder=holder).company
    ahead = (None, days(-3), days(30))
    for serial, (status, cancels) in enumerate(product(Policy.Status.values, ahead)):
        policy = PolicyFactory.create(
            number=f"L-{99 - serial}",
            company=company,
            policyholder=holder,
            status=status,
            cancellation_effective=cancels,
            cure_amount=Decimal("1250.50") if cancels else None,
        )
        TermFactory.create(policy=policy, effective=days(-305 + serial), expires=days(60 + serial))
        TermFactory.create(policy=policy, effective=days(60 + serial), expires=days(425))
        TermFactory.create(policy=policy, effective=days(425), expires=days(790), status=Term.Status.OFFERED)
        first, second = {"ends": days(59)}, {"starts": days(29 if serial % 2 else 61)}
        if serial % 3 == 0:
            first, second = {}, {"starts": days(2000)}
        for fields in (first, second):
            AgentOfRecordFactory.create(policy=policy, agency=agency, **fields)
        AgentOfRecordFactory.create(policy=policy, agency=other, starts=days(-9))
    # More ends of one day than home shows, of terms that began on different days.
    for serial in range(MOST_UPCOMING + 3):
        policy = PolicyFactory.create(number=f"T-{serial % 2}{serial:02}", company=company, policyholder=holder)
        TermFactory.create(policy=policy, effective=days(-200 - serial % 3), expires=days(61))
        AgentOfRecordFactory.create(policy=policy, agency=agency)
    for until in (-3, 30):
        policy = PolicyFactory.create(
            number=f"S-{until}", company=company, policyholder=holder, status="cancelled", status_date=days(until)
        )
        TermFactory.create(policy=policy, effective=days(-200), expires=days(165))
        AgentOfRecordFactory.create(policy=policy, agency=agency)
    gone = PolicyFactory.create(company=company, policyholder=holder, retired_at=dt.datetime.now(dt.UTC))
    TermFactory.create(policy=gone)
    AgentOfRecordFactory.create(policy=gone, agency=agency)
    counted_by_the_load(figures.count_books)
    return int(agency.pk)


def test_the_kept_figures_give_the_book_that_counting_gives_on_every_day(agency: int) -> None:
    seen = set()
    for ahead in DAYS:
        scope = at(agency, on=days(ahead))
        book = kept_book(scope)
        counted = counted_book(scope)
        # Equal in every event too, in all that is shown of it, and in their order.
        assert book == counted if counted.in_force else book is None, ahead
        seen.add(counted.in_force)
    assert len(seen) >= 5
    assert BookFigure.objects.filter(agency=agency).count() < Term.objects.count()


def test_figures_are_for_one_agency_whose_clients_cannot_be_counted_twice(agency: int) -> None:
    today = days(0)
    both = list(Policy.objects.values_list("agents_of_record__agency", flat=True).distinct())
    scope = at(*both, on=today)
    assert kept_book(scope) is None
    assert book_of(scope).in_force < sum(book_of(at(one, on=today)).in_force for one in both)


def test_a_book_that_no_load_has_counted_is_counted_when_somebody_looks(agency: int) -> None:
    scope = at(agency, on=days(0))
    kept = book_of(scope)
    BookFigure.objects.all().delete()
    assert kept_book(scope) is None
    assert book_of(scope) == kept
    assert kept.in_force


def test_the_kept_number_of_insureds_is_what_counting_gives_on_every_day(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "LARGE_TERM", 3)
    large, small = TermFactory.create(), TermFactory.create()
    ana, bo, cy = InsuredFactory.create_batch(3)
    CoverageFactory.create(term=large, insured=ana)
    CoverageFactory.create(term=large, insured=ana, part=Coverage.Part.EXCESS, effective=days(-50), expires=days(30))
    CoverageFactory.create(term=large, insured=bo, expires=days(10))
    CoverageFactory.create(term=large, insured=bo, effective=days(10), expires=days(20))
    CoverageFactory.create(term=large, insured=bo, effective=days(40))
    CoverageFactory.create(term=large, insured=cy, effective=days(20), retired_at=dt.datetime.now(dt.UTC))
    CoverageFactory.create_batch(2, term=small)
    counted_by_the_load(figures.count_heads)

    assert set(Headcount.objects.values_list("term_id", flat=True)) == {large.pk}
    for ahead in (-100, -51, 0, 9, 10, 19, 20, 39, 40, 264):
        day = days(ahead)
        covered = Coverage.objects.not_retired().filter(term=large, effective__lte=day, expires__gt=day)
        kept = Headcount.objects.filter(term=large, day__lte=day).latest("day")
        assert kept.insureds == covered.values("insured").distinct().count(), ahead
    assert Headcount.objects.filter(term=large).latest("day").insureds == 0
