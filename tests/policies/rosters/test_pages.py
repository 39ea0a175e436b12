"""A roster's pages: from the file to one change request, and who may (B-06)."""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid
import zipfile
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from python_calamine import CalamineWorkbook

from core.models import Event
from core.throttle import Limit
from feed.models import Source
from policies.models import ChangeItem, ChangeRequest, Coverage, RosterColumns, RosterUpload, Term
from policies.rosters import reconciling
from policies.rosters.columns import Columns, Field
from policies.rosters.comparing import Kind, row_keys
from policies.rosters.reconciling import comparison_of
from policies.tasks import empty_rosters
from tests.book import agent_at, delegate_of, holder_of
from tests.cast import browser_of, make_cast
from tests.factories import UserFactory
from tests.helpers import at_once
from tests.made_once import made_once
from tests.policies.rosters.files import ALAN, GRACE, HEAD, KATE, NPIS, PEOPLE, a_csv, an_upload, insure
from tests.reading import words
from tests.uploads import HOSTILE

pytestmark = pytest.mark.django_db
MAE = ("Jemison", "Mae", NPIS[3], "10/17/1976", "", "", "Surgery")


@made_once
def make_book() -> SimpleNamespace:
    """Riverbend's policy with the cast, and four people more; Ana and Ben aren't in the files unless said."""
    cast = make_cast()
    insure(cast.term, *PEOPLE)
    Coverage.objects.filter(pk__in=[cast.anas.pk, cast.bens.pk]).update(retired_at=timezone.now())
    return SimpleNamespace(paula=cast.paula, adam=cast.adam, policy=cast.policy, term=cast.term, cast=cast)


@pytest.fixture
def book(db: None) -> SimpleNamespace:
    found = make_book()
    found.browser = browser_of(found.paula)
    found.place = found.paula.memberships.get()
    return found


def sent_file(content: bytes, name: str = "roster.csv", **more: str) -> dict[str, object]:
    return {"file": SimpleUploadedFile(name, content), "everyone": "yes", "idempotency_key": str(uuid.uuid4()), **more}


def start(book: SimpleNamespace) -> str:
    return reverse("policies:roster", args=[book.policy.public_id])


def of(upload: RosterUpload, name: str, *args: object) -> str:
    return reverse(f"policies:roster-{name}", args=[upload.public_id, *args])


def standard(*others: tuple[str, ...], without: object = None) -> bytes:
    return a_csv(*(one.row() for one in PEOPLE if one is not without), *others)


def test_from_a_file_to_one_request(book, django_capture_on_commit_callbacks):
    """The whole way: upload, columns, comparison, dates, request; and what is left of the file."""
    content = standard(MAE, ALAN.row(specialty="Surgery"), without=ALAN).replace(b"Johnson", b"Johnston")
    posted = book.browser.post(start(book), sent_file(content))
    upload = RosterUpload.objects.get()
    assert posted.url == of(upload, "columns")
    page = book.browser.get(posted.url)
    assert "Column D: DOB" in words(page)
    form = {"head": "1"} | {f"column-{letter}": "" for letter in "ABCDEFG"}
    form |= {"column-A": "last_name", "column-B": "first_name", "column-C": "npi", "column-D": "date_of_birth"}
    form |= {"column-E": "license", "column-F": "license_state", "column-G": "specialty"}
    assert book.browser.post(of(upload, "columns"), form).url == upload.get_absolute_url()

    text = words(book.browser.get(upload.get_absolute_url() + "?show=changed"))
    assert "Last name: Johnson → Johnston" in text
    assert "Specialty: Family medicine, no surgery → Surgery" in text

    page = book.browser.get(of(upload, "send"))
    form = {"mark": page.context["form"]["mark"].value(), "added": book.term.effective.isoformat(), "text": "Thanks."}
    asked = book.browser.post(of(upload, "send"), form)

    request = ChangeRequest.objects.get()
    assert asked.url == request.get_absolute_url()
    assert (request.kind, request.about, request.status) == ("roster", "1 added, 2 changed", "open")
    items = {item.label: item for item in ChangeItem.objects.all()}
    assert sorted((item.action, item.label) for item in items.values()) == [
        ("add", "Mae Jemison"),
        ("change", "Alan Turing, MD"),
        ("change", "Katherine Johnson, MD"),
    ]
    mae = items["Mae Jemison"]
    assert mae.answers["npi"] == NPIS[3]
    assert mae.sealed["answers"] == {"date_of_birth": "1976-10-17"}
    assert "1976" not in json.dumps([mae.answers, mae.shown])
    assert items["Alan Turing, MD"].answers["specialty"] == {"old": "Family medicine, no surgery", "new": "Surgery"}
    upload.refresh_from_db()
    assert (upload.status, upload.request, upload.cells, upload.corrections) == ("sent", request, "", "")
    assert words(book.browser.get(upload.get_absolute_url())).count("This roster was sent") == 1
    assert book.browser.get(of(upload, "download")).status_code == 404
    assert Event.objects.filter(tag="policies:roster:sent").count() == 1


def test_what_is_stored_of_a_file_is_encrypted(book):
    upload = an_upload(book.place, book.term, standard())

    with connection.cursor() as cursor:
        cursor.execute("SELECT cells, decisions::text FROM policies_rosterupload WHERE id = %s", [upload.pk])
        stored = "".join(cursor.fetchone())
    assert "Hopper" not in stored
    assert "1970" not in stored
    events = json.dumps(list(Event.objects.values_list("data", flat=True)), default=str)
    assert "Hopper" not in events


def test_the_columns_are_remembered_for_the_party(book):
    head = (*HEAD[:6], "Division")
    upload = an_upload(book.place, book.term, a_csv(GRACE.row(), head=head))
    columns = upload.mapping
    reconciling.set_columns(upload=upload, columns=Columns(columns.head, columns.places | {Field.SITE: 6}))

    assert RosterColumns.objects.get().policyholder == book.policy.policyholder
    posted = book.browser.post(start(book), sent_file(a_csv(ALAN.row(), head=head)))
    again = RosterUpload.objects.first()
    assert posted.url == again.get_absolute_url(), "nothing is asked when every column was chosen before"
    assert again.mapping.places[Field.SITE] == 6
    other = agent_at(UserFactory.create(), book.cast.agency)
    assert Field.SITE not in an_upload(other, book.term, a_csv(ALAN.row(), head=head)).mapping.places


def test_columns_that_dont_go_are_refused_beside_the_column_and_nothing_chosen_is_lost(book):
    upload = an_upload(book.place, book.term, standard())
    form = {"head": "99", "column-A": "last_name", "column-B": "last_name", "column-C": "npi"}

    page = book.browser.post(of(upload, "columns"), form)

    assert page.status_code == 422
    assert page.context["form"].errors["column-B"] == ["Column A is “Last name” already. Choose it for one of them."]
    assert page.context["form"].errors["head"][0].startswith("This row is empty")
    assert page.context["form"]["column-C"].value() == "npi"
    form = {"head": "1", "column-A": "last_name"}
    assert "Choose the column with the first names." in words(book.browser.post(of(upload, "columns"), form))


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_file_gets_a_sentence_and_what_was_chosen_stays(book, name):
    _, content, _ = HOSTILE[name]
    posted = book.browser.post(start(book), sent_file(content, "roster.xlsx", everyone="no"))

    assert posted.status_code == 422
    assert posted.context["form"].errors["file"]
    assert posted.context["form"]["everyone"].value() == "no"
    assert not RosterUpload.objects.exists()


def test_the_same_form_twice_is_one_roster(book):
    key = str(uuid.uuid4())
    for _ in range(2):
        book.browser.post(start(book), sent_file(standard(), idempotency_key=key))

    assert RosterUpload.objects.count() == 1


def test_a_row_is_corrected_in_place_and_stays_so_in_a_corrected_file(book):
    wrong = GRACE.row(born="31/12/1970", npi="12345")
    upload = an_upload(book.place, book.term, standard(wrong, without=GRACE))
    page = book.browser.get(of(upload, "row", 3))
    key = page.context["form"]["key"].value()
    cells = {"last_name": "Hopper", "first_name": "Grace", "license": "200001", "license_state": "NY", "specialty": ""}

    still = book.browser.post(
        of(upload, "row", 3), {"key": key, "npi": NPIS[0], "date_of_birth": "13/13/1970", **cells}
    )
    assert still.status_code == 422
    assert "“13/13/1970” isn’t a date" in still.context["form"].errors["date_of_birth"][0]
    assert still.context["form"]["npi"].value() == NPIS[0]

    right = {"key": key, "npi": NPIS[0], "date_of_birth": "12/9/1970", **cells}
    assert book.browser.post(of(upload, "row", 3), right).status_code == 302
    upload.refresh_from_db()
    assert not comparison_of(upload).waits

    # The file again, with one more person, and Grace's row as wrong as before.
    replaced = {
        "file": SimpleUploadedFile("b.csv", standard(wrong, MAE, without=GRACE)),
        "idempotency_key": str(uuid.uuid4()),
    }
    assert book.browser.post(of(upload, "replace"), replaced).status_code == 302
    upload.refresh_from_db()
    after = comparison_of(upload)
    assert (after.count(Kind.FAULT), after.count(Kind.ADDED)) == (0, 1)


def test_decisions_are_kept_when_a_corrected_file_is_uploaded(book):
    doubt = ALAN.row(npi=NPIS[2], license="", born="")
    upload = an_upload(book.place, book.term, standard(doubt, without=ALAN))
    found = comparison_of(upload)
    (line,) = found.lines[Kind.DOUBTFUL]
    form = {"row": line.row, "key": row_keys(found, line)[0], "said": f"same:{line.others[0].public_id}"}
    here = upload.get_absolute_url() + "?show=doubtful"

    assert book.browser.post(of(upload, "decide"), form | {"here": here}).url == here
    content = a_csv(doubt, *(one.row() for one in PEOPLE if one is not ALAN), MAE)
    reconciling.replace(upload=upload, content=content, filename="again.csv", by=book.paula)

    upload.refresh_from_db()
    after = comparison_of(upload)
    assert not after.waits
    assert [change.label for change in after.lines[Kind.CHANGED][0].changes] == ["NPI"]


@pytest.mark.parametrize(
    "said", ["same:" + "x" * 22, "keep", "nonsense", "new"], ids=["a stranger", "keep", "nonsense", "no doubt"]
)
def test_what_cant_be_said_of_a_row_changes_nothing(book, said):
    upload = an_upload(book.place, book.term, standard(MAE))
    found = comparison_of(upload)
    (line,) = found.lines[Kind.ADDED]

    book.browser.post(of(upload, "decide"), {"row": line.row, "key": row_keys(found, line)[0], "said": said})
    book.browser.post(of(upload, "decide"), {"row": line.row, "key": "another row's", "said": "skip"})
    book.browser.post(of(upload, "decide"), {"person": GRACE.last, "said": "keep"})

    upload.refresh_from_db()
    assert upload.decisions == {}


def test_errors_can_be_left_out_at_once_and_taken_in_again(book):
    upload = an_upload(book.place, book.term, standard(("Curie", "Marie", "1"), ("Noether", "Emmy", "2")))

    book.browser.post(of(upload, "leave-out"))

    upload.refresh_from_db()
    found = comparison_of(upload)
    assert (found.waits, found.left_out) == (False, 2)
    line = found.lines[Kind.FAULT][0]
    book.browser.post(of(upload, "decide"), {"row": line.row, "key": row_keys(found, line)[0], "said": ""})
    upload.refresh_from_db()
    assert comparison_of(upload).open_count(Kind.FAULT) == 1


def test_what_waits_isnt_sent(book):
    upload = an_upload(book.place, book.term, standard(MAE, ("Curie", "Marie", "1")))

    assert book.browser.get(of(upload, "send")).url == upload.get_absolute_url()
    assert book.browser.post(of(upload, "send"), {}).status_code == 302
    assert not ChangeRequest.objects.exists()


def test_a_comparison_that_changed_meanwhile_is_shown_again_and_what_was_typed_stays(book):
    upload = an_upload(book.place, book.term, standard(MAE))
    form = {"mark": book.browser.get(of(upload, "send")).context["form"]["mark"].value()}
    form |= {"added": book.term.effective.isoformat(), "text": "Please hurry."}
    # The feed brings another specialty, and says when.
    Coverage.objects.filter(insured__last_name="Hopper").update(specialty="Surgery")
    Source.objects.update(as_of=timezone.now() + dt.timedelta(minutes=1))

    page = book.browser.post(of(upload, "send"), form)

    assert page.status_code == 409
    assert "Our records or your decisions have changed." in words(page)
    assert page.context["form"]["text"].value() == "Please hurry."
    assert "after you uploaded the file" in words(book.browser.get(upload.get_absolute_url()))
    again = book.browser.post(of(upload, "send"), form | {"mark": page.context["form"]["mark"].value()})
    assert again.status_code == 302
    assert ChangeRequest.objects.get().about == "1 added, 1 changed"


def test_a_day_outside_the_term_is_refused_beside_the_day(book):
    upload = an_upload(book.place, book.term, standard(MAE, without=KATE))
    form = {"mark": book.browser.get(of(upload, "send")).context["form"]["mark"].value()}

    page = book.browser.post(of(upload, "send"), form | {"added": "2001-01-01", "removed": ""})

    assert page.status_code == 422
    assert page.context["form"].errors["added"][0].startswith("The term began on")
    assert page.context["form"].errors["removed"] == ["Enter the first day without coverage."]
    assert "1 of those who leave has claims-made coverage" in words(page)


@pytest.mark.django_db(transaction=True)
def test_two_people_who_send_at_once_send_one_request():
    book = make_book()
    upload = an_upload(book.paula.memberships.get(), book.term, standard(MAE))
    colleague = UserFactory.create()
    holder_of(colleague, book.policy.policyholder)
    browsers = [browser_of(book.paula), browser_of(book.paula), browser_of(colleague)]
    mark = comparison_of(upload).mark
    form = {"mark": mark, "added": book.term.effective.isoformat()}

    answers = at_once(*(lambda one=one: one.post(of(upload, "send"), form) for one in browsers))

    request = ChangeRequest.objects.get()
    assert {answer.url for answer in answers} == {request.get_absolute_url()}
    assert request.items.count() == 1


def test_a_roster_is_its_partys_own(book):
    upload = an_upload(book.place, book.term, standard(MAE))
    colleague, agent = UserFactory.create(), book.adam
    holder_of(colleague, book.policy.policyholder)
    delegate = delegate_of(book.place, UserFactory.create()).user

    assert browser_of(colleague).get(upload.get_absolute_url()).status_code == 200
    assert browser_of(agent).get(upload.get_absolute_url()).status_code == 404
    assert browser_of(delegate).get(upload.get_absolute_url()).status_code == 404
    assert browser_of(delegate).get(start(book)).status_code == 403
    assert browser_of(agent).get(start(book)).status_code == 200


def test_what_nobody_sends_is_emptied_after_30_days(book):
    old, new = (an_upload(book.place, book.term, standard(MAE)) for _ in range(2))
    RosterUpload.objects.filter(pk=old.pk).update(uploaded_at=timezone.now() - dt.timedelta(days=30, minutes=1))

    empty_rosters()
    empty_rosters()

    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.status, old.cells, bool(new.cells)) == ("expired", "", True)
    assert Event.objects.filter(tag="policies:roster:expired").count() == 1
    assert "deleted the file after 30 days" in words(book.browser.get(old.get_absolute_url()))


def test_a_discarded_roster_is_gone(book):
    upload = an_upload(book.place, book.term, standard(MAE))

    book.browser.post(of(upload, "discard"))
    book.browser.post(of(upload, "discard"))

    upload.refresh_from_db()
    assert (upload.status, upload.cells, upload.columns) == ("discarded", "", {})
    assert Event.objects.filter(tag="policies:roster:discarded").count() == 1


def cells(response: Any) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(response.content)).get_sheet_by_index(0).to_python()


def test_the_template_comes_back_without_a_change(book):
    answer = book.browser.get(reverse("policies:roster-template", args=[book.policy.public_id]))

    assert cells(answer)[0][:6] == ["Last name", "First name", "Middle name", "Suffix", "Credential", "NPI"]
    upload = an_upload(book.place, book.term, answer.content)
    found = comparison_of(upload)
    assert (found.unchanged, found.asks, found.waits) == (4, 0, False)


def test_no_cell_of_a_download_is_run_by_a_spreadsheet(book):
    evil = '=HYPERLINK("http://evil.example","x")'
    upload = an_upload(book.place, book.term, standard((evil, "Mae", "", "", "", "", "+1"), ("x", "y", "=1+1")))

    answer = book.browser.get(of(upload, "download"))

    assert [row[0] for row in cells(answer)[1:]] == ["Error", "New"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert b"<hyperlink" not in sheet


def test_a_comparison_of_many_is_paged_and_asks_for_as_little(book, django_assert_max_num_queries):
    rows = [(f"Person{number}", "Pat", "", "", "", "", "Surgery") for number in range(120)]
    upload = an_upload(book.place, book.term, a_csv(*rows))
    book.browser.get(upload.get_absolute_url())

    with django_assert_max_num_queries(12):
        page = book.browser.get(upload.get_absolute_url() + "?show=added&page=2")

    assert "51–100 of 120" in words(page)
    for strange in ("?page=-1", "?page=999999", "?page=x", "?show=nothing"):
        assert book.browser.get(upload.get_absolute_url() + strange).status_code == 200


def test_too_many_uploads_are_refused_until_later(book, monkeypatch):
    monkeypatch.setattr(reconciling, "UPLOADS_PER_USER", Limit("policies:roster-upload", 1, dt.timedelta(hours=1)))
    book.browser.post(start(book), sent_file(standard()))

    answer = book.browser.post(start(book), sent_file(standard()))

    assert answer.status_code == 429
    assert "You’ve uploaded a lot in the last hour." in words(answer)


def test_a_policy_without_a_term_that_runs_has_nothing_to_compare_with(book):
    Term.objects.filter(policy=book.policy).update(status=Term.Status.OFFERED)

    assert "No term in force or upcoming" in words(book.browser.get(start(book)))
    assert book.browser.post(start(book), sent_file(standard())).status_code == 422
