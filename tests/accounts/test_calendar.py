"""The calendar of a user's dates: a private address, shown once, that gives what its user may see at that moment."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from ical.calendar import Calendar
from ical.calendar_stream import IcsCalendarStream

from accounts.models import AccountLock, CalendarAddress, User
from billing.models import BillingAccount, Installment
from core.calendars import CalendarEntry, written
from core.crypto import keyed_hash
from core.models import Event
from policies.models import AgentOfRecord, Membership, Policy, Term
from seminars.models import Attendance, Seminar
from tests.book import TermFactory, days
from tests.cast import Cast
from tests.reading import words

pytestmark = pytest.mark.django_db

NEW, PAGE = reverse("accounts:calendar-new"), reverse("accounts:calendar")


def address_of(client: Client) -> str:
    """Make an address, and return its path."""
    found = re.search(r"https?://[^/\s]+(/accounts/calendar/link/[\w-]{43}/dates\.ics)", client.post(NEW).text)
    assert found is not None
    return found[1]


def dates(path: str) -> dict[str, dt.date | dt.datetime]:
    """Fetch a calendar as a program without a session does, and read it strictly."""
    response = Client().get(path)
    assert response.status_code == 200
    calendar: Calendar = IcsCalendarStream.calendar_from_ics(response.text)
    return {str(event.summary): event.dtstart for event in calendar.events if event.dtstart is not None}


def an_installment(cast: Cast, due: dt.date, **values: object) -> Installment:
    account, _ = BillingAccount.objects.get_or_create(
        source="core", external_id="B1", defaults={"policyholder": cast.policy.policyholder}
    )
    facts = {"source": "core", "external_id": f"I{due}", "account": account, "term": cast.term, "amount": Decimal(100)}
    return Installment.objects.create(due=due, **facts | values)


def test_a_policyholder_has_renewals_offers_and_payments_and_names_nobody(cast, browse):
    Term.objects.filter(pk=cast.term.pk).update(billing=Term.Billing.DIRECT, paid_through=days(9))
    an_installment(cast, days(10))
    an_installment(cast, days(5))
    offer = TermFactory.create(
        policy=cast.policy, status="offered", effective=cast.term.expires, expires=days(600), offer_expires=days(20)
    )
    path = address_of(browse(cast.paula))
    assert dates(path) == {
        "Policy …8832: term ends": cast.term.expires,
        "Policy …8832: renewal offer ends": days(20),
        "Payment due: policy …8832": days(10),
    }
    text = Client().get(path).text
    for private in ("Riverbend", "Núñez", "MPL-204", "Okafor", "100"):
        assert private not in text.replace(f"-{days(10):%Y%m%d}", "")
    Term.objects.filter(pk=offer.pk).update(status="bound")
    assert dates(path)["Policy …8832: renews"] == cast.term.expires
    Term.objects.filter(pk=cast.term.pk).update(billing=Term.Billing.AGENCY)
    assert "Payment due: policy …8832" not in dates(path), "the agency collects it"


def test_an_insured_has_their_own_coverage_and_seminars_and_no_payments(cast, browse):
    Term.objects.filter(pk=cast.term.pk).update(billing=Term.Billing.DIRECT)
    an_installment(cast, days(10))
    starts = timezone.now().replace(microsecond=0) + dt.timedelta(days=3)
    seminar = Seminar.objects.create(
        source="core", external_id="S1", title="Charting; what, and why", kind="live", starts=starts, location="Hall, 2"
    )
    Attendance.objects.create(source="core", external_id="A1", seminar=seminar, insured=cast.anas.insured)
    found = dates(address_of(browse(cast.ana)))
    assert found == {"Policy …8832: your coverage ends": cast.anas.expires, "Charting; what, and why": starts}
    assert found.keys() == {"Policy …8832: your coverage ends", "Charting; what, and why"}
    assert "Charting; what, and why" not in dates(address_of(browse(cast.ben)))
    Attendance.objects.update(completed=days(0))
    assert "Charting; what, and why" not in dates(address_of(browse(cast.ana)))


def test_access_that_ended_gives_nothing_from_that_moment(cast, browse):
    paulas, adams = address_of(browse(cast.paula)), address_of(browse(cast.adam))
    assert dates(paulas)
    assert dates(adams)
    Membership.objects.get(user=cast.paula).revoke(by=cast.support, reason="left")
    AgentOfRecord.objects.update(ends=days(-1))
    assert (dates(paulas), dates(adams)) == ({}, {})


def test_a_policy_that_was_cancelled_has_no_dates_and_one_that_will_be_has_that_day(cast, browse):
    path = address_of(browse(cast.paula))
    Policy.objects.filter(pk=cast.policy.pk).update(status="cancelled", cancellation_effective=days(12))
    Term.objects.filter(pk=cast.term.pk).update(status="bound")
    assert dates(path) == {"Policy …8832: is cancelled": days(12)}
    Policy.objects.filter(pk=cast.policy.pk).update(cancellation_effective=days(-40))
    assert dates(path) == {}


def test_only_a_keyed_hash_is_kept_and_the_address_is_shown_once(cast, browse):
    paula = browse(cast.paula)
    path = address_of(paula)
    token = path.split("/")[4]
    row = CalendarAddress.objects.get()
    assert row.token_hash == keyed_hash("calendar:token", token)
    assert token not in paula.get(PAGE).text
    assert Event.objects.filter(tag="account:calendar:created", actor_id=cast.paula.pk).exists()
    assert "Last fetched Not yet" in words(paula.get(PAGE))
    dates(path)
    assert "Not yet" not in words(paula.get(PAGE))


def test_a_new_address_ends_the_former_one_and_revoking_ends_it(cast, browse):
    paula = browse(cast.paula)
    first = address_of(paula)
    second = address_of(paula)
    assert [Client().get(path).status_code for path in (first, second)] == [404, 200]
    paula.post(reverse("accounts:calendar-revoke"))
    assert Client().get(second).status_code == 404
    assert Event.objects.filter(tag="account:calendar:revoked").count() == 1
    assert "Make an address" in words(paula.get(PAGE))


@pytest.mark.parametrize("how", ["locked", "deactivated"])
def test_a_locked_or_deactivated_account_gives_nothing(cast, browse, how):
    path = address_of(browse(cast.paula))
    if how == "locked":
        lock = AccountLock.objects.create(user=cast.paula, reason="stolen")
    else:
        User.objects.filter(pk=cast.paula.pk).update(is_active=False)
    assert Client().get(path).status_code == 404
    if how == "locked":
        AccountLock.objects.filter(pk=lock.pk).update(lifted_at=timezone.now(), lift_reason="found")
        assert Client().get(path).status_code == 200


def test_nobody_keeps_or_finds_the_address(cast, browse):
    """That no log has it, `tests.leaks` watches in every test."""
    path = address_of(browse(cast.paula))
    answers = [Client().get(path), Client().get(path.replace("/dates", "x/dates"))]
    assert Client().post(path).status_code == 405
    for answer in answers:
        assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "no-referrer")
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert answers[0]["Content-Type"] == "text/calendar; charset=utf-8"
    assert "session" not in answers[0].cookies


def test_fetches_and_guesses_are_limited(cast, browse, monkeypatch):
    from accounts.views import calendars
    from core.throttle import Limit

    monkeypatch.setattr(calendars, "FETCHES", Limit("calendar:fetch", 2, dt.timedelta(hours=1)))
    monkeypatch.setattr(calendars, "WRONG", Limit("calendar:wrong", 1, dt.timedelta(hours=1)))
    path = address_of(browse(cast.paula))
    assert [Client().get(path).status_code for _ in range(3)] == [200, 200, 429]
    wrong = reverse("accounts:calendar-feed", args=["x" * 43])
    assert [Client().get(wrong).status_code for _ in range(2)] == [404, 429]


def test_any_text_is_written_so_that_a_strict_reader_gets_it_back():
    odd = "Long, odd; text\nwith a \\ and “ünïcödé” " * 6
    moment = dt.datetime(2026, 3, 8, 6, 30, tzinfo=dt.UTC)
    entries = [
        CalendarEntry("a", odd, dt.date(2026, 2, 28), href="/policies/"),
        CalendarEntry("b", "Seminar", moment, moment + dt.timedelta(hours=1), place="Hall; 2, left"),
    ]
    content = written(entries, at=moment)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    calendar = IcsCalendarStream.calendar_from_ics(content.decode())
    first, second = calendar.events
    assert (first.summary, first.dtstart, first.dtend) == (odd, dt.date(2026, 2, 28), dt.date(2026, 3, 1))
    assert (second.dtstart, second.location) == (moment, "Hall; 2, left")
    assert first.uid.startswith("a@")
    assert len(IcsCalendarStream.calendar_from_ics(written([], at=moment).decode()).events) == 0


def test_a_calendar_costs_the_same_for_a_group_as_for_one(cast, browse, django_assert_max_num_queries):
    path = address_of(browse(cast.adam))
    for _ in range(20):
        TermFactory.create(policy__policyholder=cast.policy.policyholder)
    for policy in Policy.objects.exclude(pk=cast.policy.pk):
        AgentOfRecord.objects.create(
            source="core", external_id=f"R{policy.pk}", policy=policy, agency=cast.agency, starts=days(-9)
        )
    with django_assert_max_num_queries(12):
        assert len(Client().get(path).content) > 2000
