"""Changing the password in a session, and the meter that every form with a new password has."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import AccountLink, Purpose, TrustedDevice, User
from accounts.views import password_strength
from core.models import Event, Mail
from tests.accounts.people import is_in, type_password
from tests.cast import Browse
from tests.factories import PASSWORD
from tests.reading import words

pytestmark = pytest.mark.django_db

PAGE = "/accounts/preferences/password/"
METER = "/accounts/password-strength/"
NEW = "violet-harbor-tram-9"


@pytest.fixture
def hers(ada: User, browse: Browse) -> Client:
    return browse(ada)


def change(client: Client, present: str = PASSWORD, new: str = NEW, again: str | None = None) -> Any:
    return client.post(PAGE, {"current_password": present, "new_password1": new, "new_password2": again or new})


def test_the_new_password_opens_the_account_and_the_former_one_does_not(hers: Client, ada: User):
    assert change(hers).headers["Location"] == "/accounts/preferences/"
    assert type_password(Client(), "ada", NEW).status_code == 302
    assert type_password(Client(), "ada", PASSWORD).status_code == 422
    assert Event.objects.filter(tag="account:password:changed", subject_id=str(ada.pk)).count() == 1


def test_this_session_goes_on_under_a_new_key_and_every_other_one_ends(hers, ada, browse: Browse):
    other, key = browse(ada), hers.cookies["session"].value
    change(hers)
    assert is_in(hers)
    assert hers.cookies["session"].value != key
    assert not is_in(other)


def test_links_and_remembered_devices_are_void_and_the_owner_is_told_with_a_lock_link(hers, ada):
    now = timezone.now()
    device = TrustedDevice.objects.create(
        user=ada, token_hash="x", label="Chrome", expires_at=now + dt.timedelta(days=9), epoch=ada.security_epoch
    )
    link = AccountLink.issue(ada, Purpose.RESET, email=ada.email, by=None)
    change(hers)
    device.refresh_from_db()
    assert device.revoked_at is not None
    assert not AccountLink.objects.usable().filter(pk=link.pk).exists()
    assert Mail.objects.get(name="account_changed").to == ada.email
    assert AccountLink.objects.usable().get(purpose=Purpose.LOCK).change == "password"


@pytest.mark.parametrize(
    ("present", "new", "again", "sentence"),
    [
        ("", NEW, NEW, "Enter your current password."),
        ("wrong password 1", NEW, NEW, "This isn’t your current password"),
        (PASSWORD, NEW, "violet-harbor-tram-8", "password fields didn’t match"),
        (PASSWORD, "short", "short", "at least 12 characters"),
        (PASSWORD, "password1234", "password1234", "lists that attackers use"),
        (PASSWORD, PASSWORD, PASSWORD, "differs from your current one"),
    ],
)
def test_a_mistake_is_named_and_no_password_is_shown_again(hers, ada, present, new, again, sentence):
    response = change(hers, present, new, again)
    assert response.status_code == 422
    assert sentence in words(response)
    assert not any(each and each in response.content.decode() for each in (present, new, again) if len(each) > 6)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_the_present_password_is_guessed_5_times_in_15_minutes_and_no_more(hers, ada):
    for _ in range(4):
        assert change(hers, "wrong password 1").status_code == 422
    assert change(hers, "wrong password 1").status_code == 429
    assert change(hers, PASSWORD).status_code == 429
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    assert Event.objects.filter(tag="account:password:wrong", data__where="preferences").count() == 5


def test_a_new_password_that_is_refused_costs_no_try(hers, ada):
    for _ in range(9):
        change(hers, "wrong password 1", "short", "short")
    assert change(hers).status_code == 302


# The meter


def strength(client: Client, password: str, **more: str) -> Any:
    return client.post(METER, {"new_password1": password, **more})


def test_the_meter_says_in_words_what_it_shows(client: Client):
    response = strength(client, NEW)
    assert words(response) == "Strong Strong."
    assert re.search(
        r'<meter min="0" max="4"[^>]* value="4" aria-label="Password strength">', response.content.decode()
    )


def test_the_meter_of_an_empty_field_is_empty(client: Client):
    assert strength(client, "").content.strip() == b""


def test_the_meter_shows_why_the_form_would_refuse_a_password(hers: Client, client: Client):
    assert "lists that attackers use" in words(strength(client, "password1234"))
    assert "Don’t base your password on your name" in words(strength(hers, "Ada-Byron-1815"))
    assert "too similar to the username" in words(strength(client, "admiral.hopper1", username="admiral.hopper"))


def test_behind_a_link_the_meter_knows_whose_password_it_is(client: Client, ada: User):
    link = AccountLink.issue(ada, Purpose.ACTIVATION, email=ada.email, by=None)
    client.get(f"/accounts/link/{link.draw_token()}/")
    assert "Don’t base your password on your name" in words(strength(client, "Ada-Byron-1815"))


def test_the_meter_stores_nothing_and_repeats_nothing(hers: Client, ada: User):
    ada.refresh_from_db()
    before = ada.password, Event.objects.count()
    response = strength(hers, NEW)
    ada.refresh_from_db()
    assert (ada.password, Event.objects.count()) == before
    assert NEW not in response.content.decode()


def test_a_visitor_gets_no_session_for_asking(client: Client):
    strength(client, NEW)
    assert "session" not in client.cookies


def test_the_meter_keeps_no_session_alive():
    assert password_strength.keeps_session_alive is False  # type: ignore[attr-defined]


def test_the_meter_answers_60_times_a_minute(client: Client):
    assert {strength(client, "short").status_code for _ in range(60)} == {200}
    assert strength(client, "short").status_code == 429


def test_every_template_with_a_new_password_has_the_meter_and_what_it_needs():
    folder = Path(settings.BASE_DIR, "templates")
    texts = {path.name: path.read_text() for path in folder.rglob("*.html")}
    plain = {name for name, text in texts.items() if "form.new_password" in text}
    assert plain == {"_new_password.html"}
    with_meter = {name for name, text in texts.items() if "accounts/_new_password.html" in text}
    assert with_meter >= {"activate.html", "reset.html", "register_finish.html", "preferences_password.html"}
    assert {name for name in with_meter if "components/htmx.html" not in texts[name]} == set()


def test_every_form_with_a_new_password_asks_the_meter(hers: Client, client: Client, ada: User):
    link = AccountLink.issue(ada, Purpose.ACTIVATION, email=ada.email, by=None)
    client.get(f"/accounts/link/{link.draw_token()}/")
    for page in (hers.get(PAGE), client.get("/accounts/activate/")):
        text = page.content.decode()
        assert f'data-hx-post="{METER}"' in text
        assert 'hx-params="csrfmiddlewaretoken,username,new_password1"' in text
        assert 'id="password-strength" role="status"' in text
        assert "htmx" in text
