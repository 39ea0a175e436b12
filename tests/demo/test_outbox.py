"""The demo's outbox keeps what would have gone out, and shows it newest first."""

import json
from collections.abc import Iterator

import pytest
from django.core.mail import EmailMessage
from django.test import Client, override_settings
from django.urls import clear_url_caches, include, path
from pytest_django import Settings

from credentialing.sending import mailing
from credentialing.sending.services import send
from demo.models import DemoMessage
from demo.outbox import DemoEmailBackend, DemoGateway
from portal.urls import urlpatterns as portal_urls
from tests.cast import make_cast
from tests.credentialing.helpers import made

urlpatterns = [*portal_urls, path("demo/", include("demo.urls"))]


@pytest.fixture
def demo_addresses() -> Iterator[None]:
    """Yield the addresses as demo mode has them."""
    public = {"demo:outbox", "demo:outbox-json", "demo:attachment", "demo:report"}
    from django.conf import settings

    with override_settings(ROOT_URLCONF=__name__, PUBLIC_URL_NAMES=settings.PUBLIC_URL_NAMES | public):
        clear_url_caches()
        yield
    clear_url_caches()


@pytest.mark.django_db
def test_a_text_message_is_kept_with_its_code() -> None:
    reference = DemoGateway().send_text(
        "+15550100123", "Larkfield: your sign-in code is 042917. Good for 10 minutes.", "r"
    )

    kept = DemoMessage.objects.get()
    assert reference == f"demo-{kept.pk}"
    assert (kept.kind, kept.to, kept.code) == ("sms", "+15550100123", "042917")


@pytest.mark.django_db
def test_an_email_is_kept_once_for_each_recipient_with_its_links() -> None:
    body = "Open https://portal.example/accounts/reset/abc/. Call (860) 555-0140 with 24680 questions."
    sent = DemoEmailBackend().send_messages([EmailMessage("A link", body, to=["a@x.example"], cc=["b@x.example"])])

    assert sent == 1
    assert sorted(DemoMessage.objects.values_list("to", flat=True)) == ["a@x.example", "b@x.example"]
    assert DemoMessage.objects.first().links == ["https://portal.example/accounts/reset/abc/"]
    assert not DemoMessage.objects.exclude(code="").exists()


@pytest.mark.django_db
def test_the_json_lists_what_was_sent_newest_first_in_the_agreed_shape(client: Client, demo_addresses: None) -> None:
    DemoGateway().send_text("+15550100123", "your sign-in code is 111111", "r")
    DemoEmailBackend().send_messages([EmailMessage("Hello", "No code.", to=["a@x.example"])])

    answer = client.get("/demo/outbox.json")

    assert answer.status_code == 200
    newest, oldest = json.loads(answer.content)
    assert set(newest) == {"kind", "to", "subject", "body", "code", "links", "sent_at"}
    assert (newest["kind"], newest["subject"], newest["code"], newest["links"]) == ("email", "Hello", None, [])
    assert (oldest["kind"], oldest["code"]) == ("sms", "111111")


@pytest.mark.django_db
def test_the_page_shows_the_code_and_says_so_when_there_is_nothing(client: Client, demo_addresses: None) -> None:
    assert "Nothing yet" in client.get("/demo/outbox/").content.decode()

    DemoGateway().send_text("+15550100123", "your sign-in code is 042917", "r")

    assert "042917" in client.get("/demo/outbox/").content.decode()


@pytest.mark.django_db
def test_a_mail_with_a_certificate_is_read_with_its_file_and_reported_as_a_mail_service_would(
    client: Client, demo_addresses: None, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "demo.outbox.DemoEmailBackend"
    cast = make_cast()
    delivery = send(certificate=made(cast.coverage, cast.paula), to="a@x.example", by=cast.paula, key="k")
    mailing.deliver(delivery.pk)
    page = client.get("/demo/outbox/").content.decode()
    assert "1 attached" in page
    message = DemoMessage.objects.get()
    file = client.get(f"/demo/outbox/files/{message.attachments.get().pk}/")
    assert file.content.startswith(b"%PDF")
    for kind in ("delivered", "bounced"):
        assert client.post(f"/demo/outbox/{message.pk}/report/", {"report": kind}).status_code == 302
        delivery.refresh_from_db()
        assert delivery.status == kind
    assert client.post(f"/demo/outbox/{message.pk}/report/", {"report": "held"}).status_code == 404
    DemoMessage.objects.update(is_reported=False)
    assert client.post(f"/demo/outbox/{message.pk}/report/", {"report": "opened"}).status_code == 404
