"""What asks for a code that is not older than 20 minutes."""

from __future__ import annotations

import datetime as dt

import time_machine
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from accounts.decorators import step_up_required
from accounts.models import AuthenticatorDevice, User
from tests.accounts.people import app_code, type_code
from tests.helpers import sign_in

NOON = "2026-03-02 12:00:00+00:00"


@step_up_required
def change_something(request: HttpRequest) -> HttpResponse:
    return HttpResponse("changed")


urlpatterns = [
    path("change/", change_something, name="change"),
    path("", include("portal.urls")),
]


@override_settings(ROOT_URLCONF=__name__)
def test_a_code_of_the_last_20_minutes_is_enough(client: Client, ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        sign_in(client, ada)
        clock.shift(dt.timedelta(minutes=10))
        client.get("/change/")
        clock.shift(dt.timedelta(minutes=9, seconds=59))
        assert client.get("/change/").content == b"changed"
        clock.shift(dt.timedelta(seconds=1))
        assert client.get("/change/?x=1")["Location"] == "/accounts/verify/?next=%2Fchange%2F%3Fx%3D1"


@override_settings(ROOT_URLCONF=__name__)
def test_a_form_leads_back_to_its_page_and_what_was_typed_is_kept(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        sign_in(client, ada)
        clock.shift(dt.timedelta(minutes=10))
        client.get("/")
        clock.shift(dt.timedelta(minutes=11))
        answer = client.post("/change/", {"x": "typed"}, HTTP_REFERER="http://testserver/change/")
        assert answer["Location"] == "/accounts/verify/?next=%2Fchange%2F&why=step_up"
        page = client.get(answer["Location"], follow=True).content.decode()
        assert "data-interrupted" in page
        assert "Do not challenge me" not in page
        assert type_code(client, adas_app, app_code(adas_app), next="/change/")["Location"] == "/change/"
        assert client.post("/change/").content == b"changed"


@override_settings(ROOT_URLCONF=__name__)
def test_a_code_given_again_opens_another_20_minutes_under_a_new_key(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        session = sign_in(client, ada)
        before = client.cookies["session"].value
        clock.shift(dt.timedelta(minutes=14))
        type_code(client, adas_app, app_code(adas_app))
        assert client.cookies["session"].value != before
        clock.shift(dt.timedelta(minutes=14))
        assert client.get("/change/").content == b"changed"
        session.refresh_from_db()
        assert session.ended_at is None
