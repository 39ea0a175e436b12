"""Where a request may lead: to pages of this portal, never to another host and never into a fault."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import AuthenticatorDevice, User
from tests.accounts.people import SIGN_IN, app_code, type_code, type_password
from tests.helpers import sign_in

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "javascript:alert(1)",
    "https:///evil.example",
    "https:evil.example",
    "http://testserver@evil.example/",
    "http://testserver/policies/",
]
NO_PAGES = ["nonsense", "home", "..", "?x=1", "a:b", " /policies/", "/" + "x" * 3_000, "/" + "é" * 1_000]


@pytest.mark.parametrize("wanted", [*ELSEWHERE, *NO_PAGES])
def test_next_leads_home_unless_it_is_a_path_of_ours(
    client: Client, ada: User, adas_app: AuthenticatorDevice, wanted: str
) -> None:
    after_password = client.post(SIGN_IN, {"username": "ada", "password": "demo-Portal-2026", "next": wanted})
    assert after_password["Location"] == f"/accounts/verify/{adas_app.public_id}/"
    after_code = type_code(client, adas_app, app_code(adas_app), next=wanted)
    assert after_code["Location"] == "/"


@pytest.mark.parametrize("wanted", ["//evil.example/", "nonsense", "home"])
def test_who_is_signed_in_already_goes_home_instead_of_to_no_page(client: Client, ada: User, wanted: str) -> None:
    sign_in(client, ada)
    assert client.get(SIGN_IN, {"next": wanted})["Location"] == "/"


def test_a_path_of_ours_is_kept_with_its_query(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    type_password(client)
    answer = type_code(client, adas_app, app_code(adas_app), next="/policies/?q=Lane&page=2")
    assert answer["Location"] == "/policies/?q=Lane&page=2"


FALSE_PAGES = [
    "http://testserver//evil.example/x",
    "http://testserver/\\evil.example/x",
    "http://testserver/\t/evil.example/x",
    "http://evil.example/x",
    "nonsense",
]


@pytest.mark.parametrize("header", ["Referer", "HX-Current-URL"])
@pytest.mark.parametrize("address", FALSE_PAGES)
def test_the_page_that_sent_a_form_never_leads_to_another_host(
    client: Client, ada: User, header: str, address: str
) -> None:
    sign_in(client, ada)
    assert client.post("/accounts/stay-signed-in/", headers={header: address})["Location"] == "/"


def test_the_page_that_sent_a_form_is_the_one_to_come_back_to(client: Client, ada: User) -> None:
    sign_in(client, ada)
    answer = client.post("/accounts/stay-signed-in/", headers={"Referer": "http://testserver/policies/?q=Lane"})
    assert answer["Location"] == "/policies/?q=Lane"


@pytest.mark.parametrize("address", FALSE_PAGES)
def test_a_stale_page_links_to_no_other_host(ada: User, address: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    sign_in(browser, ada)
    answer = browser.post("/accounts/sign-out/", headers={"Referer": address})
    assert answer.status_code == 403
    assert "evil" not in answer.content.decode()


def test_an_address_too_long_to_come_back_to_still_leads_to_sign_in(client: Client, db: None) -> None:
    assert client.get("/policies/", {"q": "x" * 6_000})["Location"] == SIGN_IN
