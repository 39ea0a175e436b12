"""Uploaded files wait for ClamAV, where it is configured: nobody gets one before the scanner said that it's clean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import mail as mailbox
from django.utils import timezone

from accounts.models import User
from core import work
from core.models import Event, Mail, Upload
from core.storage import private_storage
from core.system import needs
from core.uploads.checking import check
from core.uploads.events import UploadEvent
from core.uploads.scanning import ScanError, scan
from core.uploads.storing import store
from tests.clamd import StandIn, clamav, stand_in
from tests.uploads import VIRUS, an_image, uploaded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("celery.Celery.send_task", lambda _self, name, args=(), **_more: None)


@pytest.fixture(scope="module", name="real")
def _real() -> Iterator[str]:
    need = needs()["clamav"]
    if need.missing:
        pytest.skip(need.sentence)
    with clamav() as address:
        yield address


@pytest.fixture(name="standing_in")
def _standing_in(settings: object) -> Iterator[StandIn]:
    with stand_in() as server:
        settings.CLAMD_ADDRESS = server.address  # type: ignore[attr-defined]
        yield server


def stored(ada: User, content: bytes = b"", *, sealed: bool = True) -> Upload:
    return store(check(uploaded("a.png", content or an_image())), by=ada, sealed=sealed, page="/here/")


def an_infected_image() -> bytes:
    image = an_image()
    return image[:-12] + VIRUS + image[-12:]


@pytest.mark.parametrize("sealed", [True, False])
def test_clamav_itself_passes_a_clean_file_and_refuses_a_virus(
    ada: User, real: str, settings: object, sealed: bool
) -> None:
    settings.CLAMD_ADDRESS = real  # type: ignore[attr-defined]
    clean, infected = stored(ada, sealed=sealed), stored(ada, an_infected_image(), sealed=sealed)
    assert not clean.is_ready
    for each in (clean, infected):
        scan(each.pk)
        each.refresh_from_db()
    assert (clean.status, infected.status) == (Upload.Status.READY, Upload.Status.INFECTED)
    assert private_storage().exists(clean.stored_as)
    assert not private_storage().exists(infected.stored_as)


def test_a_virus_is_recorded_and_its_sender_and_staff_hear_of_it_without_the_name(
    ada: User, standing_in: StandIn, settings: object
) -> None:
    settings.STAFF_ALERT_EMAILS = ["staff@example.com"]  # type: ignore[attr-defined]
    upload = stored(ada, an_infected_image())
    scan(upload.pk)
    scan(upload.pk)
    event = Event.objects.get(tag=UploadEvent.INFECTED)
    assert (event.on_behalf_of_id, event.data) == (ada.pk, {"virus": "Portal.Test"})
    told = Mail.objects.get(name="upload_infected")
    assert told.to == ada.email
    assert told.context["address"].endswith("/here/")
    assert Mail.objects.get(name="staff_alert")
    assert not mailbox.outbox
    assert len(standing_in.scanned) == 1, "scanned once"


def test_without_a_scanner_a_file_is_ready_at_once(ada: User) -> None:
    assert stored(ada).is_ready


def test_a_scanner_that_is_down_leaves_the_file_waiting_and_tells_staff_in_the_end(
    ada: User, settings: object, tmp_path: Path
) -> None:
    settings.CLAMD_ADDRESS = str(tmp_path / "nothing.sock")  # type: ignore[attr-defined]
    settings.STAFF_ALERT_EMAILS = ["staff@example.com"]  # type: ignore[attr-defined]
    upload = stored(ada)
    with pytest.raises(ScanError):
        scan(upload.pk)
    upload.refresh_from_db()
    assert (upload.status, upload.attempts, upload.last_error) == (Upload.Status.QUEUED, 1, "ScanError")
    assert upload.enqueued_at > timezone.now(), "later"
    Upload.objects.update(attempts=Upload.MAX_ATTEMPTS - 1, enqueued_at=timezone.now() - dt.timedelta(hours=1))
    with pytest.raises(ScanError):
        scan(upload.pk)
    upload.refresh_from_db()
    assert upload.has_failed
    assert Event.objects.filter(tag=UploadEvent.SCAN_GIVEN_UP).count() == 1
    assert Mail.objects.get(name="staff_alert").context["subject"] == "An uploaded file could not be scanned"


def test_staff_have_a_file_scanned_again(ada: User, stan: User, standing_in: StandIn) -> None:
    upload = stored(ada)
    Upload.objects.update(status=Upload.Status.FAILED)
    upload.refresh_from_db()
    assert work.retry(upload, by=stan)
    scan(upload.pk)
    upload.refresh_from_db()
    assert upload.is_ready
    assert Event.objects.get(tag=UploadEvent.SCAN_RETRIED).actor_id == stan.pk


@pytest.mark.parametrize(
    "answer", [b"INSTREAM size limit exceeded. ERROR\n", b"stream: Heuristics ERROR\n", b"\n", b"?\n"]
)
def test_an_answer_without_a_verdict_counts_as_none(ada: User, standing_in: StandIn, answer: bytes) -> None:
    standing_in.answer = answer
    upload = stored(ada)
    with pytest.raises(ScanError):
        scan(upload.pk)
    upload.refresh_from_db()
    assert not upload.is_ready
