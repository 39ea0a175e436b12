"""Several documents as one PDF: at once where they are few, by a worker where they are many, nothing failed whole."""

from __future__ import annotations

import datetime as dt
import io
import uuid

import pypdf
import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from core.models import Event
from core.storage import private_storage
from core.work import Work
from policies.documents import joining
from policies.models import Document, DocumentFile, DocumentRead, Membership
from tests.cast import Cast
from tests.feed.assets import a_pdf
from tests.policies.documents.shelf import a_document, protected, with_fault
from tests.reading import words

pytestmark = pytest.mark.django_db


def combine(client, cast: Cast, *documents: Document, **more):
    fields = {"idempotency_key": str(uuid.uuid4()), "document": [each.public_id for each in documents]} | more
    return client.post(reverse("policies:documents-combine", args=[cast.policy.public_id]), fields)


def reader_of(response) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(b"".join(response)))


def test_a_few_come_at_once_in_the_order_of_the_page_with_an_outline(cast, browse):
    old = a_document(cast.policy, "Older", issued=dt.date(2026, 1, 2), content=a_pdf("old", pages=2))
    new = a_document(cast.policy, "Newer", issued=dt.date(2026, 3, 4))
    response = combine(browse(cast.paula), cast, old, new)
    assert response["Content-Disposition"] == 'attachment; filename="Documents of policy MPL-204-118832.pdf"'
    reader = reader_of(response)
    assert [entry.title for entry in reader.outline] == ["Newer · Mar 4, 2026", "Older · Jan 2, 2026"]
    assert (len(reader.pages), reader.metadata.title) == (3, "Documents of policy MPL-204-118832")
    assert Event.objects.filter(tag="policies:document:downloaded", data__combined=True).count() == 2
    assert DocumentRead.objects.filter(user=cast.paula).count() == 2
    assert not DocumentFile.objects.exists()


def test_one_alone_is_that_document(cast, browse):
    only = a_document(cast.policy)
    assert combine(browse(cast.paula), cast, only)["Location"] == only.get_absolute_url()


def test_all_that_the_page_finds_are_selected_at_once(cast, browse):
    for number in range(3):
        a_document(cast.policy, f"Notice {number}", kind="notice", content=a_pdf(f"n{number}"))
    a_document(cast.policy, "Declarations")
    response = combine(browse(cast.paula), cast, all="1", term="all", kind="notice")
    assert len(reader_of(response).pages) == 3
    assert combine(browse(cast.paula), cast, all="1", term="nobody").status_code == 422


def test_what_cannot_be_in_it_is_named_before_the_download(cast, browse):
    good = a_document(cast.policy, "Good")
    locked = with_fault(cast.policy, "encrypted", "Locked")
    mine = a_document(cast.policy, "Protected", content=protected())
    torn = a_document(cast.policy, "Torn", content=b"%PDF-1.7 torn")
    gone = a_document(cast.policy, "Gone", content=a_pdf("gone"))
    private_storage().delete(gone.file)
    paula = browse(cast.paula)
    page = paula.get(combine(paula, cast, good, locked, mine, torn, gone)["Location"])
    text = words(page)
    assert "1 document, 1 page" in text
    assert "Locked: It’s locked with a password." in text
    assert "Protected: It’s protected against being combined with others." in text
    assert "Torn: It’s damaged." in text
    assert "Gone: We don’t have the file right now. Web support has been told." in text
    kept = DocumentFile.objects.get()
    reader = reader_of(paula.get(reverse("policies:document-file-download", args=[kept.public_id])))
    assert [entry.title.split(" ·")[0] for entry in reader.outline] == ["Good"]
    downloaded = Event.objects.filter(tag="policies:document:downloaded")
    assert [event.subject_id for event in downloaded] == [str(good.pk)]


def test_of_nothing_that_can_be_opened_there_is_no_file_and_a_sentence(cast, browse):
    paula = browse(cast.paula)
    broken = [with_fault(cast.policy, "broken", f"Torn {number}") for number in range(2)]
    page = paula.get(combine(paula, cast, *broken)["Location"])
    assert "None of these documents can be opened" in words(page)
    kept = DocumentFile.objects.get()
    assert (kept.status, kept.file) == ("empty", "")


@pytest.mark.parametrize(("documents", "sentence"), [([], "Select at least one document"), (["x" * 22], "isn’t here")])
def test_a_selection_that_is_none_gets_its_sentence(cast, browse, documents, sentence):
    a_document(cast.policy)
    response = combine(browse(cast.paula), cast, document=documents)
    assert (response.status_code, sentence in words(response)) == (422, True)


def test_another_customers_document_is_none_of_the_selection(cast, browse):
    others = a_document(cast.mias.term.policy, "Mia’s")
    response = combine(browse(cast.paula), cast, others, a_document(cast.policy))
    assert response.status_code == 422
    assert "Mia" not in words(response)


def test_a_selection_stays_when_it_is_refused(cast, browse, settings):
    settings.DOCUMENTS_PER_FILE = 1
    two = [a_document(cast.policy, f"Notice {number}", content=a_pdf(f"{number}")) for number in range(2)]
    response = combine(browse(cast.paula), cast, *two)
    assert (response.status_code, "One PDF takes up to 1 documents." in words(response)) == (422, True)
    assert response.text.count(" checked") == 2


def test_more_than_20_or_50_mb_are_combined_by_a_worker(cast, browse, settings):
    settings.DOCUMENTS_AT_ONCE = 2
    several = [a_document(cast.policy, f"Notice {number}", content=a_pdf(f"{number}")) for number in range(3)]
    paula, key = browse(cast.paula), str(uuid.uuid4())
    asked = [combine(paula, cast, *several, idempotency_key=key)["Location"] for _ in range(2)]
    assert asked[0] == asked[1], "the same form twice asks once"
    made = DocumentFile.objects.get()
    assert (made.status, made.total) == (Work.QUEUED, 3)
    assert "Combining your documents" in words(paula.get(asked[0]))
    progress = paula.get(reverse("policies:document-file-progress", args=[made.public_id]))
    assert 'value="0" max="3"' in progress.text
    joining.make(made.pk)
    made.refresh_from_db()
    assert (made.status, made.pages, made.attempts) == ("ready", 3, 1)
    assert "3 documents, 3 pages." in words(paula.get(asked[0]))
    download = reverse("policies:document-file-download", args=[made.public_id])
    assert len(reader_of(paula.get(download)).pages) == 3
    assert Event.objects.filter(tag="policies:document_file:downloaded", subject_id=str(made.pk)).count() == 1
    # Someone else of the same policy asks for their own.
    adam = browse(cast.adam)
    assert [adam.get(address).status_code for address in (asked[0], download)] == [404, 404]
    settings.DOCUMENTS_AT_ONCE, settings.DOCUMENTS_AT_ONCE_BYTES = 20, 10
    assert combine(paula, cast, *several).status_code == 302, "few, and large"


def a_file(cast: Cast, *documents: Document) -> DocumentFile:
    return joining.ask(user=cast.paula, policy=cast.policy, documents=documents, key=uuid.uuid4())


def test_access_that_ended_gives_nothing_of_a_file_that_was_made(cast, browse):
    made = a_file(cast, first := a_document(cast.policy), a_document(cast.policy, "Other", content=a_pdf("other")))
    joining.make(made.pk)
    paula, download = browse(cast.paula), reverse("policies:document-file-download", args=[made.public_id])
    Document.objects.filter(pk=first.pk).update(retired_at=timezone.now())
    assert "a document that you may no longer have" in words(paula.get(download, follow=True))
    Document.objects.update(retired_at=None)
    Membership.objects.get(user=cast.paula).revoke(by=cast.support, reason="left")
    answer = paula.get(download)
    assert answer.status_code == 302
    assert not Event.objects.filter(tag="policies:document_file:downloaded").exists()


def test_what_the_carrier_took_back_meanwhile_is_not_in_the_file(cast):
    made = a_file(cast, first := a_document(cast.policy), a_document(cast.policy, "Other", content=a_pdf("other")))
    Document.objects.filter(pk=first.pk).update(retired_at=timezone.now())
    joining.make(made.pk)
    made.refresh_from_db()
    assert made.pages == 1


def test_a_worker_that_fails_tries_again_then_gives_up_and_the_user_can_try(cast, browse, monkeypatch):
    made = a_file(cast, a_document(cast.policy), a_document(cast.policy, "Other", content=a_pdf("other")))

    def fail(*_args, **_options):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(joining, "join", fail)
        for _ in range(3):
            with pytest.raises(OSError, match="full"):
                joining.make(made.pk)
    made.refresh_from_db()
    assert (made.status, made.last_error) == (Work.FAILED, "OSError")
    assert Event.objects.filter(tag="policies:document_file:failed", subject_id=str(made.pk)).exists()
    paula = browse(cast.paula)
    assert "We couldn’t combine the documents" in words(paula.get(made.get_absolute_url()))
    paula.post(reverse("policies:document-file-retry", args=[made.public_id]))
    joining.make(made.pk)
    made.refresh_from_db()
    assert made.status == "ready"
    assert Event.objects.filter(tag="policies:document_file:retried", actor_id=cast.paula.pk).exists()


def test_a_file_is_kept_for_7_days(cast, browse):
    made = a_file(cast, a_document(cast.policy), a_document(cast.policy, "Other", content=a_pdf("other")))
    joining.make(made.pk)
    made.refresh_from_db()
    assert joining.forget_files() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(days=7, minutes=1)):
        assert joining.forget_files() == 1
    assert not private_storage().exists(made.file)
    assert "The file is gone" in words(browse(cast.paula).get(made.get_absolute_url()))


def test_a_user_combines_so_many_times_an_hour(cast, browse, settings):
    settings.DOCUMENT_FILES_PER_USER = 1
    two = [a_document(cast.policy, f"Notice {number}", content=a_pdf(f"{number}")) for number in range(2)]
    paula = browse(cast.paula)
    assert len(reader_of(combine(paula, cast, *two)).pages) == 2
    refused = combine(paula, cast, *two)
    assert (refused.status_code, "You’ve combined documents 1 times within an hour." in words(refused)) == (429, True)
    assert Event.objects.filter(tag="policies:document_file:refused").count() == 1
