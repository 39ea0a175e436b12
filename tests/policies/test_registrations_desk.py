"""Registrations that staff see, complete, print letters for, and refuse (S-06, S-07; docs/staff.md#registrations)."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any
from zoneinfo import ZoneInfo

import pypdf
import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuthenticatorDevice, Registration, User
from accounts.models.registrations import Reason
from accounts.services import registering
from core.models import Event
from core.templatetags.show import day_long
from policies.models import Membership, reach_of
from tests.accounts.people import app_code
from tests.book import PolicyholderFactory
from tests.cast import Cast
from tests.factories import UserFactory
from tests.helpers import sign_in
from tests.policies.registering import FINISH, ContactFactory, ask, choose, link_in, mailed, on_file
from tests.reading import words

pytestmark = pytest.mark.django_db
Status = Registration.Status
LIST = "/admin/accounts/registration/"


@pytest.fixture
def ana(cast: Cast) -> Any:
    """Has no account, and no email on file."""
    cast.ana.memberships.all().delete()
    return on_file(cast.anas.insured)


def page_of(registration: Registration, act: str = "change") -> str:
    return f"{LIST}{registration.pk}/{act}/"


def helper(*rights: str) -> Client:
    """Return the browser of a member of staff with these rights on registrations."""
    user = UserFactory.create(is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_registration", *rights]))
    browser = Client()
    sign_in(browser, user)
    return browser


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).split())


def code_in(pdf: bytes) -> str:
    found = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", text_of(pdf))
    assert found is not None, text_of(pdf)
    return found.group()


def complete(staff: Client, registration: Registration, **form: Any) -> Any:
    return staff.post(page_of(registration, "complete"), {"reason": "Called back on the number on file", **form})


def test_without_an_email_on_file_a_code_goes_by_letter_and_makes_the_account(
    ana, staff: Client, settings: Settings
) -> None:
    registration = ask()
    assert (registration.status, registration.reason) == (Status.LETTER, Reason.NO_EMAIL)
    assert "Registration letters to print" in words(staff.get("/admin/"))
    response = staff.post(page_of(registration, "letter"))
    assert response["Content-Type"] == "application/pdf"
    assert "no-store" in response["Cache-Control"]
    code = code_in(response.content)
    registration.refresh_from_db()
    assert registration.status == Status.POSTED
    assert Event.objects.filter(tag="account:registration:printed", subject_id=str(registration.pk)).count() == 1

    client = Client()
    typed = code.lower().replace("-", " ").replace("0", "o")
    assert client.post("/accounts/register/code/", {"code": typed})["Location"] == FINISH
    page = client.get(FINISH)
    assert 'value="ana@home.example"' not in page.content.decode()
    # An email that was only typed proves nothing yet.
    assert choose(client, "ana@home.example").status_code == 422
    assert choose(client).status_code == 302
    user = User.objects.get(username="ana.nunez")
    assert (user.email, user.email_confirmed_at) == ("ana@home.example", None)
    assert user.memberships.get().insured == ana
    again = Client()
    assert again.post("/accounts/register/code/", {"code": code}).status_code == 422

    client.post("/accounts/mfa/setup/", {"method": "authenticator"})
    client.post("/accounts/mfa/setup/authenticator/", {"code": app_code(AuthenticatorDevice.objects.get(user=user))})
    asked = next(message for message in mailed(settings) if "To confirm it" in str(message.body))
    link = re.search(r"/accounts/link/\S+", str(asked.body))
    assert link is not None
    client.get(link.group())
    client.post("/accounts/confirm-email/")
    user.refresh_from_db()
    assert user.email_confirmed_at is not None


def test_a_letter_names_the_person_on_file_and_nothing_that_was_typed(ana, staff: Client) -> None:
    registration = ask(full_name="ANA M NUNEZ, MD, FACP", email="typed@home.example")
    text = text_of(staff.post(page_of(registration, "letter")).content)
    assert "Ana Núñez, MD 12 Clinic Road Albany, NY 12207" in text
    assert "/accounts/register/code/" in text
    for typed in ("FACP", "typed@home.example", "118832"):
        assert typed not in text


def test_the_person_who_asked_gets_no_hold_of_the_account_that_a_letters_reader_makes(
    ana, staff: Client, settings: Settings
) -> None:
    """A stranger asks with an email of their own, hoping that the person enters the code of the letter."""
    registration = ask(email="stranger@elsewhere.example")
    client = Client()
    client.post("/accounts/register/code/", {"code": code_in(staff.post(page_of(registration, "letter")).content)})
    assert "stranger@elsewhere.example" not in client.get(FINISH).content.decode()
    assert "Enter your email." in words(choose(client, email=""))
    choose(client, email="ana@home.example")
    assert User.objects.get(username="ana.nunez").email == "ana@home.example"
    assert "stranger@elsewhere.example" not in {to for message in mailed(settings) for to in message.to}


def test_the_code_works_through_the_day_that_the_letter_names(ana, staff: Client, settings: Settings) -> None:
    registration, zone = ask(), ZoneInfo(settings.TIME_ZONE)
    pdf = staff.post(page_of(registration, "letter")).content
    registration.refresh_from_db()
    last_day = timezone.localdate(registration.printed_at, zone) + dt.timedelta(days=21)
    assert f"through {day_long(last_day)}" in text_of(pdf)
    for moment, status in (("23:59", 302), ("00:00", 422)):
        day = last_day if status == 302 else last_day + dt.timedelta(days=1)
        at = dt.datetime.combine(day, dt.time.fromisoformat(moment), tzinfo=zone)
        with time_machine.travel(at, tick=False):
            assert Client().post("/accounts/register/code/", {"code": code_in(pdf)}).status_code == status


def test_the_letter_to_a_contact_names_the_office_that_it_goes_to(db, cast: Cast, staff: Client) -> None:
    agency = cast.agency
    agency.address1, agency.city, agency.state, agency.zip = "5 Harbor Way", "Albany", "NY", "12207"
    agency.save()
    ContactFactory(agency=agency, email="")
    pdf = staff.post(page_of(ask(full_name="Rosa Quist"), "letter")).content
    assert f"Rosa Quist {agency.name} 5 Harbor Way Albany, NY 12207" in text_of(pdf)


def test_the_code_is_kept_only_as_a_keyed_hash_and_another_letter_voids_it(ana, staff: Client) -> None:
    registration = ask()
    first = code_in(staff.post(page_of(registration, "letter")).content)
    second = code_in(staff.post(page_of(registration, "letter")).content)
    stored = str(Registration.objects.values().get())
    assert first.replace("-", "") not in stored
    assert second.replace("-", "") not in stored
    assert Client().post("/accounts/register/code/", {"code": first}).status_code == 422
    assert Client().post("/accounts/register/code/", {"code": second}).status_code == 302


def test_looking_at_the_page_of_a_letter_prints_nothing(ana, staff: Client) -> None:
    registration = ask()
    assert staff.get(page_of(registration, "letter")).status_code == 302
    registration.refresh_from_db()
    assert registration.status == Status.LETTER


def test_letters_of_several_are_one_pdf_with_a_page_each(ana, cast: Cast, staff: Client) -> None:
    cast.ben.memberships.all().delete()
    on_file(cast.bens.insured)
    rows = [ask(), ask(full_name="Ben Okafor", email="ben@home.example")]
    form = {"action": "print_selected", "_selected_action": [row.pk for row in rows]}
    pdf = staff.post(LIST, form).content
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 2
    assert set(Registration.objects.values_list("status", flat=True)) == {Status.POSTED}


def test_an_eleventh_code_from_a_network_within_an_hour_waits(db) -> None:
    codes = [f"ABCD-ABCD-ABC{digit}" for digit in "0123456789A"]
    client = Client()
    statuses = [client.post("/accounts/register/code/", {"code": code}).status_code for code in codes]
    assert statuses == [422] * 10 + [429]


def test_an_email_of_several_people_gets_no_link_but_hears_of_it(ana, cast: Cast, settings: Settings) -> None:
    on_file(ana, email="office@clinic.example")
    on_file(cast.bens.insured, email="Office@clinic.example", born="1980-01-01")
    registration = ask()
    assert (registration.status, registration.reason) == (Status.LETTER, Reason.SHARED_EMAIL)
    (message,) = mailed(settings)
    assert message.to == ["office@clinic.example"]
    assert "/register/link/" not in message.body
    assert "Núñez" not in message.body


def test_staff_see_why_and_complete_it_by_hand_with_a_reason(
    ana, staff: Client, stan: User, settings: Settings
) -> None:
    on_file(ana, email="ana@clinic.example")
    registration = ask(date_of_birth="10/03/1975")
    assert "the date of birth doesn’t" in words(staff.get(LIST))
    assert "Ana Nunez" in words(staff.get(page_of(registration)))
    response = complete(staff, registration, insured=ana.pk, way="on_file")
    assert response.status_code == 302
    (message,) = mailed(settings)
    assert message.to == ["ana@clinic.example"]
    event = Event.objects.get(tag="account:registration:decided")
    assert event.actor_id == stan.pk
    assert event.data["because"] == "Called back on the number on file"
    assert event.data["parties"] == [{"kind": "insured", "id": ana.pk}]
    client = Client()
    client.get(link_in(message))
    choose(client)
    membership = User.objects.get(username="ana.nunez").memberships.get()
    assert (membership.insured, membership.granted_by) == (ana, stan)


def test_staff_may_send_the_link_to_the_typed_email_and_the_person_on_file_hears_of_it(
    ana, staff: Client, settings: Settings
) -> None:
    on_file(ana, email="former@clinic.example")
    registration = ask(zip="99999")
    complete(staff, registration, insured=ana.pk, way="typed")
    found = {message.to[0]: message.body for message in mailed(settings)}
    assert set(found) == {"ana@home.example", "former@clinic.example"}
    assert "/register/link/" in found["ana@home.example"]
    assert "/register/link/" not in found["former@clinic.example"]


def test_a_link_that_waits_for_the_mail_server_gives_way_to_one_to_another_address(
    ana, staff: Client, settings: Settings
) -> None:
    on_file(ana, email="former@clinic.example")
    registration = ask(zip="99999")
    complete(staff, registration, insured=ana.pk, way="on_file")
    complete(staff, registration, insured=ana.pk, way="typed")
    with_link = [message.to[0] for message in mailed(settings) if "/register/link/" in str(message.body)]
    assert with_link == ["ana@home.example"]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"way": "on_file"}, "Choose who the person is"),
        ({"way": ""}, "Choose how the person gets the link or the code."),
        ({"way": "on_file", "reason": ""}, "Enter a reason."),
        ({"way": "on_file", "insured": "ana"}, "No email is on file that is this person’s alone."),
        ({"way": "letter", "insured": "ben"}, "This person has an account: ben."),
        ({"way": "letter", "insured": "ana", "policyholder": "mia"}, "This policyholder is another insured."),
        ({"way": "letter", "policyholder": "group"}, "Choose one from the list that is still on file."),
    ],
)
def test_what_keeps_a_person_from_an_account_is_said_to_staff(ana, cast: Cast, staff: Client, form, sentence) -> None:
    keys = {"ana": ana.pk, "ben": cast.bens.insured.pk, "mia": cast.mias.term.policy.policyholder.pk}
    keys["group"] = cast.policy.policyholder.pk
    registration = ask(zip="99999")
    response = complete(staff, registration, **{name: keys.get(value, value) for name, value in form.items()})
    assert response.status_code == 422
    assert sentence in words(response) or sentence in response.content.decode()
    registration.refresh_from_db()
    assert registration.status == Status.UNMATCHED


def test_a_person_without_a_mailing_address_gets_no_letter(ana, staff: Client) -> None:
    on_file(ana, address1="", email="")
    registration = ask()
    assert (registration.status, registration.reason) == (Status.REVIEW, Reason.NO_ADDRESS)
    response = complete(staff, registration, insured=ana.pk, way="letter")
    assert "No mailing address is on file." in response.content.decode()


def test_a_refused_registration_is_over_and_its_link_too(ana, staff: Client, settings: Settings) -> None:
    on_file(ana, email="ana@clinic.example")
    registration = ask()
    link = link_in(mailed(settings)[0])
    assert staff.post(page_of(registration, "refuse"), {"reason": ""}).status_code == 422
    assert staff.post(page_of(registration, "refuse"), {"reason": "Not a customer"}).status_code == 302
    registration.refresh_from_db()
    assert registration.status == Status.REFUSED
    assert Client().get(link, follow=True).status_code == 410
    assert Event.objects.get(tag="account:registration:refused").data["because"] == "Not a customer"
    assert len(mailed(settings)) == 1
    assert staff.post(page_of(registration, "complete"), {}).status_code == 403


@pytest.mark.parametrize(("act", "right"), [("complete", "complete_registration"), ("refuse", "complete_registration")])
def test_each_act_needs_its_right(ana, act, right) -> None:
    registration = ask(zip="99999")
    assert helper().get(page_of(registration)).status_code == 200
    assert helper().post(page_of(registration, act), {}).status_code == 403
    assert helper(right).post(page_of(registration, act), {}).status_code == 422


def test_printing_needs_its_right(ana) -> None:
    registration = ask()
    assert helper("complete_registration").post(page_of(registration, "letter")).status_code == 403
    form = {"action": "print_selected", "_selected_action": [registration.pk]}
    helper("complete_registration").post(LIST, form)
    registration.refresh_from_db()
    assert registration.status == Status.LETTER
    assert helper("print_registration_letters").post(page_of(registration, "letter")).status_code == 200


def test_a_registration_that_fails_is_seen_and_tried_again(
    ana, staff: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("accounts.registrants.match_registrant", broken)
    with pytest.raises(ConnectionError):
        ask()
    registration = Registration.objects.get()
    for _ in range(2):
        with pytest.raises(ConnectionError):
            registering.match(registration.pk)
    registration.refresh_from_db()
    assert registration.status == Status.FAILED
    assert "Failed registrations" in words(staff.get("/admin/"))
    assert any("could not be matched" in message.subject for message in mailed(settings))
    monkeypatch.undo()
    staff.post(LIST, {"action": "try_again", "_selected_action": [registration.pk]})
    registering.match(registration.pk)
    registration.refresh_from_db()
    assert registration.status == Status.LETTER


def test_an_organization_is_represented_by_its_contacts_only(ana, staff: Client) -> None:
    group = PolicyholderFactory.create(name="Quarry Clinic")
    registration = ask(zip="99999")
    assert complete(staff, registration, policyholder=group.pk, way="typed").status_code == 422
    assert not Membership.objects.filter(policyholder=group).exists()


def test_an_agencys_contact_completed_by_hand_waits_for_a_second_member_of_staff(
    db, cast: Cast, staff: Client, stan: User, settings: Settings
) -> None:
    """No single member of staff opens an agency's book, by this way either."""
    contact = on_file(ContactFactory.create(agency=cast.agency), email="cal@agency.example")
    registration = ask(zip="99999")
    page = staff.post(
        page_of(registration, "complete"),
        {"reason": "Called the agency", "contact": contact.pk, "way": "on_file"},
        follow=True,
    )
    assert "Another member of staff has to approve access to an agency." in words(page)
    client = Client()
    client.get(link_in(mailed(settings)[-1]))
    choose(client, username="cal.ridge")
    cal = User.objects.get(username="cal.ridge")
    membership = cal.memberships.get()
    assert (membership.role, membership.awaits_approval, membership.granted_by) == ("agent", True, stan)
    assert not reach_of(cal)
    assert not membership.approve(by=stan)
    assert membership.approve(by=UserFactory.create(is_staff=True))
    assert reach_of(cal)
