"""Batches: exactly the certificates asked for, once each, in order, whatever happens on the way."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import TYPE_CHECKING, Any

import pypdf
import pytest
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.mail import Mail
from core.models import Event
from core.storage import private_storage
from credentialing.batches import certifying, files, running, writing
from credentialing.batches.freezing import HolderChoice
from credentialing.certificates.limits import TooManyError
from credentialing.events import BatchEvent, CertificateEvent
from credentialing.models import Batch, BatchItem, BatchPiece, Certificate
from tests.book import CoverageFactory, InsuredFactory, days
from tests.cast import Cast
from tests.credentialing.batches_helpers import WITH_A_FILE, a_batch, run_all, started
from tests.credentialing.conftest import make_printable_cast
from tests.credentialing.helpers import a_holder, flat
from tests.helpers import at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import Settings

    from core.pdf import Candidate
    from policies.models import Coverage

DAY = dt.timedelta(days=1)


@pytest.fixture
def committed(transactional_db: None) -> Cast:
    """Return the cast, committed, so that other connections see it."""
    return make_printable_cast()


def the_group(cast: Cast, size: int) -> list[Coverage]:
    """Return the coverages of so many insureds of Riverbend, in the order of the list."""
    more = [
        CoverageFactory.create(
            term=cast.term, insured=InsuredFactory.create(first_name="Zoe", last_name=f"Z{number:03}")
        )
        for number in range(size - 2)
    ]
    return [cast.anas, cast.bens, *more]


def bytes_of(batch: Batch) -> bytes:
    with private_storage().open(batch.file) as stored:
        return bytes(stored.read())


def serials_in(batch: Batch) -> list[str]:
    """Return the serial numbers that its file holds, in order, read by another tool than the one that wrote it."""
    content = bytes_of(batch)
    if batch.delivery == Batch.Delivery.SEPARATE:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            return [serial_on(archive.read(name)) for name in archive.namelist()]
    pages = [flat(page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    serials = list(Certificate.objects.values_list("serial", flat=True))
    return [serial for page in pages for serial in serials if serial in page and "Verification code" in page]


def serial_on(pdf: bytes) -> str:
    text = flat(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text())
    (serial,) = [serial for serial in Certificate.objects.values_list("serial", flat=True) if serial in text]
    return serial


def asked_for(batch: Batch) -> list[str]:
    """Return the serial numbers of its items, in their order."""
    return list(batch.items.exclude(certificate=None).order_by("place").values_list("certificate__serial", flat=True))


@pytest.mark.parametrize("delivery", WITH_A_FILE)
def test_a_batch_is_exactly_what_was_asked_for_once_each_in_order(
    cast: Cast, settings: Settings, delivery: str
) -> None:
    settings.BATCH_PIECE = 2
    coverages = the_group(cast, 5)
    batch = started(cast.paula, coverages, delivery=delivery)
    run_all(batch)
    assert (batch.status, batch.issued, batch.refused, batch.failed) == (Batch.Status.DONE, 5, 0, 0)
    assert [item.coverage_id for item in batch.items.order_by("place")] == [coverage.pk for coverage in coverages]
    assert len(set(asked_for(batch))) == 5
    assert serials_in(batch) == asked_for(batch)
    assert {certificate.issued_by for certificate in Certificate.objects.all()} == {cast.paula}
    assert Event.objects.filter(tag=CertificateEvent.ISSUED, actor_id=cast.paula.pk).count() == 5
    assert batch.written == 5
    assert batch.steps_done == batch.steps_all


def test_a_zip_holds_the_very_files_that_the_certificates_are_known_by(cast: Cast) -> None:
    import hashlib

    batch = started(cast.paula, [cast.anas, cast.bens], delivery=Batch.Delivery.SEPARATE)
    run_all(batch)
    with zipfile.ZipFile(io.BytesIO(bytes_of(batch))) as archive:
        digests = [hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()]
    assert digests == [item.certificate.sha256 for item in batch.items.select_related("certificate").order_by("place")]
    assert batch.filed == 2


def test_each_insured_gets_one_for_each_holder(cast: Cast) -> None:
    holders = [a_holder(cast.paula, cast.bens, name=name) for name in ("Saint Zita", "Abbey Hospital")]
    batch = started(cast.paula, [cast.anas, cast.bens], HolderChoice(concern=True, holders=tuple(holders)))
    run_all(batch)
    names = [
        (item.coverage.insured.first_name, item.holder.name if item.holder else None)
        for item in batch.items.select_related("coverage__insured", "holder")
    ]
    three = [None, "Abbey Hospital", "Saint Zita"]
    assert names == [(who, name) for who in ("Ana María", "Łukasz") for name in three]
    assert serials_in(batch) == asked_for(batch)
    assert len(asked_for(batch)) == 6


def test_what_the_party_issued_already_today_is_the_same_certificate_not_another(cast: Cast) -> None:
    first = started(cast.paula, [cast.anas])
    run_all(first)
    second = started(cast.paula, [cast.anas, cast.bens])
    run_all(second)
    assert asked_for(second)[0] == asked_for(first)[0]
    assert Certificate.objects.count() == 2
    assert serials_in(second) == asked_for(second)


def test_what_gives_nothing_is_left_out_with_its_reason_and_the_rest_comes(cast: Cast) -> None:
    offered = CoverageFactory.create(term__policy=cast.policy, term__status="offered", insured=cast.bens.insured)
    batch = started(cast.paula, [cast.anas, offered])
    run_all(batch)
    assert (batch.status, batch.issued, batch.refused) == (Batch.Status.DONE, 1, 1)
    refused = batch.items.get(coverage=offered)
    assert refused.reason == "This term is offered, not bound. An offer isn’t coverage."
    assert serials_in(batch) == asked_for(batch)


def test_a_batch_in_which_nothing_is_issued_ends_without_a_file(cast: Cast) -> None:
    offered = CoverageFactory.create(term__policy=cast.policy, term__status="offered", insured=cast.bens.insured)
    batch = started(cast.paula, [offered])
    run_all(batch)
    assert (batch.status, batch.refused, batch.has_file) == (Batch.Status.DONE, 1, False)


def test_starting_twice_at_once_starts_once(committed: Cast) -> None:
    batch = a_batch(committed.paula, [committed.anas, committed.bens])
    assert sorted(at_once(*[lambda: running.start(batch, by=committed.paula)] * 3)) == [False, False, True]
    assert Event.objects.filter(tag=BatchEvent.STARTED).count() == 1
    assert BatchPiece.objects.filter(batch=batch).count() == 2


def test_two_workers_with_the_same_piece_do_it_once(committed: Cast) -> None:
    batch = started(committed.paula, [committed.anas, committed.bens])
    piece = BatchPiece.objects.get(batch=batch, step="issue")
    at_once(*[lambda: running.run_piece(piece.pk)] * 3)
    batch.refresh_from_db()
    assert batch.issued == 2
    assert Certificate.objects.count() == 2


def test_two_batches_that_ask_for_the_same_at_once_end_with_the_same_certificates(
    committed: Cast, settings: Settings
) -> None:
    settings.BATCH_PIECE = 1
    batches = [started(committed.paula, [committed.anas, committed.bens]) for _ in range(2)]
    at_once(*[lambda batch=batch: run_all(batch) for batch in batches])
    assert Certificate.objects.count() == 2
    assert asked_for(batches[0]) == asked_for(batches[1])


def test_two_batches_share_the_worker_piece_by_piece(cast: Cast, settings: Settings) -> None:
    settings.BATCH_PIECE = 1
    coverages = the_group(cast, 8)
    long = started(cast.paula, coverages)
    short = started(cast.adam, coverages[:2])
    order = [piece.batch_id for piece in run_all(long, short)]
    # Of the long one, no more than its share is ahead of the last piece of the short one.
    ahead = order[: len(order) - order[::-1].index(short.pk)].count(long.pk)
    assert ahead <= 2 + 3
    assert (long.status, short.status) == (Batch.Status.DONE, Batch.Status.DONE)


def test_no_more_than_a_few_pieces_of_a_batch_are_in_the_queue(cast: Cast, settings: Settings) -> None:
    settings.BATCH_PIECE = 1
    batch = started(cast.paula, the_group(cast, 6), delivery=Batch.Delivery.SEPARATE)
    queued = BatchPiece.objects.filter(batch=batch, status=BatchPiece.Status.QUEUED)
    most = 0
    while piece := queued.order_by("enqueued_at", "pk").first():
        most = max(most, queued.count())
        if piece.step == "finish":
            others = BatchPiece.objects.filter(batch=batch).exclude(pk=piece.pk)
            assert set(others.values_list("status", flat=True)) == {"done"}
        if piece.step == "file":
            assert BatchPiece.objects.get(batch=batch, step="issue", first=piece.first).status == "done"
        running.run_piece(piece.pk)
    assert most == settings.BATCH_PIECES_AT_ONCE


def test_what_is_not_issued_when_access_ends_is_not_issued_anymore(cast: Cast, settings: Settings) -> None:
    settings.BATCH_PIECE = 1
    batch = started(cast.paula, [cast.anas, cast.bens])
    running.run_piece(BatchPiece.objects.get(batch=batch, step="issue", first=0).pk)
    cast.paula.memberships.get().revoke(by=cast.support, reason="left the practice")
    run_all(batch)
    assert (batch.issued, batch.refused) == (1, 1)
    assert batch.items.get(status="refused").reason == running.ENDED
    assert Certificate.objects.count() == 1


def test_a_coverage_that_leaves_the_party_meanwhile_is_not_certified(cast: Cast) -> None:
    batch = started(cast.adam, [cast.anas])
    type(cast.policy).objects.filter(pk=cast.policy.pk).update(retired_at=timezone.now())
    run_all(batch)
    assert batch.items.get().reason == running.UNSEEN
    assert not Certificate.objects.exists()


def test_a_cancelled_batch_stops_and_what_it_issued_stays(cast: Cast, settings: Settings) -> None:
    settings.BATCH_PIECE = 1
    batch = started(cast.paula, the_group(cast, 5))
    running.run_piece(BatchPiece.objects.get(batch=batch, step="issue", first=0).pk)
    assert running.cancel(batch, by=cast.paula)
    assert not running.cancel(batch, by=cast.paula)
    run_all(batch)
    assert (batch.status, batch.issued) == (Batch.Status.CANCELLED, 1)
    assert Certificate.objects.count() == 1
    assert not BatchPiece.objects.filter(batch=batch, status__in=("queued", "waiting")).exists()
    assert not batch.file


def test_a_batch_that_is_cancelled_while_its_file_is_written_keeps_no_file(
    committed: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PACE", 0)
    batch = started(committed.paula, [committed.anas, committed.bens])
    running.run_piece(BatchPiece.objects.get(batch=batch, step="issue").pk)
    pages_of = writing.bulk.pages_of

    def cancel_meanwhile(certificate: Certificate) -> Callable[[], Iterator[Candidate]]:
        at_once(lambda: running.cancel(batch, by=committed.paula))
        return pages_of(certificate)

    monkeypatch.setattr(writing.bulk, "pages_of", cancel_meanwhile)
    run_all(batch)
    assert (batch.status, batch.file) == (Batch.Status.CANCELLED, "")
    assert not private_storage().exists("batches") or private_storage().listdir("batches")[1] == []


def test_how_far_the_file_is_shows_while_it_is_written(committed: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PACE", 0)
    seen: list[int] = []
    batch = started(committed.paula, [committed.anas, committed.bens])
    running.run_piece(BatchPiece.objects.get(batch=batch, step="issue").pk)
    pages_of = writing.bulk.pages_of

    def look(certificate: Certificate) -> Callable[[], Iterator[Candidate]]:
        seen.extend(at_once(lambda: Batch.objects.get(pk=batch.pk).written))
        return pages_of(certificate)

    monkeypatch.setattr(writing.bulk, "pages_of", look)
    run_all(batch)
    assert seen == [0, 1]
    assert batch.written == 2


def test_a_certificate_that_cannot_be_made_fails_alone_and_is_made_when_tried_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = started(cast.paula, [cast.anas, cast.bens], delivery=Batch.Delivery.SEPARATE)
    lay_out = files.certificate_pdf

    def break_bens(certificate: Certificate) -> bytes:
        return lay_out(certificate) if certificate.coverage_id == cast.anas.pk else bytes(1 // 0)

    with monkeypatch.context() as broken:
        broken.setattr(files, "certificate_pdf", break_bens)
        run_all(batch)
    assert (batch.status, batch.issued, batch.failed) == (Batch.Status.DONE, 1, 1)
    assert len(serials_in(batch)) == 1
    before = asked_for(batch)
    old = batch.file
    assert running.retry(batch, by=cast.paula)
    assert not running.retry(batch, by=cast.paula)
    run_all(batch)
    assert (batch.status, batch.issued, batch.failed) == (Batch.Status.DONE, 2, 0)
    assert asked_for(batch) == before, "no certificate is issued twice"
    assert serials_in(batch) == before
    assert not private_storage().exists(old)


def test_a_piece_that_no_attempt_can_do_is_given_up_and_the_batch_goes_on(
    cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BATCH_PIECE = 1
    batch = started(cast.paula, [cast.anas, cast.bens])
    certify = certifying.certify

    def break_bens(asked: Any, **kwargs: Any) -> Any:
        if asked[0].parts[0].coverage.pk == cast.bens.pk:
            raise ZeroDivisionError
        return certify(asked, **kwargs)

    with monkeypatch.context() as broken:
        broken.setattr(running, "certify", break_bens)
        for _ in range(40):
            piece = BatchPiece.objects.filter(batch=batch, status="queued").order_by("enqueued_at", "pk").first()
            if piece is None:
                break
            try:
                running.run_piece(piece.pk)
            except ZeroDivisionError:
                continue
    batch.refresh_from_db()
    assert (batch.status, batch.issued, batch.failed) == (Batch.Status.DONE, 1, 1)
    assert running.retry(batch, by=cast.paula)
    run_all(batch)
    assert (batch.status, batch.issued, batch.failed) == (Batch.Status.DONE, 2, 0)
    assert serials_in(batch) == asked_for(batch)


def test_a_file_that_cannot_be_written_fails_the_batch_visibly_and_a_retry_writes_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = started(cast.paula, [cast.anas])
    running.run_piece(BatchPiece.objects.get(batch=batch, step="issue").pk)
    finish = BatchPiece.objects.get(batch=batch, step="finish")
    with monkeypatch.context() as broken:
        broken.setattr(files, "write", lambda batch: 1 // 0)
        for _ in range(BatchPiece.MAX_ATTEMPTS):
            with pytest.raises(ZeroDivisionError):
                running.run_piece(finish.pk)
    batch.refresh_from_db()
    assert batch.status == Batch.Status.FAILED
    assert Mail.objects.get(name="batch_failed").to == cast.paula.email
    assert running.retry(batch, by=cast.paula)
    run_all(batch)
    assert batch.status == Batch.Status.DONE
    assert serials_in(batch) == asked_for(batch)


def test_the_user_gets_a_mail_when_it_is_done_unless_the_batch_is_no_longer_theirs(cast: Cast) -> None:
    from core.mail import complete

    batch = started(cast.paula, [cast.anas])
    run_all(batch)
    mail = Mail.objects.get(name="batch_ready")
    context = complete(mail)
    assert context is not None
    assert context["issued"] == 1
    assert batch.public_id in context["address"]
    cast.paula.memberships.get().revoke(by=cast.support, reason="left the practice")
    assert complete(mail) is None


def test_the_file_goes_after_its_days_and_the_certificates_stay(cast: Cast, settings: Settings) -> None:
    batch = started(cast.paula, [cast.anas])
    run_all(batch)
    name = batch.file
    assert batch.file_until is not None
    assert timezone.now() + 6 * DAY < batch.file_until <= timezone.now() + 7 * DAY
    assert files.forget_old() == 0
    Batch.objects.update(file_until=timezone.now())
    assert files.forget_old() == 1
    batch.refresh_from_db()
    assert (batch.file, batch.has_file) == ("", False)
    assert not private_storage().exists(name)
    assert Certificate.objects.count() == 1
    assert Event.objects.filter(tag=BatchEvent.FILE_DELETED).count() == 1


def test_the_day_has_a_ceiling(cast: Cast, settings: Settings) -> None:
    settings.BATCH_CERTIFICATES_A_DAY = 3
    started(cast.paula, [cast.anas, cast.bens])
    second = a_batch(cast.paula, [cast.anas, cast.bens])
    with pytest.raises(TooManyError, match=r"You have 1 left, and this batch has 2\."):
        running.start(second, by=cast.paula)
    second.refresh_from_db()
    assert second.is_draft
    Batch.objects.filter(status="running").update(started_at=timezone.now() - DAY)
    assert running.start(second, by=cast.paula)


def test_certificates_of_a_batch_in_one_pdf_have_no_file_until_someone_asks(cast: Cast) -> None:
    batch = started(cast.paula, [cast.anas])
    run_all(batch)
    certificate = Certificate.objects.get()
    assert (certificate.status, certificate.file) == (Certificate.Status.UNFILED, "")


def test_letters_and_certificates_come_in_one_batch(cast: Cast) -> None:
    ended = CoverageFactory.create(
        term__policy=cast.policy, term__effective=days(-465), term__expires=days(-100), insured=cast.bens.insured
    )
    batch = started(cast.paula, [cast.anas, ended])
    run_all(batch)
    kinds = set(batch.items.values_list("certificate__kind", flat=True))
    assert kinds == {"coi", "past_coverage_letter"}


def test_items_are_frozen_whatever_the_search_finds_later(cast: Cast) -> None:
    batch = a_batch(cast.paula, [cast.anas, cast.bens])
    CoverageFactory.create(term=cast.term)
    running.start(batch, by=cast.paula)
    run_all(batch)
    assert batch.issued == 2
    assert BatchItem.objects.filter(batch=batch).count() == 2


@given(data=st.data())
@hypothesis_settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_the_mix_pages_and_files_are_exactly_what_was_asked_for(db: None, data: st.DataObject) -> None:
    """Insureds, holders, size of a piece, form of delivery, and the order in which workers get the pieces: any."""
    with transaction.atomic(), override_settings(BATCH_PIECE=data.draw(st.integers(1, 4))):
        cast = make_printable_cast()
        group = the_group(cast, 5)
        offered = CoverageFactory.create(term__policy=cast.policy, term__status="offered", insured=cast.bens.insured)
        chosen = data.draw(st.lists(st.sampled_from([*group, offered]), min_size=1, max_size=3, unique=True))
        names = data.draw(st.sets(st.sampled_from(["Abbey Hospital", "Clínica Ñandú", "Zürich Ærztehaus"])))
        holders = tuple(a_holder(cast.paula, cast.anas, name=name) for name in sorted(names))
        choice = HolderChoice(concern=data.draw(st.booleans()) or not holders, holders=holders)
        batch = started(cast.paula, chosen, choice, delivery=data.draw(st.sampled_from(WITH_A_FILE)))
        while queued := list(BatchPiece.objects.filter(batch=batch, status="queued").order_by("pk")):
            running.run_piece(data.draw(st.sampled_from(queued)).pk)
        batch.refresh_from_db()
        each = len(holders) + choice.concern
        assert (batch.total, batch.issued) == (len(chosen) * each, (len(chosen) - (offered in chosen)) * each)
        assert len(set(asked_for(batch))) == batch.issued
        if batch.issued:
            assert serials_in(batch) == asked_for(batch)
        transaction.set_rollback(True)
