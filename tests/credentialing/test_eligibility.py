"""What each status gives, on each side of each date."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from credentialing.eligibility import Verdict, judge, judge_now
from credentialing.models import Certificate
from feed.models import Source
from policies.models import Coverage, Policy, Policyholder, Term
from tests.book import TermFactory
from tests.credentialing.conftest import Cast

KIND = Certificate.Kind
TODAY = dt.date(2026, 11, 21)
STARTS, ENDS = dt.date(2026, 3, 1), dt.date(2027, 3, 1)


def verdict(day: dt.date = TODAY, *, fresh: bool = True, **fields: Any) -> Verdict:
    """The verdict on a coverage of one term; `policy_…`, `term_…` and plain names set the fields of each."""
    of: dict[str, dict[str, Any]] = {
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
    policy = Policy(source="core", policyholder=Policyholder(state="NY"), **of["policy"])
    now = timezone.now()
    as_of = now - dt.timedelta(hours=1 if fresh else 37)
    return judge(Coverage(term=Term(policy=policy, **of["term"]), **own), day=day, as_of=as_of)


def test_an_active_policy_gives_a_certificate_from_its_first_day_to_the_day_before_its_last() -> None:
    assert verdict().kind == KIND.COI
    assert verdict(STARTS).kind == KIND.COI
    assert verdict(ENDS - dt.timedelta(days=1)).kind == KIND.COI
    assert verdict(STARTS - dt.timedelta(days=1)).kind == KIND.RENEWAL
    assert verdict(ENDS).kind == KIND.PAST_COVERAGE


def test_pending_cancellation_gives_a_certificate_with_the_date() -> None:
    day = dt.date(2026, 12, 15)
    found = verdict(policy_status="pending_cancellation", policy_cancellation_effective=day)
    assert (found.kind, found.cancellation_effective) == (KIND.PENDING_CANCELLATION, day)


@pytest.mark.parametrize("cancelled", [None, TODAY, TODAY - dt.timedelta(days=3)])
def test_pending_cancellation_gives_nothing_once_its_date_has_come_or_where_none_is_known(
    cancelled: dt.date | None,
) -> None:
    found = verdict(policy_status="pending_cancellation", policy_cancellation_effective=cancelled)
    assert not found.allows
    assert "pending cancellation" in found.reason or "has not said yet" in found.reason


def test_a_bound_renewal_gives_a_certificate_with_its_future_dates() -> None:
    starts, ends = ENDS, dt.date(2028, 3, 1)
    found = verdict(term_effective=starts, term_expires=ends, effective=starts, expires=ends)
    assert (found.kind, found.begins, found.ends, found.renewal) == (KIND.RENEWAL, starts, ends, True)


def test_an_insured_who_joins_next_week_has_coverage_to_come_but_no_renewal() -> None:
    found = verdict(effective=TODAY + dt.timedelta(days=7))
    assert (found.kind, found.renewal) == (KIND.RENEWAL, False)


def test_a_renewal_that_a_pending_cancellation_comes_before_gives_nothing() -> None:
    found = verdict(
        policy_status="pending_cancellation",
        policy_cancellation_effective=dt.date(2026, 12, 15),
        term_effective=ENDS,
        term_expires=dt.date(2028, 3, 1),
        effective=ENDS,
        expires=dt.date(2028, 3, 1),
    )
    assert found.reason == "This policy is to be cancelled on December 15, 2026, before this coverage begins."


def test_a_cancelled_policy_gives_a_letter_that_ends_on_the_day_of_the_cancellation() -> None:
    day = dt.date(2026, 9, 30)
    found = verdict(policy_status="cancelled", policy_cancellation_effective=day)
    assert (found.kind, found.ends, found.how_it_ended) == (KIND.PAST_COVERAGE, day, "cancelled")
    by_status_date = verdict(policy_status="cancelled", policy_status_date=day)
    assert (by_status_date.ends, by_status_date.how_it_ended) == (day, "cancelled")


def test_a_policy_cancelled_from_its_beginning_never_took_effect() -> None:
    found = verdict(policy_status="cancelled", policy_cancellation_effective=STARTS)
    assert found.reason == "This coverage never took effect."


def test_a_cancelled_policy_without_any_date_gives_nothing() -> None:
    assert "has not given the date" in verdict(policy_status="cancelled").reason


def test_an_earlier_term_of_a_cancelled_policy_ended_with_its_own_last_day() -> None:
    found = verdict(
        policy_status="cancelled",
        policy_cancellation_effective=dt.date(2026, 9, 30),
        term_effective=dt.date(2025, 3, 1),
        term_expires=STARTS,
        effective=dt.date(2025, 3, 1),
        expires=STARTS,
    )
    assert (found.kind, found.ends, found.how_it_ended) == (KIND.PAST_COVERAGE, STARTS, "past_term")


@pytest.mark.parametrize("status", ["expired", "nonrenewed"])
def test_an_expired_and_a_nonrenewed_policy_give_a_letter_with_the_last_day(status: str) -> None:
    found = verdict(ENDS, policy_status=status)
    assert (found.kind, found.ends, found.how_it_ended) == (KIND.PAST_COVERAGE, ENDS, status)


def test_an_insured_who_left_has_a_letter_with_her_own_last_day() -> None:
    day = dt.date(2026, 9, 30)
    found = verdict(expires=day, ended_reason="Left the group")
    assert (found.kind, found.ends, found.how_it_ended) == (KIND.PAST_COVERAGE, day, "left")


def test_who_leaves_later_still_has_a_certificate_until_then() -> None:
    found = verdict(expires=TODAY + dt.timedelta(days=1))
    assert (found.kind, found.ends) == (KIND.COI, TODAY + dt.timedelta(days=1))
    assert verdict(expires=TODAY).kind == KIND.PAST_COVERAGE


def test_a_past_term_of_an_active_policy_gives_a_letter() -> None:
    found = verdict(dt.date(2027, 6, 1), term_status="expired")
    assert (found.kind, found.how_it_ended) == (KIND.PAST_COVERAGE, "past_term")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"policy_status": "pending"}, "This policy is pending: the company has not put it in force."),
        ({"term_status": "offered"}, "This term is offered, not bound. An offer is not coverage."),
        ({"term_status": "accepted"}, "This term is accepted, but the company has not bound it yet."),
        ({"term_status": "declined"}, "The offer of this term was declined, so there is no coverage to certify."),
        (
            {"term_status": "cancelled", "effective": ENDS, "expires": dt.date(2028, 3, 1)},
            "This term was cancelled before it began.",
        ),
        (
            {"term_status": "cancelled"},
            "This term has ended early, and the company has not given the end date of the coverage yet.",
        ),
    ],
)
def test_pending_and_offered_give_nothing_and_say_why(fields: dict[str, Any], reason: str) -> None:
    found = verdict(**fields)
    assert not found.allows
    assert found.reason == reason


def test_data_that_is_too_old_gives_nothing_until_fresh_data_comes(settings: Settings) -> None:
    assert verdict(fresh=True).allows
    stale = verdict(fresh=False)
    assert not stale.allows
    assert "too old to certify from" in stale.reason
    assert not verdict(TODAY, fresh=False, policy_status="cancelled").allows
    settings.STALE_FEED_BLOCKS_CERTIFICATES = False
    assert verdict(fresh=False).allows


def test_a_book_that_was_taken_over_once_does_not_become_stale(settings: Settings) -> None:
    settings.FEED_SOURCES_AT_REST = ["core"]
    assert verdict(fresh=False).allows


def test_without_any_data_nothing_is_certified(cast: Cast, settings: Settings) -> None:
    assert judge_now(cast.coverage).allows
    settings.STALE_FEED_BLOCKS_CERTIFICATES = False
    Source.objects.all().delete()
    assert judge_now(cast.coverage).reason == "The company’s data has not been loaded yet."


def test_an_earlier_term_of_a_nonrenewed_policy_is_not_said_to_be_the_one_that_was_not_renewed(cast: Cast) -> None:
    Policy.objects.filter(pk=cast.policy.pk).update(status=Policy.Status.NONRENEWED)
    coverage = Coverage.objects.with_policy().get(pk=cast.coverage.pk)
    assert judge_now(coverage).how_it_ended == "nonrenewed"
    TermFactory.create(
        policy=cast.policy, effective=coverage.term.expires, expires=coverage.term.expires + dt.timedelta(days=365)
    )
    assert judge_now(coverage).how_it_ended == "past_term"


def test_the_day_is_the_named_insureds_not_the_servers(cast: Cast) -> None:
    """At 4 a.m. in New York it is the evening before in Honolulu, where a term that begins today has not begun."""
    morning = dt.datetime.combine(cast.coverage.effective, dt.time(9, 0), dt.UTC)
    Source.objects.update(as_of=morning - dt.timedelta(hours=1))
    with time_machine.travel(morning, tick=False):
        assert judge_now(Coverage.objects.with_policy().get(pk=cast.coverage.pk)).kind == KIND.COI
        Policyholder.objects.filter(pk=cast.policy.policyholder_id).update(state="HI")
        assert judge_now(Coverage.objects.with_policy().get(pk=cast.coverage.pk)).kind == KIND.RENEWAL
