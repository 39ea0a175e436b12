"""The way from a click to a file: two clicks at once, killed workers, errors, a queue that is away."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from core import work
from core.areas import beat_schedule
from core.models import Event
from core.storage import private_storage
from core.tasks import requeue_lost
from credentialing import papers, tasks, views
from credentialing.certificates import issuing, rendering
from credentialing.events import CertificateEvent
from credentialing.models import Certificate, Holder
from policies.models import Coverage
from portal.celery import app
from tests.cast import Cast
from tests.credentialing.conftest import make_printable_cast
from tests.credentialing.helpers import issued, new_holder_form, to_whom
from tests.helpers import at_once, sign_in

DOCUMENTS = "documents"
Browse = Callable[[AbstractBaseUser], Client]
PATIENCE = 60  # seconds until a test that waits for a worker gives up


@pytest.fixture
def committed(transactional_db: None) -> Cast:
    """Return the cast, committed, so that other connections see it."""
    return make_printable_cast()


def in_queue() -> int:
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        return int(client.llen(DOCUMENTS))  # type: ignore[arg-type]


@pytest.mark.parametrize("same_form", [True, False], ids=["one form twice", "two windows"])
def test_two_clicks_on_issue_give_one_certificate_one_holder_and_one_task(committed: Cast, same_form: bool) -> None:
    address = reverse("credentialing:issue", args=[committed.coverage.public_id])
    form = new_holder_form()
    forms = [form, form if same_form else form | {"idempotency_key": str(uuid.uuid4())}] * 2
    clients = [Client() for _ in forms]
    for client in clients:
        sign_in(client, committed.ana)
    responses = at_once(
        *(lambda c=client, f=data: c.post(address, f) for client, data in zip(clients, forms, strict=True))
    )
    certificate = Certificate.objects.get()
    assert {response["Location"] for response in responses} == {certificate.get_absolute_url() + "?download"}
    assert Holder.objects.count() == 1
    assert in_queue() == 1
    assert Event.objects.filter(tag=CertificateEvent.ISSUED).count() == 1
    assert Event.objects.filter(tag=CertificateEvent.ISSUED_AGAIN).count() == 3


def test_two_workers_with_the_same_task_make_one_file(committed: Cast) -> None:
    certificate = issued(committed.coverage, committed.ana)
    assert at_once(*[lambda: issuing.render(certificate.pk)] * 3) == [None, None, None]
    certificate.refresh_from_db()
    assert certificate.is_ready
    assert Event.objects.filter(tag=CertificateEvent.RENDERED).count() == 1
    assert len(private_storage().listdir(f"certificates/{certificate.issued_on:%Y/%m}")[1]) == 1


class Worker:
    """A worker process of documents, and the signs it gives."""

    def __init__(self, folder: Path) -> None:
        self.signs = folder
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.credentialing.worker_settings",
            "PORTAL_MODE": "test",
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "TEST_FILES": str(private_storage().base_location),  # type: ignore[attr-defined]
            "TEST_SIGNS": str(folder),
        }
        self.log = folder / "worker.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # ourselves, no shell
                [
                    *(sys.executable, "-m", "celery", "-A", "tests.credentialing.worker:app", "worker"),
                    *("-Q", DOCUMENTS, "-P", "solo", "--without-gossip", "--without-mingle", "-l", "INFO"),
                ],
                env=environment,
                stdout=log,
                stderr=log,
            )

    def wait_for(self, sign: str) -> None:
        """Until the worker has given this sign."""
        until((self.signs / sign).exists, why=lambda: self.log.read_text()[-3000:])

    def kill(self) -> None:
        """As the kernel would: no handler runs."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def until(condition: Callable[[], bool], *, why: Callable[[], str] = str) -> None:
    """Wait for a condition; fail with the reason when patience is over."""
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < limit, why()
        time.sleep(0.02)


@contextmanager
def worker(folder: Path) -> Iterator[Worker]:
    (folder / "ready").unlink(missing_ok=True)
    started = Worker(folder)
    try:
        started.wait_for("ready")
        yield started
    finally:
        started.kill()


def test_a_worker_that_is_killed_in_the_middle_of_a_page_costs_seconds_and_no_certificate(
    committed: Cast, browse: Browse, tmp_path: Path
) -> None:
    (tmp_path / "hold").touch()
    client = browse(committed.ana)
    with worker(tmp_path) as first:
        client.post(reverse("credentialing:issue", args=[committed.coverage.public_id]), to_whom())
        first.wait_for("began")
        certificate = Certificate.objects.get()
        assert (certificate.status, certificate.attempts) == (Certificate.Status.QUEUED, 1)
        first.kill()
    (tmp_path / "hold").unlink()
    progress = reverse("credentialing:progress", args=[certificate.public_id])
    with worker(tmp_path) as second:
        # The page that waits asks every second; that alone brings the work back.
        until(lambda: "Download certificate" in client.get(progress).content.decode(), why=second.log.read_text)
    certificate.refresh_from_db()
    assert certificate.attempts == 2
    pdf = client.get(reverse("credentialing:pdf", args=[certificate.public_id])).getvalue()
    assert pdf.startswith(b"%PDF-")
    assert len(pdf) == certificate.size
    assert Event.objects.filter(tag=CertificateEvent.RENDERED).count() == 1


def test_a_page_that_a_worker_is_laying_out_is_not_handed_over_again(
    committed: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Certificate, "LOST_BEGUN", dt.timedelta(0))
    (tmp_path / "hold").touch()
    with worker(tmp_path) as slow:
        certificate = issued(committed.coverage, committed.ana)
        slow.wait_for("began")
        assert work.requeue_lost() == 0
        (tmp_path / "hold").unlink()
        until(lambda: Certificate.objects.get(pk=certificate.pk).is_ready, why=slow.log.read_text)


def test_issuing_waits_for_a_worker_and_leads_straight_to_the_file(
    committed: Cast, browse: Browse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "WAIT_SECONDS", PATIENCE)
    client = browse(committed.ana)
    with worker(tmp_path):
        response = client.post(
            reverse("credentialing:issue", args=[committed.coverage.public_id]), to_whom(), follow=True
        )
    assert "Your certificate is ready." in response.content.decode()


def test_what_a_worker_records_and_logs_carries_the_id_of_the_request_that_issued(
    committed: Cast, browse: Browse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "WAIT_SECONDS", PATIENCE)
    with worker(tmp_path) as documents:
        address = reverse("credentialing:issue", args=[committed.coverage.public_id])
        response = browse(committed.ana).post(address, to_whom())
    rendered = Event.objects.get(tag=CertificateEvent.RENDERED)
    assert rendered.request_id == response["X-Request-ID"]
    assert (rendered.actor_id, rendered.ip) == (None, None)
    assert response["X-Request-ID"] in documents.log.read_text()


def age(certificate: Certificate, seconds: float, **fields: Any) -> None:
    """As if it had been handed over so long ago."""
    Certificate.objects.filter(pk=certificate.pk).update(
        enqueued_at=timezone.now() - dt.timedelta(seconds=seconds), **fields
    )


@pytest.mark.parametrize(
    ("seconds", "fields", "again"),
    [
        (2, {"attempts": 1}, 0),
        (4, {"attempts": 1}, 1),
        (4, {"attempts": 0}, 0),
        (9, {"attempts": 0}, 1),
        (4, {"is_enqueued": False}, 1),
        (60, {"status": Certificate.Status.FAILED}, 0),
    ],
)
def test_beat_hands_over_again_what_was_lost_and_only_that(
    cast: Cast, seconds: float, fields: dict[str, Any], again: int
) -> None:
    certificate = issued(cast.coverage, cast.ana)
    age(certificate, seconds, **fields)
    assert requeue_lost() == again
    assert in_queue() == again
    assert requeue_lost() == 0, "it was handed over just now"


def test_two_who_find_a_lost_certificate_at_once_hand_it_over_once(committed: Cast) -> None:
    certificate = issued(committed.coverage, committed.ana)
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        client.flushdb()
    age(certificate, 60)
    assert sorted(at_once(*[work.requeue_lost] * 4)) == [0, 0, 0, 1]
    assert in_queue() == 1


def test_beat_knows_the_task() -> None:
    names = {entry["task"] for entry in beat_schedule().values()}
    assert requeue_lost.name in names
    assert requeue_lost.name in app.tasks


def test_what_cannot_be_made_fails_visibly_after_three_attempts_staff_are_told_and_a_retry_makes_it(
    committed: Cast, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts: list[str] = []
    monkeypatch.setattr("credentialing.models.papers.alert_staff", lambda subject, body: alerts.append(subject + body))
    certificate = issued(committed.coverage, committed.ana)
    with monkeypatch.context() as broken:
        broken.setattr(issuing, "certificate_pdf", lambda certificate: 1 / 0)
        for attempt in (1, 2, 3):
            tasks.render_certificate.apply(args=[certificate.pk])
            certificate.refresh_from_db()
            assert certificate.attempts == attempt
    assert certificate.status == Certificate.Status.FAILED
    assert certificate.last_error == "ZeroDivisionError"
    assert Event.objects.filter(tag=CertificateEvent.FAILED).count() == 1
    assert len(alerts) == 1
    assert certificate.serial in alerts[0]
    assert certificate.insured_name not in alerts[0]

    client = browse(committed.ana)
    page = client.get(certificate.get_absolute_url()).content.decode()
    assert "We couldn’t create the PDF" in page
    assert "Try again" in page
    assert "hx-trigger" not in page
    client.post(reverse("credentialing:retry", args=[certificate.public_id]))
    certificate.refresh_from_db()
    assert (certificate.status, certificate.attempts) == (Certificate.Status.QUEUED, 0)
    tasks.render_certificate.apply(args=[certificate.pk])
    assert "Your certificate is ready." in client.get(certificate.get_absolute_url()).content.decode()


def test_workers_that_are_killed_each_time_end_in_failed_too(cast: Cast) -> None:
    certificate = issued(cast.coverage, cast.ana)
    age(certificate, 60, attempts=Certificate.MAX_ATTEMPTS)
    assert work.requeue_lost() == 0
    certificate.refresh_from_db()
    assert certificate.has_failed


def test_a_task_that_comes_late_does_nothing(committed: Cast) -> None:
    certificate = issued(committed.coverage, committed.ana)
    issuing.render(certificate.pk)
    certificate.refresh_from_db()
    tasks.render_certificate.apply(args=[certificate.pk])
    work.attempt_failed(Certificate, certificate.pk, "LateError")
    assert work.retry(certificate, by=committed.ana) is False
    again = Certificate.objects.get(pk=certificate.pk)
    assert (again.status, again.attempts, again.last_error) == (Certificate.Status.READY, 1, "")


def test_asking_again_for_one_that_failed_tries_it_again(cast: Cast) -> None:
    certificate = issued(cast.coverage, cast.ana)
    age(certificate, 0, status=Certificate.Status.FAILED, attempts=3)
    assert issued(cast.coverage, cast.ana) == certificate
    certificate.refresh_from_db()
    assert (certificate.status, certificate.attempts) == (Certificate.Status.QUEUED, 0)


@pytest.fixture
def queue_is_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody listens where the broker should be."""
    right = app.conf.broker_url

    def point_to(url: str) -> None:
        # Each address has pools of its own: those of the right one stay open, and are found again.
        app.conf.update(broker_url=url, broker_write_url=url)
        app._pool = app.amqp._producer_pool = None

    point_to("redis://127.0.0.1:1/0")
    yield
    point_to(right)


def test_with_the_queue_away_the_certificate_is_recorded_the_page_says_so_and_it_is_made_later(
    committed: Cast, browse: Browse, queue_is_away: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "WAIT_SECONDS", PATIENCE)
    client = browse(committed.ana)
    response = client.post(reverse("credentialing:issue", args=[committed.coverage.public_id]), to_whom(), follow=True)
    page = response.content.decode()
    assert response.status_code == 200
    assert "We saved your request but can’t create the PDF right now" in page
    certificate = Certificate.objects.get()
    assert (certificate.status, certificate.is_enqueued) == (Certificate.Status.QUEUED, False)
    age(certificate, 60)
    assert client.get(reverse("credentialing:progress", args=[certificate.public_id])).status_code == 200
    assert not Certificate.objects.get().is_enqueued, "still away"


def test_what_waited_for_the_queue_is_handed_over_when_it_is_back(cast: Cast) -> None:
    certificate = issued(cast.coverage, cast.ana)
    age(certificate, 60, is_enqueued=False)
    assert work.requeue_lost() == 1
    certificate.refresh_from_db()
    assert certificate.is_enqueued
    assert in_queue() == 1


def test_the_worker_of_documents_reads_its_fonts_before_the_first_customer_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warmed: list[str] = []
    monkeypatch.setattr(tasks, "prepare_fonts", lambda: warmed.append("fonts"))
    monkeypatch.setattr(tasks.rendering, "warm_up", lambda: warmed.append("page"))
    monkeypatch.setattr(tasks, "learn_latest", lambda: warmed.append("latest"))

    def start(queue: str) -> None:
        queues = SimpleNamespace(consume_from={queue: None})
        tasks.read_fonts_ahead(sender=SimpleNamespace(app=SimpleNamespace(amqp=SimpleNamespace(queues=queues))))

    start("codes")
    assert warmed == []
    start("documents")
    assert warmed == ["fonts", "page", "latest"]


def test_a_new_worker_learns_what_the_latest_certificates_say(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "LEARNED", 2)
    for coverage, user in ((cast.anas, cast.paula), (cast.bens, cast.paula), (cast.mias, cast.mia)):
        issued(coverage, user)
    real, tried = rendering.layout().make, []

    def make(pages: Any) -> Any:
        tried.append(pages)
        if len(tried) == 1:
            raise FileNotFoundError("signature.png")
        return real(pages)

    monkeypatch.setattr(rendering.layout(), "make", make)
    tasks.learn_latest()
    assert len(tried) == 2, "one that can't be set keeps nobody from the others"
    assert not Certificate.objects.exclude(file="").exists(), "nothing is stored"


def test_a_worker_that_starts_without_the_database_learns_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_certificates: Any) -> int:
        raise OperationalError

    monkeypatch.setattr(rendering, "learn", gone)
    tasks.learn_latest()


def test_the_snapshot_is_what_is_printed_even_if_the_carriers_data_changes_before_the_worker_comes(
    cast: Cast, settings: Settings
) -> None:
    from tests.credentialing.helpers import words_of

    certificate = issued(cast.coverage, cast.ana)
    Coverage.objects.filter(pk=cast.coverage.pk).update(limit_aggregate=9_000_000)
    settings.SUPPORT = {**settings.SUPPORT, "service": {**settings.SUPPORT["service"], "phone": "(860) 555-0199"}}
    issuing.render(certificate.pk)
    certificate.refresh_from_db()
    text = words_of(certificate)
    assert "$3,000,000" in text
    assert "$9,000,000" not in text
    assert "010-9999" not in text


def failed(cast: Cast, name: str) -> Certificate:
    """Return a certificate that could not be made."""
    from tests.credentialing.helpers import a_holder

    certificate = issued(cast.coverage, cast.ana, a_holder(cast.ana, cast.coverage, name=name))
    age(certificate, 0, status=Certificate.Status.FAILED, attempts=3)
    return certificate


def test_a_fourth_retry_within_an_hour_waits_and_says_until_when(cast: Cast, browse: Browse) -> None:
    client = browse(cast.ana)
    for number in range(3):
        certificate = failed(cast, f"Hospital {number}")
        assert client.post(reverse("credentialing:retry", args=[certificate.public_id])).status_code == 302
    fourth = failed(cast, "Fourth Hospital")
    refused = client.post(reverse("credentialing:retry", args=[fourth.public_id]))
    assert refused.status_code == 429
    assert "You’ve tried 3 times within an hour. Try again at " in refused.content.decode()
    fourth.refresh_from_db()
    assert fourth.has_failed
    again = issued(cast.coverage, cast.ana, fourth.holder)
    assert again == fourth
    assert again.has_failed, "asking for it again is a retry too"
    assert Event.objects.filter(tag=CertificateEvent.RETRIED).count() == 3


def test_no_more_than_half_the_web_threads_wait_for_files_the_others_go_straight_to_the_progress_page(
    committed: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = [issued(committed.coverage, committed.ana), issued(committed.bens, committed.ben)]
    threads = django_settings.WEB_THREADS
    sleeping, awake = threading.Semaphore(0), threading.Event()
    through = threading.Semaphore(0)

    def sleep(_seconds: float) -> None:
        sleeping.release()
        awake.wait(PATIENCE)

    monkeypatch.setattr(papers.time, "sleep", sleep)

    def wait(number: int) -> None:
        papers.wait_for_file(certificates[number % 2], seconds=PATIENCE)
        through.release()

    def let_go_when_the_others_are_through() -> None:
        for _ in range(threads - threads // 2):
            assert through.acquire(timeout=PATIENCE), "somebody waits who should not"
        for _ in range(threads // 2):
            assert sleeping.acquire(timeout=PATIENCE), "somebody who could wait didn't"
        for certificate in certificates:
            issuing.render(certificate.pk)
        awake.set()

    results = at_once(*(partial(wait, number) for number in range(threads)), let_go_when_the_others_are_through)
    assert results == [None] * (threads + 1)
    papers.wait_for_file(certificates[0], seconds=0)
    assert certificates[0].is_ready, "there is room again"


def test_a_wait_that_ends_in_an_error_gives_its_place_back(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = issued(cast.coverage, cast.ana)

    def break_off(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(papers, "_wait", break_off)
        for _ in range(django_settings.WEB_THREADS):
            with pytest.raises(KeyboardInterrupt):
                papers.wait_for_file(certificate, seconds=1)
    issuing.render(certificate.pk)
    papers.wait_for_file(certificate, seconds=0)
    assert certificate.is_ready


def test_with_the_worker_down_the_queue_stays_short(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Certificate, "MOST_IN_QUEUE", 5)
    for number in range(4):
        age(failed(cast, f"Hospital {number}"), 60, status=Certificate.Status.QUEUED, attempts=0)
    for _ in range(10):
        requeue_lost()
        Certificate.objects.update(enqueued_at=timezone.now() - dt.timedelta(seconds=60))
    assert in_queue() == 5
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        client.delete(DOCUMENTS)
    assert requeue_lost() == 4, "as soon as there is room again"
