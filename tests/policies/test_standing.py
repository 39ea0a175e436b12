"""Where a policy stands, in words (S-22; SPEC: what each status gives)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from policies.models import Policy, Policyholder, Term
from policies.standing import standing_of

TODAY = dt.date(2026, 11, 20)
STATUS, TERM = Policy.Status, Term.Status


def policy(status=STATUS.ACTIVE, **fields):
    return Policy(number="MPL-1", status=status, policyholder=Policyholder(state="NY"), **fields)


def term(effective, expires, status=TERM.BOUND, **fields):
    return Term(
        effective=dt.date.fromisoformat(effective), expires=dt.date.fromisoformat(expires), status=status, **fields
    )


CURRENT = term("2026-07-01", "2027-07-01")


def test_a_policy_in_force_says_until_when_and_how_far_it_is():
    standing = standing_of(policy(), [CURRENT], TODAY)
    assert (standing.kind, standing.label, standing.sentence) == ("good", "In force", "In force until July 1, 2027")
    assert standing.in_force
    assert standing.days_left == 223
    assert standing.share_of_term == 39
    assert standing.notices(with_amounts=True) == []


def test_the_first_day_of_a_term_counts_and_the_last_does_not():
    assert standing_of(policy(), [CURRENT], CURRENT.effective).in_force
    after = standing_of(policy(), [CURRENT], CURRENT.expires)
    assert not after.in_force
    assert (after.label, after.sentence) == ("Term ended", "The last term on file ended on July 1, 2027")


def test_of_two_bound_terms_the_one_in_force_leads():
    renewal = term("2027-07-01", "2028-07-01")
    standing = standing_of(policy(), [renewal, term("2025-07-01", "2026-07-01", TERM.EXPIRED), CURRENT], TODAY)
    assert standing.term is CURRENT
    assert standing.renewal is renewal
    (notice,) = standing.notices(with_amounts=False)
    assert (notice.kind, notice.title) == ("good", "The renewal is bound")
    assert notice.text == "Coverage continues from July 1, 2027 to July 1, 2028."


@pytest.mark.parametrize(
    ("status", "fields", "title"),
    [
        (TERM.OFFERED, {"offer_expires": dt.date(2026, 12, 1)}, "A renewal is offered until December 1, 2026"),
        (TERM.OFFERED, {"offer_expires": dt.date(2026, 11, 20)}, "A renewal is offered until November 20, 2026"),
        (TERM.OFFERED, {"offer_expires": dt.date(2026, 11, 19)}, "The renewal offer has run out"),
        (TERM.OFFERED, {}, "A renewal is offered"),
        (TERM.ACCEPTED, {}, "The renewal is accepted, not bound yet"),
    ],
)
def test_an_offer_is_never_called_coverage(status, fields, title):
    standing = standing_of(policy(), [CURRENT, term("2027-07-01", "2028-07-01", status, **fields)], TODAY)
    (notice,) = standing.notices(with_amounts=True)
    assert notice.title == title
    assert "continues" not in notice.text


def test_a_bound_renewal_is_spoken_of_before_an_offer_that_stands_beside_it():
    offered, bound = term("2027-07-01", "2028-07-01", TERM.OFFERED), term("2027-07-01", "2028-07-01")
    assert standing_of(policy(), [CURRENT, offered, bound], TODAY).renewal is bound


@pytest.mark.parametrize(
    ("days", "told"), [(60, "This term ends in 60 days"), (1, "This term ends in 1 day"), (61, None)]
)
def test_a_term_that_ends_soon_without_a_renewal_is_spoken_of(days, told):
    ending = Term(effective=TODAY - dt.timedelta(days=100), expires=TODAY + dt.timedelta(days=days), status=TERM.BOUND)
    notices = standing_of(policy(), [ending], TODAY).notices(with_amounts=True)
    assert [notice.title for notice in notices] == ([told] if told else [])


def test_a_pending_cancellation_names_its_day_and_the_amount_only_to_who_may_see_money():
    pending = policy(
        STATUS.PENDING_CANCELLATION,
        cancellation_effective=dt.date(2026, 12, 5),
        cure_amount=Decimal(1240),
        status_reason="Non-payment of premium",
    )
    standing = standing_of(pending, [CURRENT], TODAY)
    assert (standing.kind, standing.sentence) == ("attention", "In force; cancels on December 5, 2026")
    (with_money,) = standing.notices(with_amounts=True)
    assert "if it receives $1,240.00 before December 5, 2026." in with_money.text
    assert "Reason: Non-payment of premium." in with_money.text
    (without,) = standing.notices(with_amounts=False)
    assert "$" not in without.text
    assert "December 5, 2026" in without.title


def test_a_cancellation_whose_day_has_come_is_not_claimed_either_way():
    pending = policy(STATUS.PENDING_CANCELLATION, cancellation_effective=TODAY)
    assert (
        standing_of(pending, [CURRENT], TODAY).sentence == "Was to be cancelled on November 20, 2026; not confirmed yet"
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
        (STATUS.NONRENEWED, {}, "Nonrenewed", "Not renewed; ended on July 1, 2026"),
        (STATUS.PENDING, {}, "Pending", "Not in force yet. It would begin on July 1, 2025"),
    ],
)
def test_every_status_has_its_own_name_and_sentence(status, fields, label, sentence):
    standing = standing_of(policy(status, **fields), [term("2025-07-01", "2026-07-01")], TODAY)
    assert (standing.label, standing.sentence) == (label, sentence)
    assert not standing.in_force
    assert standing.days_left is None
    assert standing.share_of_term == 0


def test_a_nonrenewed_policy_whose_term_runs_on_says_when_it_ends():
    assert standing_of(policy(STATUS.NONRENEWED), [CURRENT], TODAY).sentence == "In force until July 1, 2027"


def test_a_cancelled_policy_names_the_way_back_while_it_is_open():
    cancelled = policy(
        STATUS.CANCELLED,
        cancellation_effective=dt.date(2026, 11, 1),
        reinstate_by=TODAY,
        reinstatement_amount=Decimal("2310.5"),
    )
    (notice,) = standing_of(cancelled, [CURRENT], TODAY).notices(with_amounts=True)
    assert "$2,310.50" in notice.text
    assert "there is no coverage" in notice.text
    cancelled.reinstate_by = TODAY - dt.timedelta(days=1)
    assert standing_of(cancelled, [CURRENT], TODAY).notices(with_amounts=True) == []


def test_a_policy_that_begins_later_and_one_without_terms_say_so():
    later = standing_of(policy(), [term("2027-01-01", "2028-01-01")], TODAY)
    assert (later.kind, later.sentence) == ("accent", "In force from January 1, 2027")
    assert standing_of(policy(), [], TODAY).label == "No term on file"
