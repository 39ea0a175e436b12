"""A certificate as of another day of the term: what is in force on that day, as far as we know today (S-36)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from credentialing.certificates import issuing
from credentialing.models import Certificate
from feed.models import Source
from policies.eligibility import Paper, judge_parts
from policies.models import Coverage, Endorsement, Policy, Suspension, Term
from tests.book import CoverageFactory
from tests.cast import Cast
from tests.credentialing.helpers import to_whom, words_of
from tests.reading import words

NOON = dt.datetime(2026, 11, 21, 17, 0, tzinfo=dt.UTC)
pytestmark = pytest.mark.time_machine(NOON, tick=False)
TODAY = dt.date(2026, 11, 21)
STARTS, CHANGED, ENDS = dt.date(2026, 3, 1), dt.date(2026, 9, 1), dt.date(2027, 3, 1)
DAY = dt.timedelta(days=1)
Browse = Callable[[User], Client]


@pytest.fixture
def book(cast: Cast) -> Cast:
    """Return the cast with a term from March 1, 2026, in which Ana's limits were raised on September 1."""
    Term.objects.update(effective=STARTS, expires=ENDS)
    Coverage.objects.update(effective=STARTS, expires=ENDS)
    Source.objects.update(as_of=dt.datetime(2026, 11, 21, 7, 0, tzinfo=dt.UTC))
    Coverage.objects.filter(pk=cast.anas.pk).update(expires=CHANGED)
    cast.anas.refresh_from_db()
    CoverageFactory.create(
        term=Term.objects.get(pk=cast.anas.term_id), insured=cast.anas.insured, effective=CHANGED, expires=ENDS,
        limit_per_claim=2_000_000, limit_aggregate=4_000_000, continues=cast.anas,
    )  # fmt: skip
    return cast


def issue_page(coverage: Coverage) -> str:
    return reverse("credentialing:issue", args=[coverage.public_id])


def issued_about(book: Cast, browse: Browse, day: dt.date) -> str:
    """Return the text of the certificate that Ana's page issues about a day."""
    response = browse(book.ana).post(issue_page(book.anas), to_whom() | {"day": str(day)})
    assert response.status_code == 302, words(response)
    certificate = Certificate.objects.latest("id")
    issuing.render(certificate.pk)
    return words_of(Certificate.objects.get(pk=certificate.pk))


def test_a_day_before_a_change_has_the_limits_of_that_day(book: Cast, browse: Browse) -> None:
    text = issued_about(book, browse, CHANGED - DAY)
    assert "Status: In force on August 31, 2026" in text
    assert "As of an earlier day. This certificate states the coverage as it was on August 31, 2026." in text
    assert "Issued November 21, 2026" in text
    assert "$1,000,000 per claim $3,000,000" in text
    assert "$2,000,000" not in text
    assert "Coverage of this insured" not in text, "one chain of coverage, the whole term"


def test_the_first_day_of_a_change_has_the_new_limits(book: Cast, browse: Browse) -> None:
    text = issued_about(book, browse, CHANGED)
    assert "Status: In force on September 1, 2026" in text
    assert "$2,000,000 per claim $4,000,000" in text


def test_a_day_ahead_is_bound_and_may_change(book: Cast, browse: Browse) -> None:
    text = issued_about(book, browse, ENDS - DAY)
    assert "Status: Bound for February 28, 2027" in text
    assert "As of a later day. This certificate states the coverage as it is bound for February 28, 2027." in text
    assert "In force" not in text


def test_a_change_ahead_is_stated_as_of_its_day(book: Cast, browse: Browse) -> None:
    ahead = dt.date(2027, 1, 1)
    Coverage.objects.filter(continues=book.anas).update(effective=ahead)
    Coverage.objects.filter(pk=book.anas.pk).update(expires=ahead)
    assert "$1,000,000 per claim" in issued_about(book, browse, ahead - DAY)
    text = issued_about(book, browse, ahead)
    assert "$2,000,000 per claim" in text
    assert Certificate.objects.latest("id").kind == Paper.COI, "the coverage runs already"
    assert "Upcoming coverage" not in text


def test_what_holds_on_the_day_is_printed(book: Cast, browse: Browse) -> None:
    for number, dates in {
        "BEFORE": {"expires": dt.date(2026, 6, 1)},
        "AFTER": {"effective": dt.date(2026, 6, 1)},
    }.items():
        Endorsement.objects.create(
            source="core", external_id=number, coverage=book.anas, form_number=number, title="Title",
            on_certificate=True, **dates,
        )  # fmt: skip
    Suspension.objects.create(
        source="core", external_id="S", coverage=book.anas, starts=dt.date(2026, 5, 1), ends=dt.date(2026, 6, 1)
    )
    text = issued_about(book, browse, dt.date(2026, 5, 31))
    assert "BEFORE" in text
    assert "AFTER" not in text
    assert "In force on May 31, 2026; services on that day aren’t covered" in text
    assert "In force on June 1, 2026 " in issued_about(book, browse, dt.date(2026, 6, 1))


def test_today_and_no_day_are_the_same_certificate_and_another_day_is_another(book: Cast, browse: Browse) -> None:
    client, form = browse(book.ana), to_whom()
    for day in ("", str(TODAY), str(TODAY - DAY), str(TODAY - DAY)):
        client.post(issue_page(book.anas), form | {"day": day})
    assert [one.snapshot["about"] for one in Certificate.objects.order_by("id")] == [str(TODAY), str(TODAY - DAY)]


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        (str(STARTS - DAY), "February 28, 2026 isn’t in this term."),
        (str(ENDS), "March 1, 2027 isn’t in this term."),
        ("soon", "Enter a date, such as 11/24/2026."),
        ("2026-02-30", "Enter a date, such as 11/24/2026."),
    ],
)
def test_a_day_outside_the_term_is_refused_beside_the_field(
    book: Cast, browse: Browse, day: str, sentence: str
) -> None:
    page = browse(book.ana).post(issue_page(book.anas), to_whom() | {"day": day})
    assert page.status_code == 422
    assert page.content.decode().count(sentence) == 2, "once in the summary, once at the field"
    assert not Certificate.objects.exists()


def test_a_day_before_the_insured_joined_or_after_a_known_end_gives_nothing(book: Cast, browse: Browse) -> None:
    Coverage.objects.filter(pk=book.anas.pk).update(effective=dt.date(2026, 4, 1))
    Policy.objects.filter(pk=book.policy.pk).update(status="cancelled", cancellation_effective=dt.date(2026, 12, 15))
    client = browse(book.ana)

    def refusal(day: dt.date) -> str:
        page = client.post(issue_page(book.anas), to_whom() | {"day": str(day)})
        assert page.status_code == 422
        return words(page)

    assert "This coverage began on April 1, 2026, after the day that you asked for." in refusal(dt.date(2026, 3, 31))
    assert "This coverage ends on December 15, 2026, before the day that you asked for." in refusal(
        dt.date(2026, 12, 15)
    )
    assert "In force on April 1, 2026; ends on December 15, 2026" in issued_about(book, browse, dt.date(2026, 4, 1))


def test_one_part_that_isnt_there_on_the_day_is_named(book: Cast, browse: Browse) -> None:
    layer = CoverageFactory.create(
        term=Term.objects.get(pk=book.anas.term_id), insured=book.anas.insured, part="excess",
        effective=dt.date(2026, 10, 1), expires=ENDS,
    )  # fmt: skip
    client = browse(book.ana)
    form = to_whom() | {"day": str(CHANGED), "parts": [book.anas.public_id, layer.public_id]}
    own = Coverage.objects.get(continues=book.anas)
    page = client.post(issue_page(book.anas), form | {"parts": [own.public_id, layer.public_id]})
    assert page.status_code == 422
    assert "Excess liability: This coverage began on October 1, 2026, after the day that you asked for." in words(page)
    assert client.post(issue_page(book.anas), form | {"parts": [own.public_id]}).status_code == 302
    assert len(Certificate.objects.get().snapshot["parts"]) == 1


def test_a_letter_offers_no_day(book: Cast, browse: Browse) -> None:
    Term.objects.filter(pk=book.anas.term_id).update(expires=TODAY)
    assert 'name="day"' not in browse(book.ana).get(issue_page(book.anas)).content.decode()


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        (dt.date(2026, 5, 1), [Paper.COI]),
        (dt.date(2026, 6, 1), [""]),
        (dt.date(2026, 8, 1), [Paper.COI]),
    ],
)
def test_days_of_a_lapse_give_nothing_and_those_around_it_their_own_coverage(
    book: Cast, asked: dt.date, kinds: list[str]
) -> None:
    """Cancelled on June 1 and reinstated on July 1: two chains; the first ended, and its paper is a letter."""
    Coverage.objects.filter(pk=book.anas.pk).update(expires=dt.date(2026, 6, 1))
    Coverage.objects.filter(continues=book.anas).update(effective=dt.date(2026, 7, 1), continues=None)
    coverages = list(Coverage.objects.with_policy().filter(insured=book.anas.insured))
    ended, reinstated = judge_parts(coverages, asked=asked)
    assert ended.gives.kind in (Paper.LETTER, "")
    assert [reinstated.gives.kind] == (kinds if asked >= dt.date(2026, 7, 1) else [""])
