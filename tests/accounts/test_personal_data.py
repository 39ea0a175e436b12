"""No code, password, seed, number or token in logs, task arguments, addresses, events or plain columns."""

from __future__ import annotations

import json
import logging
import re

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import AuthenticatorDevice, User
from core.models import Event
from tests.accounts.gateways import Text
from tests.accounts.people import PHONE, app_code, deliver_codes, type_password
from tests.factories import PASSWORD
from tests.helpers import sign_in


def everything_stored() -> str:
    """Every row of every table of ours, as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith(("accounts_", "core_")):
                cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t")  # noqa: S608  # names of the catalogue
                found += [row for (row,) in cursor.fetchall()]
    return "\n".join(found)


def test_a_whole_life_of_sign_ins_leaks_nothing(
    nell: User,
    stan: User,
    texts: list[Text],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    caplog.set_level(logging.DEBUG)
    arguments: list[str] = []
    monkeypatch.setattr(
        "celery.Celery.send_task", lambda self, name, args=(), **more: arguments.append(f"{args} {more}")
    )
    browser, addresses = Client(), []

    def post(address: str, form: dict[str, str]) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            answer = browser.post(address, form)
        addresses.append(answer.headers.get("Location", ""))
        deliver_codes()

    type_password(browser, "nell", "a-wrong-password-typed")
    type_password(browser, "my-password-typed-as-username", "x-another-wrong-one")
    post("/accounts/sign-in/", {"username": "nell", "password": PASSWORD, "next": "/policies/"})
    post("/accounts/mfa/setup/text/", {"phone": PHONE})
    post("/accounts/mfa/setup/code/", {"code": "999999" if texts[0].code != "999999" else "888888"})
    post("/accounts/mfa/setup/code/", {"code": texts[0].code})
    post("/accounts/mfa/setup/", {"method": "authenticator"})
    app = AuthenticatorDevice.objects.get(user=nell)
    browser.get("/accounts/mfa/setup/authenticator/")
    app_shows = app_code(app)
    post("/accounts/mfa/setup/authenticator/", {"code": app_shows})
    post("/accounts/sign-out/", {})
    post("/accounts/sign-in/", {"username": "nell", "password": PASSWORD})
    post(f"/accounts/verify/{app.public_id}/", {"code": app_shows, "remember": "on"})
    staff = Client()
    sign_in(staff, stan)
    page = staff.get(f"/admin/accounts/user/{nell.pk}/").content.decode()
    page += staff.get(f"/admin/accounts/user/{nell.pk}/events/").content.decode()

    secrets = [
        PASSWORD,
        "a-wrong-password-typed",
        "my-password-typed-as-username",
        "x-another-wrong-one",
        PHONE,
        PHONE.removeprefix("+1"),
        app.seed,
        browser.cookies["session"].value,
        texts[0].code,
        app_shows,
    ]
    events = json.dumps(list(Event.objects.values("tag", "data", "agent", "actor_name", "subject_id")))
    places = {
        "logs": caplog.text + "".join(capsys.readouterr()),
        "task arguments": "\n".join(arguments),
        "addresses": "\n".join(addresses),
        "events": events,
        "admin": page,
    }
    assert arguments
    assert "account:code:wrong" in events
    for place, text in places.items():
        # The microseconds of times hold six digits by chance.
        timeless = re.sub(r"\d\d:\d\d:\d\d\.\d{6}", "", text)
        for secret in secrets:
            pattern = rf"(?<![0-9a-f]){re.escape(secret)}(?![0-9a-f])"
            assert not re.search(pattern, timeless), f"{secret!r} is in {place}"
    stored = everything_stored()
    assert "account:code:accepted" in stored
    for secret in [each for each in secrets if len(each) > 6]:
        assert secret not in stored, f"{secret!r} is in the database"
