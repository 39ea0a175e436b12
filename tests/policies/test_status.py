"""A policy's status in words (S-22; docs/spec.md#status)."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal

import pytest

from policies.models import Coverage, Policy, Policyholder, Term
from policies.pages.notices import notices_of
from policies.pages.status import status_for_insured, status_of

IDS = itertools.count(1)
TODAY = dt.date(2026, 11, 20)
STATUS, TERM = Policy.Status, Term.Status


def policy(status=STATUS.ACTIVE, **fields):
    return Policy(number="MPL-1", status=status, policyholder=Policyholder(state="NY"), **fields)


def term(effective, expires, status=TERM.BOUND, **fields):
    return Term(
        pk=next(IDS),
        effective=dt.date.fromisoformat(effective),
        expires=dt.date.fromisoformat(expires),
        status=status,
        **fields,
    )


CURRENT = term("2026-07-01", "2027-07-01")


def test_a_policy_in_force_says_until_when_and_how_far_it_is():
    shown = status_of(policy(), [CURRENT], TODAY)
    assert (shown.kind, shown.label, shown.sentence) == ("good", "In force", "In force until July 1, 2027")
    assert shown.in_force
    assert shown.days_left == 223
    assert shown.share_of_term == 39
    assert notices_of(shown) == []


def test_the_first_day_of_a_term_counts_and_the_last_does_not():
    assert status_of(policy(), [CURRENT], CURRENT.effective).in_force
    after = status_of(policy(), [CURRENT], CURRENT.expires)
    assert not after.in_force
    assert (after.label, after.sentence) == ("Expired", "The last term on file ended on July 1, 2027")


def test_of_two_bound_terms_the_one_in_force_leads():
    renewal = term("2027-07-01", "2028-07-01")
    shown = status_of(policy(), [renewal, term("2025-07-01", "2026-07-01", TERM.EXPIRED), CURRENT], TODAY)
    assert shown.term is CURRENT
    assert shown.renewal is renewal
    (notice,) = notices_of(shown)
    assert (notice.kind, notice.title) == ("good", "Your renewal is bound")
    assert notice.text == "Coverage continues from July 1, 2027 to July 1, 2028."


@pytest.mark.parametrize(
    ("status", "fields", "title"),
    [
        (TERM.OFFERED, {"offer_expires": dt.date(2026, 12, 1)}, "Renewal offer open until December 1, 2026"),
        (TERM.OFFERED, {"offer_expires": dt.date(2026, 11, 20)}, "Renewal offer open until November 20, 2026"),
        (TERM.OFFERED, {"offer_expires": dt.date(2026, 11, 19)}, "The renewal offer has expired"),
        (TERM.OFFERED, {}, "Renewal offer open"),
        (TERM.ACCEPTED, {}, "Renewal accepted, not bound yet"),
    ],
)
def test_an_offer_is_never_called_coverage(status, fields, title):
    shown = status_of(policy(), [CURRENT, term("2027-07-01", "2028-07-01", status, **fields)], TODAY)
    (notice,) = notices_of(shown)
    assert notice.title == title
    assert "continues" not in notice.text


def test_a_bound_renewal_is_spoken_of_before_an_offer_beside_it():
    offered, bound = term("2027-07-01", "2028-07-01", TERM.OFFERED), term("2027-07-01", "2028-07-01")
    assert status_of(policy(), [CURRENT, offered, bound], TODAY).renewal is bound


@pytest.mark.parametrize(
    ("days", "told"), [(60, "This term ends in 60 days"), (1, "This term ends in 1 day"), (61, None)]
)
def test_a_term_that_ends_soon_without_a_renewal_is_spoken_of(days, told):
    ending = Term(effective=TODAY - dt.timedelta(days=100), expires=TODAY + dt.timedelta(days=days), status=TERM.BOUND)
    notices = notices_of(status_of(policy(), [ending], TODAY))
    assert [notice.title for notice in notices] == ([told] if told else [])


def own(of_term, expires=None):
    """Make an insured's coverage that ends with the term or before."""
    coverage = Coverage(
        term_id=of_term.pk, effective=of_term.effective, expires=dt.date.fromisoformat(expires or str(of_term.expires))
    )
    coverage.segments = [coverage.as_segment]
    return coverage


def test_a_pending_cancellation_names_its_day_and_the_amount_and_reason_only_to_who_sees_the_policy_whole():
    pending = policy(
        STATUS.PENDING_CANCELLATION,
        cancellation_effective=dt.date(2026, 12, 5),
        cure_amount=Decimal(1240),
        status_reason="Non-payment of premium",
    )
    shown = status_of(pending, [CURRENT], TODAY)
    assert (shown.kind, shown.sentence) == ("attention", "In force until cancellation on December 5, 2026")
    (with_money,) = notices_of(shown)
    assert "To keep it in force, pay $1,240 before December 5, 2026." in with_money.text
    assert "Reason: Non-payment of premium." in with_money.text
    assert [action.label for action in with_money.actions] == [
        "Pay by phone: (860) 555-0150",
        "Email us",
    ]
    assert with_money.actions[0].href == "tel:+1-860-555-0150"
    (without,) = notices_of(status_for_insured(pending, [own(CURRENT)], [CURRENT], TODAY))
    assert without.text == "We sent notice of cancellation."
    assert "December 5, 2026" in without.title
    assert without.actions == ()


def test_an_agent_is_given_the_policyholders_phone_and_email_where_we_have_them():
    pending = policy(
        STATUS.PENDING_CANCELLATION, cancellation_effective=dt.date(2026, 12, 5), cure_amount=Decimal(1240)
    )
    pending.policyholder.phone, pending.policyholder.email = "(518) 555-0123", ""
    (notice,) = notices_of(status_of(pending, [CURRENT], TODAY), as_agent=True)
    assert [action.label for action in notice.actions] == ["Call (518) 555-0123"]
    pending.policyholder.phone = ""
    (notice,) = notices_of(status_of(pending, [CURRENT], TODAY), as_agent=True)
    assert notice.actions[0].label == "Pay by phone: (860) 555-0150", "ours, where the office is unknown"


def test_a_cancellation_whose_day_has_come_is_not_claimed_either_way():
    pending = policy(STATUS.PENDING_CANCELLATION, cancellation_effective=TODAY)
    assert (
        status_of(pending, [CURRENT], TODAY).sentence
        == "Cancellation was scheduled for November 20, 2026 and hasn’t been confirmed"
    )


@pytest.mark.parametrize(
    ("status", "fields", "label", "sentence"),
    [
        (
            STATUS.CANCELLED,
            {"cancellation_effective": dt.date(2026, 9, 3)},
            "Cancelled",
            "Cancelled on September 3, 2026",
        ),
        (STATUS.CANCELLED, {"status_date": dt.date(2026, 9, 4)}, "Cancelled", "Cancelled on September 4, 2026"),
        (STATUS.CANCELLED, {}, "Cancelled", "Cancelled"),
        (STATUS.EXPIRED, {}, "Expired", "Expired on July 1, 2026"),
        (STATUS.NONRENEWED, {}, "Not renewed", "Not renewed; ended on July 1, 2026"),
        (STATUS.PENDING, {}, "Pending", "Not in force. Proposed effective date: July 1, 2025"),
    ],
)
def test_every_status_has_its_own_name_and_sentence(status, fields, label, sentence):
    shown = status_of(policy(status, **fields), [term("2025-07-01", "2026-07-01")], TODAY)
    assert (shown.label, shown.sentence) == (label, sentence)
    assert not shown.in_force
    assert shown.days_left is None
    assert shown.share_of_term == 0


def test_a_nonrenewed_policy_whose_term_runs_on_says_when_it_ends():
    assert status_of(policy(STATUS.NONRENEWED), [CURRENT], TODAY).sentence == "In force until July 1, 2027"


def test_a_cancelled_policy_names_the_way_back_while_it_is_open():
    cancelled = policy(
        STATUS.CANCELLED,
        cancellation_effective=dt.date(2026, 11, 1),
        reinstate_by=TODAY,
        reinstatement_amount=Decimal("2310.5"),
    )
    (notice,) = notices_of(status_of(cancelled, [CURRENT], TODAY))
    assert "$2,310.50" in notice.text
    assert "You’re not covered unless we confirm it." in notice.text
    cancelled.reinstate_by = TODAY - dt.timedelta(days=1)
    assert notices_of(status_of(cancelled, [CURRENT], TODAY)) == []


def test_a_policy_that_begins_later_and_one_without_terms_say_so():
    later = status_of(policy(), [term("2027-01-01", "2028-01-01")], TODAY)
    assert (later.kind, later.sentence) == ("info", "In force from January 1, 2027")
    without = status_of(policy(), [], TODAY)
    assert (without.label, without.sentence) == ("Pending", "No term of this policy is on file")


AHEAD = {"cancellation_effective": dt.date(2026, 12, 5)}


@pytest.mark.parametrize(
    ("status", "fields", "label", "sentence", "in_force"),
    [
        (STATUS.NONRENEWED, {}, "In force", "In force until July 1, 2027", True),
        (STATUS.EXPIRED, {}, "In force", "In force until July 1, 2027", True),
        (STATUS.CANCELLED, AHEAD, "Pending cancellation", "In force until cancellation on December 5, 2026", True),
        (
            STATUS.PENDING_CANCELLATION,
            AHEAD,
            "Pending cancellation",
            "In force until cancellation on December 5, 2026",
            True,
        ),
        (STATUS.CANCELLED, {"cancellation_effective": TODAY}, "Cancelled", "Cancelled on November 20, 2026", False),
    ],
)
def test_the_date_decides_and_not_the_word(status, fields, label, sentence, in_force):
    shown = status_of(policy(status, **fields), [CURRENT], TODAY)
    assert (shown.label, shown.sentence, shown.in_force) == (label, sentence, in_force)


def test_a_cancellation_ahead_is_where_the_days_left_end():
    assert status_of(policy(STATUS.CANCELLED, **AHEAD), [CURRENT], TODAY).days_left == 15
    assert status_of(policy(STATUS.PENDING_CANCELLATION, **AHEAD), [CURRENT], TODAY).days_left == 223


def test_a_declined_renewal_and_a_notice_of_nonrenewal_are_told_to_the_policyholder_with_the_end():
    declined = term("2027-07-01", "2028-07-01", TERM.DECLINED)
    (notice,) = notices_of(status_of(policy(), [CURRENT, declined], TODAY))
    assert (notice.kind, notice.title) == ("attention", "The renewal offer was declined")
    assert notice.text == "Coverage ends July 1, 2027."
    (notice,) = notices_of(status_of(policy(STATUS.NONRENEWED), [CURRENT], TODAY))
    assert (notice.title, notice.text) == ("This policy won’t be renewed", "Coverage ends July 1, 2027.")
    for seen in (policy(), policy(STATUS.NONRENEWED)):
        assert notices_of(status_for_insured(seen, [own(CURRENT), own(declined)], [CURRENT, declined], TODAY)) == []


@pytest.mark.parametrize("status", STATUS.values)
@pytest.mark.parametrize("later", ["2027-07-01", None])
def test_who_has_left_a_group_sees_her_own_end_and_nothing_of_what_came_later(status, later):
    if status == STATUS.PENDING:
        pytest.skip("a pending policy covered nobody")
    group = policy(
        status,
        cancellation_effective=dt.date(2026, 11, 1),
        status_reason="Non-payment of premium",
        cure_amount=Decimal(100),
        reinstate_by=TODAY,
    )
    terms = [CURRENT, *([term(later, "2028-07-01")] if later else [])]
    shown = status_for_insured(group, [own(CURRENT, expires="2026-10-15")], terms, TODAY)
    assert (shown.label, shown.sentence) == ("Expired", "Your coverage ended on October 15, 2026")
    assert (shown.term, shown.renewal, shown.in_force) == (CURRENT, None, False)
    assert notices_of(shown) == []


def test_coverage_that_lasted_as_long_as_the_policy_ended_as_the_policy_did():
    before = term("2025-07-01", "2026-07-01", TERM.EXPIRED)
    not_renewed = status_for_insured(policy(STATUS.NONRENEWED), [own(before)], [before], TODAY)
    assert (not_renewed.label, not_renewed.sentence) == ("Not renewed", "Not renewed; ended on July 1, 2026")
    went_on = status_for_insured(policy(STATUS.NONRENEWED), [own(before)], [before, CURRENT], TODAY)
    assert (went_on.label, went_on.sentence) == ("Expired", "Your coverage ended on July 1, 2026")
    cancelled = policy(STATUS.CANCELLED, cancellation_effective=dt.date(2026, 9, 3), reinstate_by=TODAY)
    with_it = status_for_insured(cancelled, [own(CURRENT)], [CURRENT], TODAY)
    assert (with_it.label, with_it.sentence) == ("Cancelled", "Cancelled on September 3, 2026")
    assert notices_of(with_it) == [], "a way back is the policyholder's to take"


def test_a_change_in_mid_term_isnt_an_end_to_an_insured():
    before, after = own(CURRENT, expires="2026-12-01"), own(CURRENT)
    after.effective = before.expires
    before.segments = after.segments = [before.as_segment, after.as_segment]
    shown = status_for_insured(policy(), [before, after], [CURRENT], TODAY)
    assert shown.sentence == "In force until July 1, 2027"
