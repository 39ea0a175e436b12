"""What a day gives (docs/spec.md#what-a-day-gives), row by row, on each side of each date."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from credentialing.models import Certificate
from policies.eligibility import Eligibility, Paper, judge, judge_now
from policies.models import Company, Coverage, Policy, Policyholder, Term
from policies.models.segments import Segment, linked
from tests.book import CoverageFactory, data_of, days

# Every date of these tests is passed in: they are about one term of a year, seen from within it.
TODAY = dt.date(2026, 11, 21)
STARTS, ENDS = dt.date(2026, 3, 1), dt.date(2027, 3, 1)
DAY = dt.timedelta(days=1)
PAST, AHEAD = TODAY - 50 * DAY, TODAY + 20 * DAY
LAST_YEAR = {
    "term_effective": dt.date(2025, 3, 1),
    "term_expires": STARTS,
    "effective": dt.date(2025, 3, 1),
    "expires": STARTS,
}
NEXT_YEAR = {
    "term_effective": ENDS,
    "term_expires": dt.date(2028, 3, 1),
    "effective": ENDS,
    "expires": dt.date(2028, 3, 1),
}
PENDING_AHEAD = {"policy_status": "pending_cancellation", "policy_cancellation_effective": AHEAD}
PENDING_PASSED = {"policy_status": "pending_cancellation", "policy_cancellation_effective": PAST}
CANCELLED_AHEAD = {"policy_status": "cancelled", "policy_cancellation_effective": AHEAD}
CANCELLED = {"policy_status": "cancelled", "policy_cancellation_effective": PAST}


def a_coverage(**fields: Any) -> Coverage:
    """Return a coverage of one term; `policy_…`, `term_…`, `company_…`, and plain names set the fields of each."""
    of: dict[str, dict[str, Any]] = {
        "company": {},
        "policy": {"status": "active"},
        "term": {"status": "bound", "effective": STARTS, "expires": ENDS},
    }
    own: dict[str, Any] = {"effective": STARTS, "expires": ENDS}
    for name, value in fields.items():
        model, _, field = name.partition("_")
        if model in of:
            of[model][field] = value
        else:
            own[name] = value
    policy = Policy(
        source="core", company=Company(**of["company"]), policyholder=Policyholder(state="NY"), **of["policy"]
    )
    coverage = Coverage(term=Term(policy=policy, **of["term"]), **own)
    coverage.segments = [coverage.as_segment]
    return coverage


def eligibility(
    today: dt.date = TODAY,
    *,
    fresh: bool = True,
    segments: list[list[dt.date]] | None = None,
    asked: dt.date | None = None,
    **fields: Any,
) -> Eligibility:
    """Return the eligibility on `a_coverage(**fields)`."""
    as_of = timezone.now() - dt.timedelta(hours=1 if fresh else 85)
    coverage = a_coverage(**fields)
    if segments is not None:
        coverage.segments = [Segment(*dates) for dates in segments]
    return judge(coverage, today=today, as_of=as_of, asked=asked)


NOTHING = ""
TABLE: dict[str, tuple[dict[str, Any], str]] = {
    "in force": ({}, Paper.COI),
    "nonrenewal ahead": ({"policy_status": "nonrenewed"}, Paper.COI),
    "called expired, and its term still runs": ({"policy_status": "expired"}, Paper.COI),
    "who leaves tomorrow": ({"expires": TODAY + DAY}, Paper.COI),
    "cancellation pending, by default": (PENDING_AHEAD, Paper.PENDING_CANCELLATION),
    "cancellation pending, to staff": (PENDING_AHEAD | {"company_pending_cancellation": "staff"}, NOTHING),
    "cancellation pending, nothing": (PENDING_AHEAD | {"company_pending_cancellation": "nothing"}, NOTHING),
    "cancelled as of a later date": (CANCELLED_AHEAD, Paper.PENDING_CANCELLATION),
    "cancelled as of a later date, its term called so": (
        CANCELLED_AHEAD | {"term_status": "cancelled"},
        Paper.PENDING_CANCELLATION,
    ),
    "cancelled as of a later date, to staff": (CANCELLED_AHEAD | {"company_pending_cancellation": "staff"}, NOTHING),
    "the date of a pending cancellation has passed": (PENDING_PASSED, NOTHING),
    "it is today": (PENDING_PASSED | {"policy_cancellation_effective": TODAY}, NOTHING),
    "it isn't known": ({"policy_status": "pending_cancellation"}, NOTHING),
    "it has passed: an earlier term": (PENDING_PASSED | LAST_YEAR | {"term_status": "expired"}, Paper.LETTER),
    "it has passed: who left before it": (PENDING_PASSED | {"expires": PAST}, Paper.LETTER),
    "it has passed: who left after it": (PENDING_PASSED | {"expires": PAST + DAY}, NOTHING),
    "it has passed: the renewal": (PENDING_PASSED | NEXT_YEAR, NOTHING),
    "a cancellation comes before the renewal begins": (PENDING_AHEAD | NEXT_YEAR, NOTHING),
    "a renewal that is bound": (NEXT_YEAR, Paper.RENEWAL),
    "new business that is bound ahead": (NEXT_YEAR | {"policy_status": "active"}, Paper.RENEWAL),
    "an insured who joins next week": ({"effective": TODAY + 7 * DAY}, Paper.RENEWAL),
    "not bound: pending": ({"policy_status": "pending"}, NOTHING),
    "not bound: offered": (NEXT_YEAR | {"term_status": "offered"}, NOTHING),
    "not bound: accepted": (NEXT_YEAR | {"term_status": "accepted"}, NOTHING),
    "not bound: declined": (NEXT_YEAR | {"term_status": "declined"}, NOTHING),
    "withdrawn before it began": (NEXT_YEAR | {"term_status": "cancelled"}, NOTHING),
    "an offer that ran out": (NEXT_YEAR | {"term_status": "expired"}, NOTHING),
    "a term cancelled alone, its end not given": ({"term_status": "cancelled"}, NOTHING),
    "cancelled": (CANCELLED, Paper.LETTER),
    "cancelled, by the date of the status": ({"policy_status": "cancelled", "policy_status_date": PAST}, Paper.LETTER),
    "cancelled today": ({"policy_status": "cancelled", "policy_cancellation_effective": TODAY}, Paper.LETTER),
    "cancelled, the date not given": ({"policy_status": "cancelled"}, NOTHING),
    "cancelled from its beginning": ({"policy_status": "cancelled", "policy_cancellation_effective": STARTS}, NOTHING),
    "cancelled: the renewal": (CANCELLED | NEXT_YEAR, NOTHING),
    "an earlier term": (LAST_YEAR | {"term_status": "expired"}, Paper.LETTER),
    "an earlier term of a cancelled policy": (CANCELLED | LAST_YEAR | {"term_status": "expired"}, Paper.LETTER),
    "expired": (LAST_YEAR | {"policy_status": "expired"}, Paper.LETTER),
    "not renewed": (LAST_YEAR | {"policy_status": "nonrenewed"}, Paper.LETTER),
    "who left": ({"expires": PAST, "ended_reason": "Left the group"}, Paper.LETTER),
    "who left today": ({"expires": TODAY}, Paper.LETTER),
}


@pytest.mark.parametrize("row", TABLE)
def test_what_a_day_gives(row: str) -> None:
    fields, paper = TABLE[row]
    found = eligibility(**fields)
    assert found.kind == paper
    assert bool(found.reason) is (paper == NOTHING), "who gets nothing is told why"


@pytest.mark.parametrize("row", TABLE)
def test_old_data_gives_nothing_that_speaks_of_today_and_letters_still(row: str) -> None:
    fields, paper = TABLE[row]
    assert eligibility(fresh=False, **fields).kind == (paper if paper == Paper.LETTER else NOTHING)


def test_a_certificate_keeps_the_same_names_for_what_is_issued() -> None:
    assert {paper.value for paper in Paper} == set(Certificate.Kind.values)


def test_the_first_day_of_a_period_is_in_and_the_last_is_out() -> None:
    assert eligibility(STARTS).kind == Paper.COI
    assert eligibility(ENDS - DAY).kind == Paper.COI
    assert eligibility(STARTS - DAY).kind == Paper.RENEWAL
    assert eligibility(ENDS).kind == Paper.LETTER


def test_a_pending_cancellation_leaves_the_end_at_the_terms_and_a_later_cancellation_is_the_end() -> None:
    pending = eligibility(**PENDING_AHEAD)
    assert (pending.ends, pending.cancellation_effective) == (ENDS, AHEAD)
    cancelled = eligibility(**CANCELLED_AHEAD)
    assert (cancelled.ends, cancelled.cancellation_effective) == (AHEAD, AHEAD)


def test_a_nonrenewal_is_not_mentioned() -> None:
    assert eligibility(policy_status="nonrenewed") == eligibility()


def test_who_must_ask_staff_is_told_whom_to_call(settings: Settings) -> None:
    found = eligibility(**PENDING_AHEAD, company_pending_cancellation="staff")
    assert not found.allows
    assert settings.SUPPORT["service"]["phone"] in found.reason
    assert (
        settings.SUPPORT["service"]["phone"]
        not in eligibility(**PENDING_AHEAD, company_pending_cancellation="nothing").reason
    )


def test_no_eligibility_tells_the_carriers_reason() -> None:
    for fields in (PENDING_AHEAD, PENDING_PASSED, CANCELLED, {"expires": PAST, "ended_reason": "secret"}):
        for choice in Company.PendingCancellation.values:
            found = eligibility(**fields, policy_status_reason="secret", company_pending_cancellation=choice)
            assert "secret" not in repr(found)


def test_what_is_bound_ahead_says_when_it_begins_and_whether_it_is_a_whole_term() -> None:
    renewal = eligibility(**NEXT_YEAR)
    assert (renewal.starts, renewal.begins, renewal.ends, renewal.renewal) == (ENDS, ENDS, dt.date(2028, 3, 1), True)
    joiner = eligibility(effective=AHEAD)
    assert (joiner.begins, joiner.renewal) == (AHEAD, False)


@pytest.mark.parametrize(
    ("fields", "ends", "how"),
    [
        (CANCELLED, PAST, "ended"),
        (CANCELLED | {"company_says_cancelled": True}, PAST, "cancelled"),
        (CANCELLED | LAST_YEAR | {"company_says_cancelled": True}, STARTS, "ended"),
        (CANCELLED | {"company_says_cancelled": True, "expires": PAST - DAY}, PAST - DAY, "left"),
        ({"expires": PAST}, PAST, "left"),
        (LAST_YEAR | {"policy_status": "nonrenewed"}, STARTS, "ended"),
        (LAST_YEAR | {"term_expires": PAST, "expires": ENDS}, PAST, "ended"),
    ],
)
def test_a_letter_says_when_coverage_ended_and_cancelled_only_where_the_company_does(
    fields: dict[str, Any], ends: dt.date, how: str
) -> None:
    found = eligibility(**fields)
    assert (found.kind, found.ends, found.how_it_ended) == (Paper.LETTER, ends, how)


CHANGED = [[STARTS, PAST], [PAST, ENDS]]
LAPSED = [[STARTS, PAST], [AHEAD, ENDS]]


def test_a_change_in_mid_term_is_one_chain_of_coverage_and_never_an_end() -> None:
    before = eligibility(segments=CHANGED, expires=PAST)
    assert before.reason == "This coverage changed on October 2, 2026. Its paper comes from the coverage as changed."
    now = eligibility(segments=CHANGED, effective=PAST)
    assert (now.kind, now.starts, now.ends) == (Paper.COI, STARTS, ENDS)


PARALLEL = [Segment(STARTS, PAST, 1), Segment(PAST, ENDS, 2, 1), Segment(STARTS, PAST, 3), Segment(PAST, AHEAD, 4, 3)]


@pytest.mark.parametrize(("own", "period"), [(1, (STARTS, ENDS)), (2, (STARTS, ENDS)), (3, (STARTS, AHEAD))])
def test_a_segment_goes_on_from_the_one_that_it_continues_and_from_no_other(
    own: int, period: tuple[dt.date, dt.date]
) -> None:
    links = linked(PARALLEL[own - 1], PARALLEL)
    assert (links[0].starts, links[-1].ends) == period


def test_a_segment_that_says_nothing_goes_on_from_one_that_ends_where_it_begins() -> None:
    unnamed = [Segment(STARTS, PAST, 1), Segment(PAST, ENDS, 2)]
    assert linked(unnamed[1], unnamed) == unnamed
    parallel = [*unnamed, Segment(PAST, AHEAD, 3, 1)]
    assert linked(parallel[1], parallel) == [parallel[1]], "the first goes on in the third"


def test_a_change_ahead_isnt_an_end_either() -> None:
    now = eligibility(segments=[[STARTS, AHEAD], [AHEAD, ENDS]], expires=AHEAD)
    assert (now.kind, now.starts, now.ends) == (Paper.COI, STARTS, ENDS)


def test_a_chain_that_has_ended_gives_one_letter_over_all_of_it() -> None:
    assert not eligibility(ENDS, segments=CHANGED, expires=PAST).allows
    letter = eligibility(ENDS, segments=CHANGED, effective=PAST)
    assert (letter.kind, letter.starts, letter.ends, letter.how_it_ended) == (Paper.LETTER, STARTS, ENDS, "ended")


def test_a_change_that_the_cancellation_came_before_leaves_the_letter_to_the_segment_before_it() -> None:
    cancelled = CANCELLED | {"segments": CHANGED}
    before = eligibility(**cancelled, expires=PAST)
    assert (before.kind, before.ends) == (Paper.LETTER, PAST)
    assert not eligibility(**cancelled, effective=PAST).allows


def test_within_a_lapse_there_is_a_letter_and_the_certificate_of_the_reinstatement_that_is_bound() -> None:
    before = eligibility(segments=LAPSED, expires=PAST)
    assert (before.kind, before.ends) == (Paper.LETTER, PAST)
    after = eligibility(segments=LAPSED, effective=AHEAD)
    assert (after.kind, after.starts, after.begins) == (Paper.RENEWAL, AHEAD, AHEAD)


@pytest.mark.parametrize(
    ("fields", "asked", "paper"),
    [
        ({}, TODAY, Paper.COI),
        ({}, STARTS, Paper.COI),
        ({}, ENDS - DAY, Paper.COI),
        ({}, ENDS, NOTHING),
        ({}, STARTS - DAY, NOTHING),
        ({"expires": AHEAD}, AHEAD - DAY, Paper.COI),
        ({"expires": AHEAD}, AHEAD, NOTHING),
        (PENDING_AHEAD, AHEAD + DAY, Paper.PENDING_CANCELLATION),
        (CANCELLED_AHEAD, AHEAD, NOTHING),
        (NEXT_YEAR, ENDS, Paper.RENEWAL),
        (NEXT_YEAR, TODAY, Paper.RENEWAL),
        (NEXT_YEAR, TODAY + DAY, NOTHING),
        (LAST_YEAR, STARTS - DAY, Paper.LETTER),
        (LAST_YEAR, STARTS, NOTHING),
        (LAST_YEAR, TODAY, Paper.LETTER),
        (CANCELLED, PAST - DAY, Paper.LETTER),
        (CANCELLED, PAST, NOTHING),
        (CANCELLED, TODAY, Paper.LETTER),
        ({"policy_status": "pending"}, STARTS, NOTHING),
    ],
)
def test_another_day_only_chooses_among_what_is_known_today(fields: dict[str, Any], asked: dt.date, paper: str) -> None:
    assert eligibility(asked=asked, **fields).kind == paper


def test_data_is_too_old_after_84_hours_unless_the_setting_or_the_source_says_otherwise(settings: Settings) -> None:
    now, coverage = timezone.now(), a_coverage()
    assert judge(coverage, today=TODAY, as_of=now - dt.timedelta(hours=83)).allows
    stale = judge(coverage, today=TODAY, as_of=now - dt.timedelta(hours=85))
    assert "too old to certify coverage from" in stale.reason
    settings.FEED_SOURCES_AT_REST = ["core"]
    assert eligibility(fresh=False).allows
    settings.FEED_SOURCES_AT_REST = []
    settings.STALE_FEED_BLOCKS_CERTIFICATES = False
    assert eligibility(fresh=False).allows


def test_without_any_data_nothing_is_certified() -> None:
    found = judge(a_coverage(**CANCELLED), today=TODAY, as_of=None)
    assert found.reason == "We haven’t received any data for this policy yet."


@pytest.mark.django_db
def test_segments_are_of_the_same_insured_part_form_and_term() -> None:
    data_of(timezone.now())
    before = CoverageFactory.create(expires=days(-10))
    after = CoverageFactory.create(term=before.term, insured=before.insured, effective=days(-10))
    for other in (
        {"insured": before.insured, "effective": days(-10)},
        {"term": before.term, "effective": days(-10)},
        {"term": before.term, "insured": before.insured, "part": "excess", "effective": days(-10)},
        {"term": before.term, "insured": before.insured, "form": "occurrence", "effective": days(-10)},
        {"term": before.term, "insured": before.insured, "effective": days(-10), "retired_at": timezone.now()},
    ):
        CoverageFactory.create(**other)
    expected = [before.as_segment, after.as_segment]
    assert [(each.starts, each.ends) for each in expected] == [
        (before.effective, days(-10)),
        (days(-10), after.expires),
    ]
    assert sorted(Coverage.objects.get(pk=before.pk).segments) == expected
    assert sorted(Coverage.objects.with_segments().get(pk=before.pk).segments) == expected
    loaded = {c.pk: judge_now(c) for c in Coverage.objects.with_policy().filter(pk__in=[before.pk, after.pk])}
    assert not loaded[before.pk].allows
    assert loaded[after.pk].starts == before.effective


@pytest.mark.django_db
def test_the_day_is_the_named_insureds_not_the_servers() -> None:
    """At 4 a.m. in New York it is the evening before in Honolulu, where a term that begins today hasn't begun."""
    coverage = CoverageFactory.create()
    morning = dt.datetime.combine(coverage.effective, dt.time(9, 0), dt.UTC)
    data_of(morning - dt.timedelta(hours=1))
    with time_machine.travel(morning, tick=False):
        assert judge_now(Coverage.objects.with_policy().get(pk=coverage.pk)).kind == Paper.COI
        Policyholder.objects.update(state="HI")
        assert judge_now(Coverage.objects.with_policy().get(pk=coverage.pk)).kind == Paper.RENEWAL
