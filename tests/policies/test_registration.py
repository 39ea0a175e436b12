"""Creating an account (S-06, S-07): matched, linked to the address on file, and made in one visit."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuthenticatorDevice, Registration, User
from accounts.models.registrations import Reason
from accounts.services import asking
from accounts.tasks import purge_registrations
from core.models import Event, Mail
from policies.models import Membership
from tests.accounts.people import app_code, is_in
from tests.cast import Cast
from tests.policies.registering import FINISH, REGISTER, ask, choose, link_in, mailed, on_file, typed
from tests.reading import links, words

pytestmark = pytest.mark.django_db
Status = Registration.Status


@pytest.fixture
def ana(cast: Cast) -> Any:
    """Is insured, has no account, and reads her own mailbox."""
    cast.ana.memberships.all().delete()
    return on_file(cast.anas.insured, email="ana@clinic.example")


def opened(message: Any) -> Client:
    """Return a browser that has opened the link of a mail."""
    client = Client()
    assert client.get(link_in(message), follow=True).status_code == 200
    return client


def test_a_clinician_registers_signs_in_and_sets_up_her_second_factor_in_one_visit(ana, settings: Settings) -> None:
    registration = ask()
    assert registration.status == Status.LINK
    (message,) = mailed(settings)
    assert message.to == ["ana@clinic.example"]
    client = opened(message)
    page = client.get(FINISH)
    assert 'value="ana@clinic.example"' in page.content.decode()
    assert choose(client)["Location"] == "/accounts/mfa/setup/"

    user = User.objects.get(username="ana.nunez")
    assert user.email == "ana@clinic.example"
    assert user.email_confirmed_at is not None
    assert (user.first_name, user.last_name, user.zip) == ("Ana", "Núñez", "12207")
    membership = user.memberships.get()
    assert (membership.role, membership.insured) == (Membership.Role.INSURED, ana)
    client.post("/accounts/mfa/setup/", {"method": "authenticator"})
    app = AuthenticatorDevice.objects.get(user=user)
    client.post("/accounts/mfa/setup/authenticator/", {"code": app_code(app)})
    assert is_in(client)
    registration.refresh_from_db()
    assert (registration.status, registration.user) == (Status.DONE, user)
    tags = set(Event.objects.values_list("tag", flat=True))
    assert {"account:registration:asked", "account:registration:matched", "account:registration:done"} <= tags
    assert {"account:user:created", "policies:membership:granted", "account:method:added"} <= tags


def test_someone_who_holds_a_policy_alone_becomes_insured_and_policyholder(cast: Cast, settings: Settings) -> None:
    cast.mia.memberships.all().delete()
    on_file(cast.mias.insured, email="mia@home.example")
    ask(policy_number="MPL700000001", full_name="Mia Lund, MD")
    client = opened(mailed(settings)[0])
    choose(client, "mia.lund")
    roles = set(User.objects.get(username="mia.lund").memberships.values_list("role", flat=True))
    assert roles == {Membership.Role.INSURED, Membership.Role.POLICYHOLDER}


def test_the_link_never_goes_to_an_address_that_was_only_typed(ana, settings: Settings) -> None:
    ask(email="mallory@evil.example")
    assert [message.to for message in mailed(settings)] == [["ana@clinic.example"]]


def test_opening_the_link_makes_nothing_since_mail_scanners_do_it_too(ana, settings: Settings) -> None:
    ask()
    (message,) = mailed(settings)
    accounts = User.objects.count()
    for _ in range(3):
        opened(message)
    assert User.objects.count() == accounts
    assert Registration.objects.get().status == Status.LINK


def test_the_token_leaves_the_address_and_is_kept_only_as_a_hash(ana, settings: Settings) -> None:
    ask()
    link = link_in(mailed(settings)[0])
    response = Client().get(link)
    assert response["Location"] == FINISH
    assert response["Referrer-Policy"] == "no-referrer"
    token = link.rstrip("/").rpartition("/")[2]
    assert token not in str(Registration.objects.values().get())
    assert token not in str(list(Mail.objects.values()))
    guess = Client()
    guess.get("/accounts/register/link/guess/")
    assert "session" not in guess.cookies


def test_a_link_works_once(ana, settings: Settings) -> None:
    ask()
    (message,) = mailed(settings)
    first, second = opened(message), opened(message)
    assert choose(first).status_code == 302
    assert choose(second, "another.name").status_code == 410
    assert not User.objects.filter(username="another.name").exists()
    assert Client().get(link_in(message), follow=True).status_code == 410


def test_a_link_works_for_24_hours(ana, settings: Settings) -> None:
    ask()
    (message,) = mailed(settings)
    now = timezone.now()
    with time_machine.travel(now + dt.timedelta(hours=23, minutes=59), tick=False):
        assert Client().get(link_in(message), follow=True).status_code == 200
    with time_machine.travel(now + dt.timedelta(hours=24, minutes=1), tick=False):
        assert Client().get(link_in(message), follow=True).status_code == 410


def test_a_mail_that_could_not_be_sent_has_another_link_later(ana, settings: Settings) -> None:
    ask()
    (first,) = mailed(settings)
    Mail.objects.filter(name="registration").update(status="queued", attempts=0)
    second = mailed(settings)[-1]
    assert link_in(first) != link_in(second)
    assert Client().get(link_in(first), follow=True).status_code == 410
    assert Client().get(link_in(second), follow=True).status_code == 200


def test_a_taken_username_is_told_only_behind_the_link(ana, settings: Settings) -> None:
    ask()
    client = opened(mailed(settings)[0])
    response = choose(client, "PAULA")
    assert response.status_code == 422
    assert "already has this username" in words(response)
    assert choose(client).status_code == 302


def test_a_weak_password_is_refused_and_the_username_stays(ana, settings: Settings) -> None:
    ask()
    client = opened(mailed(settings)[0])
    response = choose(client, "ana.nunez", "short")
    assert response.status_code == 422
    assert 'value="ana.nunez"' in response.content.decode()
    assert 'value="short"' not in response.content.decode()
    assert not User.objects.filter(username="ana.nunez").exists()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"policy_number": "MPL-999-999999"}, Reason.NO_POLICY),
        ({"full_name": "Zed Zulu", "date_of_birth": "01/01/1950"}, Reason.NO_PERSON),
        ({"full_name": "Anna Nunez"}, Reason.NAME),
        ({"date_of_birth": "10/03/1975"}, Reason.BIRTH_DATE),
        ({"zip": "06103"}, Reason.ZIP),
    ],
)
def test_every_failure_gets_the_same_page_and_staff_see_why(ana, settings: Settings, more, reason) -> None:
    good = Client().post(REGISTER, typed(), follow=True)
    bad = Client().post(REGISTER, typed(**more), follow=True)
    assert (good.status_code, words(good)) == (bad.status_code, words(bad))
    assert "call web support" in words(bad)
    Registration.objects.all().delete()
    registration = ask(**more)
    assert (registration.status, registration.reason) == (Status.UNMATCHED, reason)
    assert mailed(settings) == []


def test_the_request_asks_the_same_of_the_database_whether_the_policy_exists(
    ana, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("celery.Celery.send_task", lambda *_args, **_more: None)
    statements = [_statements_of(more) for more in ({}, {"policy_number": "NOT-1", "full_name": "Zed Zulu"})]
    assert statements[0] == statements[1]
    assert not any("policies_" in sql or "accounts_user" in sql for sql in statements[0])


def _statements_of(more: dict[str, str]) -> list[str]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        assert Client().post(REGISTER, typed(**more)).status_code == 302
    # Each statement without its values.
    return [re.sub(r"'[^']*'|_x\d+|\d+", "?", query["sql"]) for query in captured]


def test_the_same_form_sent_twice_is_one_request(ana) -> None:
    form = typed()
    client = Client()
    assert [client.post(REGISTER, form).status_code for _ in range(2)] == [302, 302]
    assert Registration.objects.count() == 1


def test_what_was_typed_is_encrypted_and_the_birth_date_is_a_keyed_hash(ana) -> None:
    from django.db import connection

    ask()
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(r)::text FROM accounts_registration r")
        ((stored,),) = cursor.fetchall()
        cursor.execute("SELECT row_to_json(e)::text FROM core_event e")
        stored += "".join(line for (line,) in cursor.fetchall())
    for secret in ("118832", "Nunez", "home.example", "clinic.example", "12207", "1975"):
        assert secret not in stored


@pytest.mark.parametrize("limit", ["network", "policy", "name"])
def test_a_sixth_request_within_an_hour_waits_whatever_is_on_file(cast: Cast, limit) -> None:
    def send(number: int) -> Any:
        # What matching ignores makes no other number.
        more = {"policy_number": "mpl 204-118832" + "é·–ñ§"[:number] if limit == "policy" else f"NO-{number}"}
        more |= {} if limit == "name" else {"full_name": f"Person Number{'abcdefgh'[number]}"}
        ip = "203.0.113.1" if limit == "network" else f"203.0.113.{number + 1}"
        return Client(REMOTE_ADDR=ip).post(REGISTER, typed(**more))

    assert [send(number).status_code for number in range(6)] == [302] * 5 + [429]
    assert Registration.objects.count() == 5
    assert Event.objects.filter(tag="account:registration:limited").count() == 1
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=61), tick=False):
        assert send(6).status_code == 302


def test_everything_that_anonymous_people_ask_for_counts_under_the_wider_network(
    db, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An IPv6 /48 has 65,536 networks."""
    monkeypatch.setattr(asking, "WIDE_NETWORK", replace(asking.WIDE_NETWORK, times=3))

    def post(number: int, page: str, form: dict[str, str]) -> int:
        return Client(REMOTE_ADDR=f"2001:db8:77:{number}::1").post(page, form).status_code

    forms = [
        (REGISTER, typed(policy_number="NO-1")),
        ("/accounts/forgot-password/", {"username": "nobody"}),
        ("/accounts/forgot-username/", typed(policy_number="NO-2")),
    ]
    assert [post(number, *form) for number, form in enumerate(forms)] == [302, 302, 302]
    forms[0] = (REGISTER, typed(policy_number="NO-1", full_name="Someone Else"))
    assert [post(number + 3, *form) for number, form in enumerate(forms)] == [429, 429, 429]
    assert Client(REMOTE_ADDR="2001:db8:78::1").post(*forms[0]).status_code == 302


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("policy_number", "--", "Enter the policy number with its letters and digits."),
        ("full_name", "Núñez", "Enter your first and last name."),
        ("date_of_birth", "31/31/1975", "Enter your date of birth as month, day, and year, for example 04/23/1969."),
        ("date_of_birth", "10/02/2175", "Check the year of your date of birth."),
        ("zip", "1220", "Enter a ZIP code such as 06103 or 06103-1234."),
        ("email", "ana", "Enter an email such as name@example.com."),
    ],
)
def test_a_faulty_field_is_named_and_nothing_typed_is_lost(db, field, text, sentence) -> None:
    response = Client().post(REGISTER, typed(**{field: text}))
    assert response.status_code == 422
    assert sentence in words(response)
    assert 'value="mpl 204 118832"' in response.content.decode() or field == "policy_number"
    assert Registration.objects.count() == 0


def test_someone_who_is_signed_in_goes_home_instead(cast: Cast, browse) -> None:
    assert browse(cast.ben).get(REGISTER)["Location"] == "/"


def test_what_nobody_used_in_time_is_closed_and_old_requests_are_deleted(ana, settings: Settings) -> None:
    registration, now = ask(), timezone.now()
    with time_machine.travel(now + dt.timedelta(hours=25), tick=False):
        purge_registrations()
    registration.refresh_from_db()
    assert (registration.status, registration.token_hash) == (Status.EXPIRED, "")
    with time_machine.travel(now + dt.timedelta(days=59), tick=False):
        purge_registrations()
    assert Registration.objects.count() == 1
    with time_machine.travel(now + dt.timedelta(days=61), tick=False):
        purge_registrations()
    assert Registration.objects.count() == 0
    assert Event.objects.filter(tag="account:registration:matched", subject_id=str(registration.pk)).exists()


def test_the_person_on_file_can_lock_an_account_that_was_made_in_their_name(ana, settings: Settings) -> None:
    ask()
    choose(opened(mailed(settings)[0]))
    told = [message for message in mailed(settings) if "An account was created for you." in message.body]
    assert [message.to for message in told] == [["ana@clinic.example"]]
    assert "Lock my account" in str(told[0].alternatives[0])


def test_the_header_and_the_sign_in_page_lead_to_an_account(db) -> None:
    for page in ("/", "/accounts/sign-in/", "/accounts/register/sent/"):
        response = Client().get(page)
        assert REGISTER in links(response), page
    assert "First time here? Create an account." in words(Client().get("/accounts/sign-in/"))
    assert "Returning? Sign in." in words(Client().get(REGISTER))
