"""Preferences: what an owner sees and changes about the account (S-13)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import DetailChange, Notice, User
from accounts.services import changes
from core.models import Event, Mail, OutboxMessage
from tests.accounts.people import is_in
from tests.cast import Browse
from tests.factories import UserFactory
from tests.helpers import sign_in
from tests.reading import words

pytestmark = pytest.mark.django_db

HUB = "/accounts/preferences/"
ADDRESS = {"address1": "1 Main St", "address2": "", "city": "Hartford", "state": "CT", "zip": "06103"}


@pytest.fixture
def owner(ada: User) -> User:
    ada.email, ada.phone = "ada@example.test", "(202) 555-0100"
    ada.save(update_fields=["email", "phone"])
    User.objects.filter(pk=ada.pk).update(email_confirmed_at=timezone.now())
    return ada


@pytest.fixture
def hers(owner: User, browse: Browse) -> Client:
    return browse(owner)


def change(client: Client, what: str, **typed: Any) -> Any:
    return client.post(f"{HUB}{what}/", typed)


def told(user: User) -> list[tuple[str, str]]:
    """Return the mails about changes: to whom, and about what."""
    links = set(user.links.values_list("public_id", flat=True))
    mails = Mail.objects.filter(name="account_changed")
    return sorted((mail.to, mail.context["change"]) for mail in mails if mail.context["link"] in links)


def test_the_page_shows_each_fact_with_the_way_to_change_it(hers: Client, owner: User):
    page = hers.get(HUB)
    for text in (
        "ada",
        "ada@example.test",
        "Ada Byron",
        "(202) 555-0100",
        "Eastern",
        "English",
        "Renewal reminders",
    ):
        assert text in words(page)
    for what in (
        "name",
        "email",
        "password",
        "username",
        "phone",
        "address",
        "time-zone",
        "language",
        "paperless",
        "emails",
    ):
        assert f'href="{HUB}{what}/"' in page.content.decode()
        assert hers.get(f"{HUB}{what}/").status_code == 200


CHANGES: list[tuple[str, dict[str, str], str]] = [
    ("name", {"first_name": " Augusta  Ada ", "last_name": "King-Núñez"}, "name"),
    ("phone", {"phone": "202 555 0177 x12"}, "phone"),
    ("address", ADDRESS, "address"),
]


@pytest.mark.parametrize(("what", "typed", "kind"), CHANGES)
def test_a_change_is_saved_recorded_told_to_the_owner_and_to_the_carrier(hers, owner, what, typed, kind):
    before = {name: getattr(owner, name) for name in typed}
    assert change(hers, what, **typed).headers["Location"] == HUB
    owner.refresh_from_db()
    assert {name: getattr(owner, name) for name in typed} != before
    assert told(owner) == [("ada@example.test", kind)]
    assert DetailChange.objects.get(user=owner).former == before
    event = Event.objects.get(tag="account:details:changed")
    assert (event.subject_id, event.data) == (str(owner.pk), {"fields": list(typed)})
    message = OutboxMessage.objects.get(topic="accounts.contact_changed")
    assert message.payload["fields"] == sorted(typed)
    assert message.payload["user"] == owner.public_id
    assert "saved" in words(hers.get(HUB))


def test_what_is_typed_is_stored_in_one_form(hers, owner):
    for what, typed, _kind in CHANGES:
        change(hers, what, **typed)
    change(hers, "address", **ADDRESS | {"zip": "061031234", "address1": " 1  Main  St "})
    owner.refresh_from_db()
    assert owner.get_full_name() == "Augusta Ada King-Núñez"
    assert owner.phone == "(202) 555-0177 ext. 12"
    assert (owner.address1, owner.zip) == ("1 Main St", "06103-1234")


@pytest.mark.parametrize(("what", "typed", "kind"), CHANGES)
def test_saving_what_is_there_already_changes_nothing_and_sends_nothing(hers, owner, what, typed, kind):
    change(hers, what, **typed)
    change(hers, what, **typed)
    assert told(owner) == [("ada@example.test", kind)]
    assert OutboxMessage.objects.count() == 1


def test_a_change_writes_its_own_columns_and_no_other(hers, owner, monkeypatch):
    """Someone else's change that comes between reading and saving is kept."""

    def meanwhile(**_kwargs: Any) -> None:
        User.objects.filter(pk=owner.pk).update(city="Springfield", is_active=True, language="es")

    monkeypatch.setattr(changes, "announce", meanwhile)
    change(hers, "name", first_name="Augusta", last_name="King")
    owner.refresh_from_db()
    assert (owner.first_name, owner.city, owner.language) == ("Augusta", "Springfield", "es")


REFUSED: list[tuple[str, dict[str, str], str]] = [
    ("name", {"first_name": "", "last_name": "Byron"}, "Enter your first name."),
    ("name", {"first_name": "Ada", "last_name": "<b>"}, "Use letters, spaces, hyphens, apostrophes, and periods."),
    ("name", {"first_name": "Ada", "last_name": "..."}, "Enter a name with letters."),
    ("phone", {"phone": "12"}, "Enter a valid phone number."),
    ("phone", {"phone": "call me"}, "Enter a phone number with area code."),
    ("address", ADDRESS | {"zip": "6103"}, "Enter a 5-digit ZIP code or ZIP+4 (12345-6789)."),
    ("address", ADDRESS | {"state": "XX"}, "Choose a state from the list."),
    ("address", ADDRESS | {"address1": ""}, "Enter a street address or P.O. box."),
    ("time-zone", {"time_zone": "Mars/Olympus"}, "Choose a time zone from the list."),
    ("language", {"language": "xx"}, "Choose a language from the list."),
    ("emails", {"notices": "spam"}, "Choose from the list."),
]


@pytest.mark.parametrize(("what", "typed", "sentence"), REFUSED)
def test_a_mistake_is_named_at_its_field_and_nothing_is_changed(hers, owner, what, typed, sentence):
    response = change(hers, what, **typed)
    assert response.status_code == 422
    assert sentence in words(response)
    kept = [
        value for name, value in typed.items() if value and name not in {"state", "time_zone", "language", "notices"}
    ]
    assert all(f'value="{value}"' in response.content.decode() for value in kept if "<" not in value)
    assert not DetailChange.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_a_phone_can_be_removed(hers, owner):
    change(hers, "phone", phone="")
    owner.refresh_from_db()
    assert owner.phone == ""
    assert DetailChange.objects.get().former == {"phone": "(202) 555-0100"}


@pytest.mark.parametrize(
    ("what", "typed"), [("time-zone", {"time_zone": "America/Chicago"}), ("language", {"language": "es"})]
)
def test_time_zone_and_language_are_saved_without_a_mail(hers, owner, what, typed):
    change(hers, what, **typed)
    owner.refresh_from_db()
    ((name, value),) = typed.items()
    assert getattr(owner, name) == value
    assert told(owner) == []
    assert Event.objects.get(tag="account:details:changed").data == {"fields": [name]}


def test_times_are_shown_in_the_zone_chosen(hers, owner):
    change(hers, "time-zone", time_zone="Pacific/Honolulu")
    change(hers, "email", email="new@example.test")
    assert "HST" in words(hers.get(HUB))


def test_the_zones_of_the_united_states_come_first(hers):
    page = hers.get(f"{HUB}time-zone/").content.decode()
    assert page.index("Hawaii") < page.index("America – Anguilla")


def test_the_owner_chooses_which_emails_come(hers, owner):
    change(hers, "emails", notices=[Notice.NEWS])
    owner.refresh_from_db()
    assert [notice for notice in Notice if owner.wants(notice)] == [Notice.NEWS]
    change(hers, "emails")
    owner.refresh_from_db()
    assert owner.notices == []


@pytest.mark.parametrize("what", ["email", "phone", "username", "password"])
def test_email_phone_username_and_password_ask_for_a_fresh_code(owner, what):
    client = Client()
    sign_in(client, owner, verified_at=timezone.now() - dt.timedelta(minutes=21))
    for response in (client.get(f"{HUB}{what}/"), change(client, what)):
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/accounts/verify/")


@pytest.mark.parametrize(
    ("what", "typed"),
    [
        ("phone", {"phone": "(202) 555-0177"}),
        ("username", {"username": "countess"}),
    ],
)
def test_a_change_that_an_intruder_could_use_ends_every_other_session_and_revokes_devices(
    hers, owner, browse: Browse, what, typed
):
    other, epoch = browse(owner), owner.security_epoch
    change(hers, what, **typed)
    assert is_in(hers)
    assert not is_in(other)
    owner.refresh_from_db()
    assert owner.security_epoch > epoch


def test_another_users_account_can_not_be_reached(hers, owner):
    other = UserFactory.create(username="olga")
    change(hers, "name", first_name="X", last_name="Y", user=other.pk, pk=other.pk)
    other.refresh_from_db()
    assert other.first_name != "X"
