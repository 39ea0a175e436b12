"""Claims histories and another day in a batch (S-36), and the file of a large batch, written part by part."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pikepdf
import pypdf
import pytest
from django.urls import reverse

from core.models import Event
from core.queue import queue_of
from core.storage import private_storage
from credentialing.batches import files, running
from credentialing.batches.choosing import Selection
from credentialing.batches.freezing import HolderChoice, counts_of, freeze
from credentialing.batches.histories import NO_RIGHT, HistoryChoice
from credentialing.claims_history.authorizing import revoke
from credentialing.events import ClaimsPaperEvent
from credentialing.models import Batch, BatchPiece, Certificate, ClaimsPaper
from credentialing.models.authorizations import AuthorizationRevocation
from tests.book import CoverageFactory, days
from tests.cast import Browse, Cast
from tests.credentialing.batches_helpers import WITH_A_FILE, a_batch, run_all, started
from tests.credentialing.claims_history.conftest import switch_on
from tests.credentialing.claims_history.papers import authorized
from tests.credentialing.conftest import make_printable_cast
from tests.credentialing.helpers import a_holder, flat, new_holder_form
from tests.credentialing.test_batches import asked_for, bytes_of, serials_in, the_group
from tests.helpers import at_once
from tests.on_file import CarrierHolderFactory, StandingHolderFactory
from tests.reading import words

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

    from accounts.models import User
    from policies.models import Coverage

TEN_YEARS = HistoryChoice(10, ClaimsPaper.Purpose.PRIVILEGES)


def with_histories(
    user: User, coverages: list[Coverage], choice: HolderChoice | None = None, delivery: str = "single"
) -> Batch:
    """Return a batch of certificates and claims histories that is started; nothing of it is done."""
    batch = a_batch(user, coverages, choice)
    freeze(batch, choice or HolderChoice(concern=True), by=user, delivery=delivery, history=TEN_YEARS)
    assert running.start(batch, by=user)
    return batch


def texts_in(batch: Batch) -> list[str]:
    """Return the text of each page or file, read by another tool than the one that wrote it."""
    content = bytes_of(batch)
    if batch.delivery == Batch.Delivery.SEPARATE:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            opened = [pypdf.PdfReader(io.BytesIO(archive.read(name))) for name in archive.namelist()]
        return [flat(reader.pages[0].extract_text()) for reader in opened]
    return [flat(page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(content)).pages]


@pytest.mark.parametrize("delivery", WITH_A_FILE)
def test_each_certificate_is_followed_by_the_claims_history(cast: Cast, delivery: str) -> None:
    switch_on(cast.paula)
    authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    authorized(cast.ben, cast.bens.insured, policyholder=cast.policy.policyholder)
    batch = with_histories(cast.paula, [cast.anas, cast.bens], delivery=delivery)
    run_all(batch)
    assert (batch.status, batch.issued, batch.histories) == (Batch.Status.DONE, 2, 2)
    in_order = [
        serial
        for item in batch.items.select_related("certificate", "history")
        for serial in (item.certificate.serial, item.history.serial)  # type: ignore[union-attr]
    ]
    pages = texts_in(batch)
    assert [serial for text in pages for serial in in_order if serial in text and "Issued to" not in text] == in_order
    assert {paper.issued_by for paper in ClaimsPaper.objects.all()} == {cast.paula}
    assert Event.objects.filter(tag=ClaimsPaperEvent.ISSUED, actor_id=cast.paula.pk).count() == 2


def test_without_authorization_the_history_is_refused_with_the_sentence_and_the_certificate_comes(
    cast: Cast, browse: Browse
) -> None:
    switch_on(cast.paula)
    authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    batch = a_batch(cast.paula, [cast.anas, cast.bens])
    freeze(batch, HolderChoice(concern=True), by=cast.paula, delivery="single", history=TEN_YEARS)
    counts = counts_of(batch)
    assert (counts["certificates"], counts["histories"], counts["unavailable"]) == (2, 1, 1)
    page = words(browse(cast.paula).get(batch.get_absolute_url()))
    refusal = f"{cast.bens.insured.display_name} hasn’t authorized this."
    assert "Create 3" in page
    assert refusal in page
    running.start(batch, by=cast.paula)
    run_all(batch)
    assert (batch.issued, batch.refused, batch.histories) == (2, 0, 1)
    assert batch.items.get(coverage=cast.bens).history_reason == refusal
    lines = reverse("credentialing:batch-items", args=[batch.public_id])
    assert refusal in words(browse(cast.paula).get(lines, {"show": "no-history"}))
    ready = words(browse(cast.paula).get(batch.get_absolute_url()))
    assert "2 certificates and 1 claims history are ready." in ready


def test_without_the_right_no_history_comes_and_none_is_offered(cast: Cast, browse: Browse) -> None:
    batch = with_histories(cast.paula, [cast.anas])
    run_all(batch)
    assert (batch.issued, batch.histories) == (1, 0)
    assert batch.items.get().history_reason == NO_RIGHT
    draft = Batch.objects.create(
        started_by=cast.paula,
        membership=cast.paula.memberships.get(),
        idempotency_key=batch.membership.public_id and "6f4c1a52-7d0c-4c2b-9f5e-0d6a5c7b1a11",
        selection=Selection(coverages=(cast.anas.public_id,)).stored,
    )
    settle = reverse("credentialing:batch-settle", args=[draft.public_id])
    client = browse(cast.paula)
    assert "claims histories" not in words(client.get(settle))
    client.post(settle, {"recipients": ["concern"], "delivery": "single", "papers": "both", "purpose": "privileges"})
    draft.refresh_from_db()
    assert draft.papers == Batch.Papers.CERTIFICATES


def test_an_insureds_own_history_comes_without_an_authorization(cast: Cast) -> None:
    batch = with_histories(cast.ana, [cast.anas])
    run_all(batch)
    assert (batch.issued, batch.histories) == (1, 1)
    assert ClaimsPaper.objects.get().policyholder is None


def test_an_authorization_that_is_revoked_before_the_worker_comes_refuses_the_history(cast: Cast) -> None:
    switch_on(cast.paula)
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    batch = with_histories(cast.paula, [cast.anas])
    revoke(given, by=cast.ana, side=AuthorizationRevocation.By.INSURED)
    run_all(batch)
    assert (batch.issued, batch.histories) == (1, 0)
    assert "hasn’t authorized" in batch.items.get().history_reason


def test_a_file_with_a_history_closes_with_its_authorization(cast: Cast, browse: Browse) -> None:
    switch_on(cast.paula)
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    batch = with_histories(cast.paula, [cast.anas])
    run_all(batch)
    client, file = browse(cast.paula), reverse("credentialing:batch-file", args=[batch.public_id])
    assert b"".join(client.get(file)).startswith(b"%PDF-")  # type: ignore[call-overload]
    read = Event.objects.get(tag=ClaimsPaperEvent.DOWNLOADED)
    assert (read.actor_id, read.data["authorization"]) == (cast.paula.pk, given.public_id)
    revoke(given, by=cast.ana, side=AuthorizationRevocation.By.INSURED)
    response = client.get(file, follow=True)
    assert response.redirect_chain[0][0] == batch.get_absolute_url()
    assert "you may no longer have" in words(response)


def test_a_standing_holder_that_gets_no_histories_gets_none_in_a_batch_either(cast: Cast) -> None:
    switch_on(cast.paula)
    authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    hospital = CarrierHolderFactory.create(name="Saint Zita")
    StandingHolderFactory.create(holder=hospital, policy=cast.policy, claims_history=False)
    batch = with_histories(cast.paula, [cast.anas], HolderChoice(concern=True, standing=True))
    run_all(batch)
    reasons = {item.holder_id and "zita": item.history_reason for item in batch.items.all()}
    assert reasons[None] == ""
    assert reasons["zita"].startswith("Saint Zita gets certificates, but no claims histories.")


def test_an_insured_of_two_terms_has_one_history_for_each_holder(cast: Cast) -> None:
    earlier = CoverageFactory.create(
        term__policy=cast.policy, term__effective=days(-465), term__expires=days(-100), insured=cast.anas.insured
    )
    holder = a_holder(cast.ana, cast.anas)
    batch = with_histories(cast.ana, [cast.anas, earlier], HolderChoice(concern=True, holders=(holder,)))
    run_all(batch)
    assert (batch.issued, batch.histories) == (4, 2)
    assert {paper.holder_id for paper in ClaimsPaper.objects.all()} == {None, holder.pk}


def test_histories_of_a_batch_never_go_to_the_queue_where_someone_waits(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    sent: list[str] = []

    def note(task: str, *_args: object) -> bool:
        sent.append(task)
        return True

    monkeypatch.setattr("core.work.enqueue", note)
    batch = with_histories(cast.ana, [cast.anas], delivery="separate")
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        run_all(batch)
    assert batch.histories == 1
    assert BatchPiece.TASK in sent
    assert not {Certificate.TASK, ClaimsPaper.TASK} & set(sent)
    assert len({queue_of(task) for task in (BatchPiece.TASK, Certificate.TASK, ClaimsPaper.TASK)}) == 2
    assert queue_of(Certificate.TASK) == queue_of(ClaimsPaper.TASK) != queue_of(BatchPiece.TASK)


def test_a_history_of_one_pdf_gets_a_file_of_its_own_when_someone_asks(cast: Cast, browse: Browse) -> None:
    run_all(with_histories(cast.ana, [cast.anas]))
    paper = ClaimsPaper.objects.get()
    assert paper.status == ClaimsPaper.Status.UNFILED
    client = browse(cast.ana)
    assert "Create its own PDF" in words(client.get(paper.get_absolute_url()))
    client.get(reverse("credentialing:claims-paper-pdf", args=[paper.public_id]))
    paper.refresh_from_db()
    assert paper.status == ClaimsPaper.Status.QUEUED


def test_a_history_whose_file_cannot_be_made_fails_and_is_made_when_tried_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = with_histories(cast.ana, [cast.anas], delivery="separate")
    with monkeypatch.context() as broken:
        broken.setattr(files, "claims_paper_pdf", lambda paper: bytes(1 // 0))
        run_all(batch)
    assert (batch.issued, batch.failed) == (0, 1)
    assert batch.items.get().reason == running.NO_HISTORY
    assert running.retry(batch, by=cast.ana)
    run_all(batch)
    assert (batch.issued, batch.failed, batch.histories) == (1, 0, 1)
    assert len(texts_in(batch)) == 2


def test_what_a_form_asks_of_histories_and_days_is_said_beside_the_field(cast: Cast, browse: Browse) -> None:
    batch = a_batch(cast.ana, [cast.anas])
    Batch.objects.update(total=0)
    settle = reverse("credentialing:batch-settle", args=[batch.public_id])
    client = browse(cast.ana)
    form = new_holder_form(name="Saint Zita") | {"recipients": ["new"], "delivery": "single"}
    for wrong, sentence in (
        ({"papers": "both"}, "Choose what they’re for."),
        ({"papers": "both", "purpose": "gossip"}, "Choose what they’re for from the list."),
        ({"papers": "both", "purpose": "privileges", "years": "7"}, "Choose from the list."),
        ({"papers": "nothing"}, "Choose from the list."),
        ({"about": "someday"}, "Enter a date, such as 11/24/2026."),
    ):
        refused = client.post(settle, form | wrong)
        assert (refused.status_code, sentence in words(refused)) == (422, True), wrong
        assert "Saint Zita" in refused.content.decode(), "what was typed is still there"
    client.post(settle, form | {"papers": "both", "purpose": "privileges", "years": "5", "about": str(days(-1))})
    batch.refresh_from_db()
    assert (batch.with_histories, batch.history_years, batch.about) == (True, 5, days(-1))
    again = client.get(settle).content.decode()
    assert f'value="{days(-1)}"' in again


def test_certificates_of_another_day_of_the_term(cast: Cast) -> None:
    began = cast.term.effective
    batch = a_batch(cast.paula, [cast.anas])
    freeze(batch, HolderChoice(concern=True), by=cast.paula, delivery="single", about=began)
    running.start(batch, by=cast.paula)
    run_all(batch)
    certificate = batch.items.get().certificate
    assert certificate is not None
    assert certificate.snapshot["about"] == str(began)


def test_a_day_outside_the_term_gives_nothing_and_says_so(cast: Cast) -> None:
    batch = a_batch(cast.paula, [cast.anas])
    freeze(batch, HolderChoice(concern=True), by=cast.paula, delivery="single", about=days(4000))
    assert "isn’t in this term." in batch.items.get().reason
    running.start(batch, by=cast.paula)
    run_all(batch)
    assert (batch.issued, batch.refused) == (0, 1)


def test_settling_histories_asks_as_often_for_many_as_for_few(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    switch_on(cast.paula)
    for coverages in ([cast.anas], the_group(cast, 12)):
        batch = a_batch(cast.paula, coverages)
        with django_assert_max_num_queries(24):
            freeze(batch, HolderChoice(concern=True), by=cast.paula, delivery="single", history=TEN_YEARS)


@pytest.fixture
def committed(transactional_db: None) -> Cast:
    """Return the cast, committed, so that other connections see it."""
    return make_printable_cast()


@pytest.fixture
def in_parts(settings: Settings) -> None:
    settings.BATCH_PIECE = settings.BATCH_PART = 2


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize("delivery", WITH_A_FILE)
def test_a_large_file_is_written_part_by_part_and_is_the_same(
    committed: Cast, settings: Settings, delivery: str
) -> None:
    group = the_group(committed, 5)
    # Set whole, among those set from pieces.
    ended = CoverageFactory.create(
        term__policy=committed.policy, term__effective=days(-465), term__expires=days(-100), insured=group[1].insured
    )
    batch = started(committed.paula, [*group, ended], delivery=delivery)
    done = run_all(batch)
    assert [piece.step for piece in done].count("write") == 3
    assert serials_in(batch) == asked_for(batch)
    assert batch.written == batch.issued == 6
    assert batch.steps_done == batch.steps_all
    folders, stored = private_storage().listdir("batches")
    assert stored == [batch.file.removeprefix("batches/")]
    assert [private_storage().listdir(f"batches/{folder}")[1] for folder in folders] in ([], [[]])
    settings.BATCH_PART = 250
    at_once = started(committed.paula, [*group, ended], delivery=delivery)
    run_all(at_once)
    assert texts_in(at_once) == texts_in(batch)
    if delivery == Batch.Delivery.SINGLE:
        with pikepdf.open(io.BytesIO(bytes_of(batch))) as pdf:
            assert not pdf.check_pdf_syntax()
            assert len(pdf.open_outline().root) == 5


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize("delivery", WITH_A_FILE)
def test_a_part_that_is_written_twice_is_in_the_file_once(cast: Cast, delivery: str) -> None:
    batch = started(cast.paula, the_group(cast, 5), delivery=delivery)
    while (piece := BatchPiece.objects.filter(batch=batch, status="queued").order_by("pk").first()) is not None:
        batch.refresh_from_db()
        if piece.step == "write":
            # As of a worker that was killed after it had stored its part, and before the row said so.
            files.write_part(batch, piece)
        running.run_piece(piece.pk)
    batch.refresh_from_db()
    assert serials_in(batch) == asked_for(batch)


@pytest.mark.usefixtures("in_parts")
def test_parts_are_written_one_after_the_other_and_another_batch_comes_between(cast: Cast) -> None:
    long = started(cast.paula, the_group(cast, 8))
    while BatchPiece.objects.filter(batch=long, step="issue", status="queued").exists():
        running.run_piece(BatchPiece.objects.filter(batch=long, status="queued").earliest("enqueued_at", "pk").pk)
    short = started(cast.adam, [cast.anas])
    order = []
    for piece in run_all(long, short):
        order.append((piece.batch_id, piece.step))
        assert BatchPiece.objects.filter(batch=long, step="write", status="queued").count() <= 1
    assert order.index((short.pk, "finish")) < order.index((long.pk, "finish")) - 1


@pytest.mark.usefixtures("in_parts")
def test_a_batch_that_is_cancelled_between_parts_keeps_none(committed: Cast) -> None:
    batch = started(committed.paula, the_group(committed, 5))
    while (piece := BatchPiece.objects.filter(batch=batch, status="queued").earliest("pk")).step != "write":
        running.run_piece(piece.pk)
    running.run_piece(piece.pk)
    (folder,) = private_storage().listdir("batches")[0]
    assert private_storage().listdir(f"batches/{folder}")[1]
    running.cancel(batch, by=committed.paula)
    assert private_storage().listdir(f"batches/{folder}")[1] == []


@pytest.mark.usefixtures("in_parts")
def test_a_part_that_no_attempt_could_write_fails_the_batch_and_a_retry_writes_all(
    committed: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = started(committed.paula, the_group(committed, 5))
    while (piece := BatchPiece.objects.filter(batch=batch, status="queued").earliest("pk")).step != "write":
        running.run_piece(piece.pk)
    with monkeypatch.context() as broken:
        broken.setattr(files, "write_part", lambda batch, piece: 1 // 0)
        for _ in range(BatchPiece.MAX_ATTEMPTS):
            with pytest.raises(ZeroDivisionError):
                running.run_piece(piece.pk)
    batch.refresh_from_db()
    assert batch.status == Batch.Status.FAILED
    assert running.retry(batch, by=committed.paula)
    run_all(batch)
    assert batch.status == Batch.Status.DONE
    assert serials_in(batch) == asked_for(batch)


@pytest.mark.usefixtures("in_parts")
def test_two_workers_with_the_same_part_write_it_once(committed: Cast) -> None:
    batch = started(committed.paula, the_group(committed, 5))
    while (queued := BatchPiece.objects.filter(batch=batch, status="queued").order_by("pk").first()) is not None:
        at_once(*[lambda piece=queued: running.run_piece(piece.pk)] * 2)
    batch.refresh_from_db()
    assert serials_in(batch) == asked_for(batch)
