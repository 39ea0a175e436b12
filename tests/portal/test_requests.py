"""What never reaches a view: requests that can't be meant, and bodies larger than their address takes."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import get_resolver, path

from accounts.models import User
from core.bodies import FORM_BYTES, accepts_body, accepts_upload, most_bytes
from portal.urls import urlpatterns as portal_urls
from tests.factories import UserFactory
from tests.helpers import give_password_only, sign_in
from tests.reading import words
from tests.test_access_matrix import names

pytestmark = pytest.mark.django_db
LIMIT = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
FILE_BYTES = 10 * 1024**2


@accepts_upload(FILE_BYTES)
def attach(request: HttpRequest) -> HttpResponse:
    """Take a file."""
    return HttpResponse(str(len(request.FILES["f"].read())))


@accepts_body(100)
def little(request: HttpRequest) -> HttpResponse:
    """Take a few words."""
    return HttpResponse(request.body)


urlpatterns = [*portal_urls, path("attach/", attach, name="attach"), path("little/", little, name="little")]
handler400 = "portal.faults.bad_request"
handler500 = "portal.faults.server_error"


class Untouched:
    """A body that nobody may read."""

    def read(self, *_args: Any) -> bytes:
        raise AssertionError("the body was read")

    readline = read


def post(client: Client, address: str, length: int | str, **more: Any) -> Any:
    """Return a request that announces a body of that length; reading it fails the test."""
    return client.generic(
        "POST",
        address,
        # Without data, the test client drops its `content_type`, and Django would parse no form.
        **{
            "CONTENT_TYPE": "multipart/form-data; boundary=b",
            "CONTENT_LENGTH": str(length),
            "wsgi.input": Untouched(),
            **more,
        },
    )


@pytest.fixture
def anna() -> User:
    return UserFactory.create(username="anna")


@pytest.fixture
def signed_in(anna: User) -> Client:
    """Anna's, signed in, with her form's token checked."""
    client = Client(enforce_csrf_checks=True)
    sign_in(client, anna)
    return client


# Requests that can't be meant.


@pytest.mark.parametrize(
    "address",
    [
        "/policies/%00/",
        "/policies/?q=%00",
        "/credentialing/certificates/?q=a%00b",
        "/credentialing/issue/%00/",
        "/accounts/sign-in/?next=/%00",
        "/admin/feed/run/?mode=%00",
        "/no/such/%00",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_nul_in_an_address_is_a_bad_request(signed_in: Client, address: str, method: str) -> None:
    for client in (Client(), signed_in):
        answer = getattr(client, method)(address)

        assert answer.status_code == 400
        assert "We couldn’t process that request" in words(answer)


@pytest.mark.parametrize("header", ["User-Agent", "Referer", "Cookie", "X-Forwarded-For", "HX-Current-URL"])
def test_a_nul_in_a_header_is_a_bad_request(header: str) -> None:
    assert Client(headers={header: "a\0b"}).get("/accounts/sign-in/").status_code == 400


@pytest.mark.parametrize(
    "address", ["/policies/{}/", "/credentialing/issue/{}/", "/credentialing/certificates/{}/", "/accounts/verify/{}/"]
)
@pytest.mark.parametrize("odd", ["x", "a" * 21, "a" * 23, "é" * 22, "%ff" * 22, "a" * 21 + "%20", "1"])
def test_what_isnt_a_public_id_leads_nowhere(signed_in: Client, address: str, odd: str) -> None:
    assert signed_in.get(address.format(odd)).status_code == 404


# Bodies.


@pytest.mark.parametrize("address", ["/", "/accounts/sign-in/", "/policies/", "/healthz", "/no/such/page", "/admin/"])
def test_a_body_over_the_limit_is_refused_by_its_announced_length_and_never_read(
    signed_in: Client, address: str
) -> None:
    for client in (Client(enforce_csrf_checks=True), signed_in):
        for length in (LIMIT + 1, 40 * 1024**3, "9" * 5_000):
            answer = post(client, address, length)

            assert answer.status_code == 413
            assert "larger than this page accepts" in words(answer)
            assert answer["X-Request-ID"]
            assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("length", "more"),
    [("", {"HTTP_TRANSFER_ENCODING": "chunked"}), ("-5", {}), ("1e9", {}), ("٣", {})],
)
def test_a_body_without_an_announced_length_is_refused_unread(length: str, more: dict[str, str]) -> None:
    assert post(Client(), "/accounts/sign-in/", length, **more).status_code == 411


def test_a_form_within_the_limit_goes_through(client: Client) -> None:
    assert client.post("/accounts/sign-in/", {"username": "x" * 100_000, "password": "y"}).status_code == 422


@pytest.mark.urls(__name__)
def test_a_view_that_takes_less_says_so(client: Client, settings: Any) -> None:
    settings.PUBLIC_URL_NAMES = settings.PUBLIC_URL_NAMES | {"little"}

    assert client.generic("GET", "/little/", b"x" * 100).content == b"x" * 100
    assert post(client, "/little/", 101).status_code == 413


@pytest.mark.urls(__name__)
def test_an_upload_is_taken_from_who_is_signed_in_and_sent_the_token_of_a_form(signed_in: Client) -> None:
    token = signed_in.get("/accounts/mfa/setup/text/").context["csrf_token"]
    file = b"x" * (LIMIT + 1)
    body = (
        b'--b\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n' + str(token).encode() + b"\r\n"
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + file + b"\r\n--b--\r\n"
    )
    kind = "multipart/form-data; boundary=b"

    assert signed_in.generic("POST", "/attach/", body, content_type=kind).content == str(len(file)).encode()
    forged = body.replace(str(token).encode(), b"a" * 64)
    assert signed_in.generic("POST", "/attach/", forged, content_type=kind).status_code == 403
    assert post(signed_in, "/attach/", FILE_BYTES + FORM_BYTES + 1).status_code == 413


@pytest.mark.urls(__name__)
def test_nobody_else_makes_the_portal_read_an_upload(anna: User) -> None:
    half = Client(enforce_csrf_checks=True)
    give_password_only(half, anna)
    for client in (Client(enforce_csrf_checks=True), half):
        client.cookies[settings.CSRF_COOKIE_NAME] = "a" * 32

        assert post(client, "/attach/", FILE_BYTES).status_code == 302


def test_a_package_of_the_feed_is_read_for_staff_who_are_let_into_admin_only(signed_in: Client) -> None:
    address = "/admin/feed/run/upload/"
    for client in (Client(enforce_csrf_checks=True), signed_in):
        assert post(client, address, settings.FEED_MAX_BYTES).status_code == 302
        assert post(client, address, settings.FEED_MAX_BYTES + FORM_BYTES + 1).status_code == 413


def test_staff_without_the_right_are_refused_before_the_package_is_read() -> None:
    clerk = UserFactory.create(is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="release_held_run"))
    client = Client(enforce_csrf_checks=True)
    sign_in(client, clerk)
    client.cookies[settings.CSRF_COOKIE_NAME] = "a" * 32
    assert post(client, "/admin/feed/run/upload/", settings.FEED_MAX_BYTES).status_code == 403


TAKE_FILES = """
    change-edit change-new change-reply claims_matter_documents feed_run_upload file incident-add incident-edit
    matter-add portal_publishedform_add portal_publishedform_change roster roster-replace
""".split()


def test_only_forms_with_files_take_more_than_a_form() -> None:
    def views(patterns: list[Any]) -> list[Any]:
        return [
            view
            for each in patterns
            for view in (views(each.url_patterns) if hasattr(each, "url_patterns") else [each])
        ]

    larger = [each.name for each in views(get_resolver().url_patterns) if most_bytes(each.callback) > LIMIT]

    assert sorted(larger) == TAKE_FILES
    assert {"admin:feed_run_upload", "verify:file"} <= set(names(get_resolver().url_patterns))


@pytest.mark.parametrize("more", [{}, {"HTTP_X_TWILIO_SIGNATURE": "c2lnbmVk"}])
def test_a_report_without_a_signature_or_of_another_kind_is_refused_unread(more: dict[str, str]) -> None:
    assert post(Client(), "/accounts/twilio-status/", 60_000, **more).status_code == 403


def test_a_report_larger_than_any_real_one_is_refused_unread() -> None:
    assert post(Client(), "/accounts/twilio-status/", 64 * 1024 + 1, HTTP_X_TWILIO_SIGNATURE="c2ln").status_code == 413


# Headers that every answer has.


def test_style_sheets_carry_the_same_headers_as_pages(client: Client, tmp_path: Any, settings: Any) -> None:
    (tmp_path / "page.css").write_text("p {}")
    settings.STATIC_ROOT = tmp_path

    for answer in (Client().get("/static/page.css"), Client().get("/accounts/sign-in/"), Client().get("/no/such/page")):
        assert "object-src 'none'" in answer["Content-Security-Policy"]
        assert "base-uri 'none'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer["X-Request-ID"]
        assert answer.getvalue()
        answer.close()
