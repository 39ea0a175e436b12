"""Reminders of renewal: who gets one, when, and never twice (S-33)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from core.dates import carrier_today
from core.models import Mail
from policies.models import Membership, Policy, RenewalApplication, RenewalReminder, Term
from policies.reminders import send_due
from policies.tasks import remind_of_renewals
from tests.book import (
    AgencyFactory,
    AgentOfRecordFactory,
    CoverageFactory,
    TermFactory,
    agent_at,
    holder_of,
    insured_by,
)
from tests.factories import UserFactory
from tests.helpers import at_once

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 11, 20)


def term_in(days: int, **fields: Any) -> Term:
    """Return a bound term that ends that many days from the day of these tests."""
    expires = TODAY + dt.timedelta(days=days)
    return TermFactory.create(effective=expires - dt.timedelta(days=365), expires=expires, **fields)


def holder(term: Term, **fields: Any) -> User:
    """Return a new user who represents the term's policyholder since long ago."""
    user = UserFactory.create(**fields)
    holder_of(user, term.policy.policyholder, starts=dt.date(2020, 1, 1))
    return user


def mails() -> list[Mail]:
    return list(Mail.objects.filter(name="renewal_reminder").order_by("pk"))


@pytest.mark.parametrize(
    ("days", "reminded"), [(91, False), (90, True), (61, True), (60, True), (30, True), (1, True), (0, False)]
)
def test_a_policyholder_hears_within_90_days_of_the_end(days: int, reminded: bool) -> None:
    term = term_in(days)
    user = holder(term)
    assert send_due(today=TODAY) == int(reminded)
    assert [mail.to for mail in mails()] == [user.email] * int(reminded)


def test_one_mail_comes_at_each_of_90_60_30_and_14_days(settings: Settings) -> None:
    assert settings.RENEWAL_REMINDER_DAYS == [90, 60, 30, 14]
    term = term_in(100)
    holder(term)
    sent = [100 - day for day in range(101) if send_due(today=TODAY + dt.timedelta(days=day))]
    assert sent == [90, 60, 30, 14]


@pytest.mark.parametrize(("status", "reminded"), [("draft", 1), ("open", 0), ("in_progress", 0), ("answered", 0)])
def test_none_comes_once_the_application_is_with_us(status: str, reminded: int) -> None:
    term = term_in(57)
    RenewalApplication.objects.create(
        term=term, policy=term.policy, user=holder(term), status=status, submitted_at=timezone.now()
    )
    assert send_due(today=TODAY) == reminded


def test_a_day_without_a_run_is_made_up_for() -> None:
    holder(term_in(57))
    assert send_due(today=TODAY) == 1
    assert RenewalReminder.objects.get().days == 60
    assert send_due(today=TODAY) == 0


def test_the_mail_says_which_policy_and_when_and_names_nobody() -> None:
    term = term_in(60)
    user = holder(term, first_name="Rosalind", last_name="Quimby")
    send_due(today=TODAY)
    (mail,) = mails()
    assert mail.context["policies"] == [{"number": term.policy.number, "ends": "January 19, 2027"}]
    said = str(mail.context)
    for name in (user.first_name, user.last_name, user.username, term.policy.policyholder.name):
        assert name not in said


def test_a_bound_or_declined_renewal_needs_no_reminder_but_an_offered_or_accepted_one_does() -> None:
    for status, mails_sent in (("bound", 0), ("declined", 0), ("offered", 1), ("accepted", 1)):
        term = term_in(60)
        holder(term)
        TermFactory.create(
            policy=term.policy,
            status=status,
            effective=term.expires,
            expires=term.expires + dt.timedelta(days=365),
        )
        assert send_due(today=TODAY) == mails_sent, status


@pytest.mark.parametrize("status", ["pending", "pending_cancellation", "cancelled", "nonrenewed", "expired"])
def test_only_an_active_policy_can_be_renewed(status: str) -> None:
    term = term_in(60)
    holder(term)
    Policy.objects.update(status=status, cancellation_effective=TODAY + dt.timedelta(days=5))
    assert send_due(today=TODAY) == 0


def test_what_the_feed_retired_is_not_spoken_of() -> None:
    term = term_in(60)
    holder(term)
    Term.objects.update(retired_at=term.updated_at)
    assert send_due(today=TODAY) == 0


def test_nobody_hears_who_doesnt_want_to_or_hasnt_confirmed_the_email_or_cant_sign_in() -> None:
    term = term_in(60)
    holder(term, notices=["payment"])
    holder(term, email_confirmed_at=None)
    holder(term, is_active=False)
    wants = holder(term)
    send_due(today=TODAY)
    assert [mail.to for mail in mails()] == [wants.email]


def test_a_membership_that_ended_or_has_not_begun_counts_for_nothing() -> None:
    term = term_in(60)
    left, later, revoked = (holder(term) for _ in range(3))
    Membership.objects.filter(user=left).update(ends=TODAY)
    Membership.objects.filter(user=later).update(starts=TODAY + dt.timedelta(days=1))
    revoked.memberships.get().revoke(by=UserFactory.create(is_staff=True), reason="left")
    assert send_due(today=TODAY) == 0


def test_an_insured_of_a_group_is_not_asked_to_renew_its_policy() -> None:
    term = term_in(60)
    user = UserFactory.create()
    insured_by(user, CoverageFactory.create(term=term).insured, starts=dt.date(2020, 1, 1))
    assert send_due(today=TODAY) == 0


def test_the_agent_of_record_gets_one_mail_a_day_about_all_of_them() -> None:
    agency, former = AgencyFactory.create(), AgencyFactory.create()
    numbers = []
    for days in (58, 59, 60):
        term = term_in(days)
        AgentOfRecordFactory.create(policy=term.policy, agency=agency, starts=dt.date(2020, 1, 1))
        AgentOfRecordFactory.create(policy=term.policy, agency=former, starts=dt.date(2019, 1, 1), ends=TODAY)
        numbers.append(term.policy.number)
    agent, was = UserFactory.create(), UserFactory.create()
    agent_at(agent, agency, starts=dt.date(2020, 1, 1))
    agent_at(was, former, starts=dt.date(2019, 1, 1))
    assert send_due(today=TODAY) == 1
    (mail,) = mails()
    assert (mail.to, mail.context["count"]) == (agent.email, 3)
    assert [one["number"] for one in mail.context["policies"]] == numbers


def test_a_long_list_is_cut_and_says_how_many_more() -> None:
    agency = AgencyFactory.create()
    for _ in range(27):
        term = term_in(60)
        AgentOfRecordFactory.create(policy=term.policy, agency=agency, starts=dt.date(2020, 1, 1))
    agent_at(UserFactory.create(), agency, starts=dt.date(2020, 1, 1))
    send_due(today=TODAY)
    (mail,) = mails()
    assert (len(mail.context["policies"]), mail.context["more"], mail.context["count"]) == (25, 2, 27)


def test_a_delegate_hears_of_it_only_with_a_right_to_renewals_and_under_a_membership_in_effect() -> None:
    term = term_in(60)
    giver = holder(term, notices=[])
    given_under = giver.memberships.get()
    may, may_not = UserFactory.create(), UserFactory.create()
    for user, capabilities in ((may, ["view_renewal"]), (may_not, ["view_billing"])):
        holder_of(
            user,
            term.policy.policyholder,
            starts=dt.date(2020, 1, 1),
            administrator=False,
            capabilities=capabilities,
            given_under=given_under,
        )
    send_due(today=TODAY)
    assert [mail.to for mail in mails()] == [may.email]
    RenewalReminder.objects.all().delete()
    Membership.objects.filter(pk=given_under.pk).update(ends=TODAY)
    assert send_due(today=TODAY) == 0


def test_without_days_in_the_settings_nobody_is_reminded(settings: Settings) -> None:
    settings.RENEWAL_REMINDER_DAYS = []
    holder(term_in(60))
    assert send_due(today=TODAY) == 0


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_send_one_mail() -> None:
    holder(term_in(60))
    assert sorted(at_once(lambda: send_due(today=TODAY), lambda: send_due(today=TODAY))) == [0, 1]
    assert len(mails()) == 1


def test_the_task_goes_by_the_carrier_s_day() -> None:
    today = carrier_today()
    term = TermFactory.create(effective=today - dt.timedelta(days=305), expires=today + dt.timedelta(days=60))
    holder(term)
    remind_of_renewals()
    assert len(mails()) == 1
