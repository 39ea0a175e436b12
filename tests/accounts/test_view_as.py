"""Staff look at the portal as a customer sees it (B-11): read-only, recorded, for 15 minutes."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Look, User
from accounts.services import looks
from accounts.tasks import end_looks
from core.models import Event
from credentialing.certificates.issuing import render
from policies.models import Membership
from portal.staff import make_staff_groups
from tests.cast import browser_of
from tests.factories import UserFactory
from tests.helpers import sign_in
from tests.reading import all_words, words
from tests.test_access_matrix import CUSTOMERS, ROWS, book, client_of  # noqa: F401  # `book` is a fixture

pytestmark = pytest.mark.django_db

REASON = "Called: can’t find the certificate"


@pytest.fixture
def wes(db) -> User:
    """Works in web support, and in no other group."""
    make_staff_groups()
    user = UserFactory.create(username="wes", first_name="Wes", last_name="Porter", is_staff=True)
    user.groups.add(Group.objects.get(name="Web support"))
    return user


@pytest.fixture
def desk(wes) -> Client:
    """Return Wes's browser."""
    return browser_of(wes)


def begin(desk: Client, subject: User, reason: str = REASON):
    return desk.post(reverse("admin:accounts_user_view-as", args=[subject.pk]), {"reason": reason})


def look_at(desk: Client, subject: User) -> Look:
    response = begin(desk, subject)
    assert (response.status_code, response.url) == (302, "/"), words(response)
    return Look.objects.get(ended_at=None)


def main_of(response) -> str:
    """Return a page's own part, without the tokens that differ from page to page."""
    text = re.search(r"<main.*?</main>", response.content.decode(), flags=re.DOTALL)
    assert text is not None
    own = re.sub(r'name="(csrfmiddlewaretoken|idempotency_key|link)"[^>]*value="[^"]*"', "", text.group())
    return " ".join(own.split())


# What a look shows.


@pytest.mark.parametrize("who", CUSTOMERS)
def test_every_page_of_a_customer_shows_the_customers_rows_and_none_the_staff_members(book, desk, wes, who, settings):  # noqa: F811
    """Wes was a policyholder before he joined us: his own policy is on none of the pages."""
    settings.METRICS_TOKEN = ""
    mias = book.people["other_policyholder"].memberships.get(role="policyholder").policyholder
    Membership.objects.bulk_create([Membership(user=wes, role="policyholder", policyholder=mias)])
    customer = client_of(who, book)
    look_at(desk, book.people[who])
    compared = 0
    for name, row in ROWS.items():
        if row.method != "get" or name in {"healthz", "readyz", "metrics"} or name.startswith("accounts:"):
            continue
        address = reverse(name, args=row.args(book) if row.args else [])
        theirs, shown = customer.get(address), desk.get(address)
        if name == "verify:code":
            # It keeps who asked, which is nobody's page, and a look can't write.
            assert (theirs.status_code, shown.status_code) == (200, 403)
            continue
        if theirs.status_code == 302:
            # A refused download leaves a message for the next page.
            customer.get("/"), desk.get("/")
        if name.startswith("claims:"):
            # What may name a patient, and an insured's own claims, aren't staff's to look at.
            assert "Quackenbush" not in all_words(shown), name
            continue
        if theirs.status_code == 200 and "text/html" in theirs["Content-Type"] and b"<main" in theirs.content:
            assert shown.status_code == 200, name
            assert main_of(shown) == main_of(theirs), name
            assert "Mia Lund" not in words(shown), name
            compared += 1
        elif theirs.status_code != 200:
            assert shown.status_code in {theirs.status_code, 403}, name
    assert compared >= 5


def test_the_menu_and_the_name_at_the_top_are_the_customers(cast, desk):
    look_at(desk, cast.paula)
    page = desk.get("/")
    text = all_words(page)
    assert "Credentialing" in text or "Certificates" in text
    assert "Policyholder" in text
    assert "Admin" not in text
    assert "Sign-in methods" not in text


def test_a_banner_on_every_page_names_both_and_has_the_way_out(cast, desk):
    look_at(desk, cast.ana)
    for address in ("/", "/policies/", cast.policy.get_absolute_url(), "/no-such-page/"):
        text = all_words(desk.get(address))
        assert f"Viewing as {cast.ana.get_full_name()} (ana). You’re Wes Porter. Read-only until" in text, address
        assert "15 minutes left" in text
        assert "End view" in text
    ended = desk.post(reverse("accounts:end-look"))
    assert ended.url == reverse("admin:accounts_user_change", args=[cast.ana.pk])
    assert "Viewing as" not in all_words(desk.get("/"))


@pytest.mark.urls("tests.writing_urls")
def test_the_requests_user_stays_the_member_of_staff(cast, desk):
    assert desk.get("/whose/").content == b"wes sees wes's"
    look_at(desk, cast.ana)
    assert desk.get("/whose/").content == b"wes sees ana's"


# What it refuses.


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["form", "htmx"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_sent(cast, desk, method, headers):
    look_at(desk, cast.paula)
    address = reverse("credentialing:issue", args=[cast.anas.public_id])
    response = getattr(desk, method)(address, headers=headers)
    assert response.status_code == 403
    assert "Not while viewing as a customer" in words(response)


def test_a_file_is_not_given_out_and_no_download_recorded(book, desk):  # noqa: F811
    render(book.certificate.pk)
    look_at(desk, book.people["policyholder"])
    address = reverse("credentialing:pdf", args=[book.certificate.public_id])
    assert client_of("policyholder", book).get(address).status_code == 200
    before = Event.objects.filter(tag="credentialing:certificate:downloaded").count()
    for method in ("get", "head"):
        response = getattr(desk, method)(address)
        assert response.status_code == 403
        assert not response.has_header("Content-Disposition")
    assert Event.objects.filter(tag="credentialing:certificate:downloaded").count() == before


@pytest.mark.urls("tests.writing_urls")
@pytest.mark.parametrize("address", ["/writes/", "/table/", "/saved/", "/elsewhere/"])
def test_a_page_that_would_change_something_or_give_out_data_is_refused(cast, desk, address):
    assert desk.get(address).status_code in {200, 302}
    User.objects.update(city="")
    look_at(desk, cast.ana)
    response = desk.get(address)
    assert response.status_code == 403
    assert "Not while viewing as a customer" in words(response)
    assert not User.objects.filter(city="Written").exists()


@pytest.mark.parametrize(
    "name", ["accounts:mfa-setup", "accounts:verify-ways", "accounts:mfa-setup-done", "admin:index"]
)
def test_the_persons_account_and_admin_are_closed(cast, desk, name):
    look_at(desk, cast.ana)
    response = desk.get(reverse(name))
    assert response.status_code == 403
    assert "Not while viewing as a customer" in words(response)


def test_staying_signed_in_works_all_the_same(cast, desk):
    look_at(desk, cast.ana)
    assert desk.post(reverse("accounts:stay-signed-in")).status_code == 302
    assert desk.get(reverse("accounts:session-time")).json()["seconds"] > 0


# Who may look, at whom.


def test_a_reason_is_asked(cast, desk):
    response = begin(desk, cast.ana, reason=" ")
    assert response.status_code == 422
    assert "Enter a reason" in words(response)
    assert not Look.objects.exists()


def test_only_web_support_may_look(cast):
    make_staff_groups()
    clerk = UserFactory.create(username="clerk", is_staff=True)
    clerk.groups.add(*Group.objects.exclude(name="Web support"))
    assert begin(browser_of(clerk), cast.ana).status_code == 403
    customer = browser_of(cast.paula)
    assert customer.get(begin(customer, cast.ana).url).status_code == 403
    assert not Look.objects.exists()


def test_a_look_begins_with_a_code_of_the_last_20_minutes(cast, wes):
    client = Client()
    sign_in(client, wes, verified_at=timezone.now() - dt.timedelta(minutes=21))
    assert client.get(begin(client, cast.ana).url).url.startswith(reverse("accounts:verify"))
    assert not Look.objects.exists()


def test_staff_and_closed_accounts_are_not_looked_at(cast, desk, wes):
    closed = UserFactory.create(username="closed", is_active=False)
    for subject, why in (
        (cast.support, "This is a staff account"),
        (wes, "This is a staff account"),
        (closed, "This account is deactivated"),
    ):
        assert begin(desk, subject).url == reverse("admin:accounts_user_change", args=[subject.pk])
        assert why in words(desk.get("/"))
    assert not Look.objects.exists()


@pytest.mark.parametrize("shares", ["party", "policy"])
def test_staff_who_are_customers_too_do_not_look_at_their_own_parties(cast, desk, wes, shares):
    own = {"role": "policyholder", "policyholder": cast.policy.policyholder}
    if shares == "policy":
        own = {"role": "insured", "insured": cast.bens.insured}
    Membership.objects.bulk_create([Membership(user=wes, **own)])
    for subject in (cast.paula, cast.adam) if shares == "policy" else (cast.paula,):
        begin(desk, subject)
        assert "You’re a customer with this person" in words(desk.get("/"))
    assert not Look.objects.exists()
    look_at(desk, cast.olga)


def test_looks_do_not_nest(cast, desk):
    first = look_at(desk, cast.ana)
    assert begin(desk, cast.ben).status_code == 403
    request = SimpleNamespace(session=desk.session, user=first.staff)
    request.session.row = first.session
    with pytest.raises(looks.MayNotLookError, match="already"):
        looks.start(request=request, subject=cast.ben, reason=REASON)
    assert Look.objects.get() == first


# How it ends.


@pytest.mark.time_machine("2026-03-02T15:00:00Z", tick=False)
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_ends_after_15_minutes_and_leads_back_to_the_account(cast, desk, time_machine, method):
    look = look_at(desk, cast.ana)
    assert look.ends_at - look.started_at == dt.timedelta(minutes=15)
    time_machine.shift(dt.timedelta(minutes=14))
    assert "1 minute left" in all_words(desk.get("/policies/"))
    time_machine.shift(dt.timedelta(minutes=1))
    response = getattr(desk, method)("/policies/")
    assert response.url == reverse("admin:accounts_user_change", args=[cast.ana.pk])
    look.refresh_from_db()
    assert look.end_reason == "time"
    assert "time for viewing the portal as a customer is up" in words(desk.get("/"))
    assert "Viewing as" not in all_words(desk.get("/"))


def test_it_ends_with_the_sign_out(cast, desk):
    look = look_at(desk, cast.ana)
    desk.post(reverse("accounts:sign-out"))
    look.refresh_from_db()
    assert look.end_reason == "session"


@pytest.mark.parametrize("loses", ["the right", "the customer"])
def test_it_ends_when_it_is_not_allowed_any_more(cast, desk, wes, loses):
    look = look_at(desk, cast.ana)
    if loses == "the right":
        wes.groups.clear()
    else:
        User.objects.filter(pk=cast.ana.pk).update(is_staff=True)
    assert desk.get("/policies/").status_code == 302
    look.refresh_from_db()
    assert look.end_reason == "not_allowed"


def test_a_look_whose_session_died_or_whose_time_passed_unseen_is_ended_by_the_clock(cast, desk, wes):
    look = look_at(desk, cast.ana)
    end_looks()
    look.refresh_from_db()
    assert look.ended_at is None
    look.session.end("locked")
    end_looks()
    look.refresh_from_db()
    assert look.end_reason == "session"
    other = look_at(browser_of(wes), cast.ana)
    Look.objects.filter(pk=other.pk).update(ends_at=timezone.now())
    end_looks()
    other.refresh_from_db()
    assert other.end_reason == "time"


# What is recorded.


def test_start_pages_and_end_are_recorded_with_both_people(cast, desk, wes):
    look_at(desk, cast.ana)
    desk.get("/policies/?q=secret-name")
    desk.post("/policies/")
    desk.post(reverse("accounts:end-look"))
    events = list(Event.objects.filter(tag__startswith="staff:look:").order_by("id"))
    assert [event.tag for event in events] == ["staff:look:started", "staff:look:page", "staff:look:ended"]
    for event in events:
        assert (event.actor_id, event.on_behalf_of_id, event.subject_id) == (wes.pk, cast.ana.pk, str(cast.ana.pk))
    assert events[0].data["reason"] == REASON
    assert (events[1].data["page"], events[1].data["path"]) == ("policies:list", "/policies/")
    assert "secret-name" not in str([event.data for event in events])


def test_a_page_that_shows_nothing_is_recorded_too(cast, desk):
    look_at(desk, cast.ana)
    assert desk.get(reverse("policies:policy", args=["x" * 22])).status_code == 404
    assert Event.objects.filter(tag="staff:look:page", data__page="policies:policy").exists()


def test_the_way_to_it_is_offered_where_it_may_be_gone(cast, desk):
    page = desk.get(reverse("admin:accounts_user_change", args=[cast.ana.pk]))
    assert "View as customer" in words(page)
    assert "View as customer" not in words(desk.get(reverse("admin:accounts_user_change", args=[cast.support.pk])))
