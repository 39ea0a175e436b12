"""The feed in admin: who may upload, follow, read and release."""

from __future__ import annotations

import datetime as dt
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import InMemoryUploadedFile, SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Session
from core.models import Event
from feed.models import Run, Source
from feed.tasks import load_run
from policies.models import Policy
from tests.factories import UserFactory
from tests.feed.packages import Package, book_of, load, small_book
from tests.helpers import sign_in

pytestmark = pytest.mark.django_db
LIST, UPLOAD = "/admin/feed/run/", "/admin/feed/run/upload/"

StaffWith = Callable[..., Client]


@pytest.fixture
def staff_with() -> StaffWith:
    """Return a client of staff with these permissions of the feed."""

    def _browser(*permissions: str) -> Client:
        user = UserFactory.create(is_staff=True)
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="feed", codename__in=permissions))
        client = Client()
        sign_in(client, user)
        client.user = user  # type: ignore[attr-defined]  # for the test to look at
        return client

    return _browser


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the runs that were handed to the queue."""
    found: list[int] = []
    monkeypatch.setattr("feed.services.enqueue_on_commit", lambda task, *args: found.append(args[0]))
    return found


def an_upload(package: Package | None = None, folder: Path | None = None, **fields: Any) -> dict[str, Any]:
    """Return the form as a browser sends it."""
    data = package.zip(folder / "upload.zip").read_bytes() if package and folder else b"junk"
    return {
        "package": SimpleUploadedFile("nightly.zip", data, "application/zip"),
        "idempotency_key": str(uuid.uuid4()),
        **fields,
    }


def page_of(client: Client, address: str) -> str:
    """Return a page's markup without the class of its numbers."""
    return client.get(address).content.decode().replace(' class="feed-number"', "")


def address(run: Run, action: str = "change") -> str:
    return f"/admin/feed/run/{run.pk}/{action}/"


def a_held_run(folder: Path) -> Run:
    load(folder, book_of(40))
    run = load(folder, {"policies.csv": book_of(40)["policies.csv"][:30]}, sequence=2)
    assert run.status == Run.Status.HELD
    return run


def an_uploaded_held_run(client: Client, folder: Path) -> Run:
    """Return a package that this client uploaded, and that is held."""
    load(folder, book_of(40))
    held = Package({"policies.csv": book_of(40)["policies.csv"][:30]}, sequence=2)
    client.post(UPLOAD, an_upload(held, folder))
    run = Run.objects.get(origin="upload")
    load_run(run.pk)
    run.refresh_from_db()
    assert run.status == Run.Status.HELD
    return run


# Uploading.


def test_an_uploaded_package_is_stored_loaded_and_followed(
    staff_with: StaffWith, enqueued: list[int], tmp_path: Path, settings: Settings
) -> None:
    client = staff_with("load_package", "view_run")
    assert client.get(UPLOAD).status_code == 200

    response = client.post(UPLOAD, an_upload(Package(small_book()), tmp_path))

    run = Run.objects.get()
    assert response["Location"] == address(run)
    assert (run.status, run.origin, run.name, run.uploaded_by) == ("received", "upload", "nightly.zip", client.user)  # type: ignore[attr-defined]
    assert enqueued == [run.pk]
    assert "nightly" not in str(run.upload.name)
    waiting = client.get(address(run)).content.decode()
    assert f'hx-get="/admin/feed/run/{run.pk}/progress/?seen=Received"' in waiting
    assert '<meta http-equiv="refresh"' in waiting
    assert "HX-Refresh" not in client.get(address(run, "progress")).headers

    load_run(run.pk)

    assert not run.upload.storage.exists(str(run.upload.name))
    assert client.get(address(run, "progress"))["HX-Refresh"] == "true"
    page = page_of(client, address(run))
    assert "Applied" in page
    assert "hx-get" not in page
    assert '<th scope="row">coverages.csv</th><td data-label="Rows">2</td><td data-label="Added">2</td>' in page
    assert Policy.objects.count() == 1
    assert list(Event.objects.filter(tag__startswith="feed:").order_by("id").values_list("tag", "actor_id")) == [
        ("feed:package:uploaded", client.user.pk),  # type: ignore[attr-defined]
        ("feed:package:applied", client.user.pk),  # type: ignore[attr-defined]
    ]


def test_the_same_form_sent_twice_is_one_run(staff_with: StaffWith, enqueued: list[int], tmp_path: Path) -> None:
    client = staff_with("load_package", "view_run")
    form = an_upload(Package(small_book()), tmp_path)
    answers = [client.post(UPLOAD, form)["Location"]]
    form["package"].seek(0)
    answers.append(client.post(UPLOAD, form)["Location"])
    assert len(set(answers)) == 1
    assert (Run.objects.count(), len(enqueued)) == (1, 1)


def test_a_dry_run_by_upload_changes_nothing(staff_with: StaffWith, enqueued: list[int], tmp_path: Path) -> None:
    client = staff_with("load_package", "view_run")
    client.post(UPLOAD, an_upload(Package(small_book()), tmp_path, dry_run="on"))
    load_run(enqueued[0])
    assert "Dry run: would be applied" in client.get(address(Run.objects.get())).content.decode()
    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (an_upload(), "This file isn’t a .zip archive."),
        ({"idempotency_key": str(uuid.uuid4())}, "Choose the package to upload."),
        (an_upload() | {"package": SimpleUploadedFile("a.zip", b"")}, "The file is empty."),
        ({**an_upload(), "idempotency_key": ""}, "Choose the file again."),
    ],
    ids=["junk", "no file", "an empty file", "no key"],
)
def test_an_unusable_file_is_explained_next_to_the_field(
    form: dict[str, Any], sentence: str, staff_with: StaffWith, enqueued: list[int]
) -> None:
    response = staff_with("load_package").post(UPLOAD, form)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not Run.objects.exists()
    assert enqueued == []


def test_a_file_that_is_too_large_is_refused_before_it_is_stored(
    staff_with: StaffWith, enqueued: list[int], tmp_path: Path, settings: Settings
) -> None:
    settings.FEED_MAX_BYTES = 1_000
    response = staff_with("load_package").post(UPLOAD, an_upload(Package(small_book()), tmp_path))
    assert response.status_code == 422
    assert "The limit is 1000\xa0bytes." in response.content.decode()


def test_an_archive_that_is_not_a_package_is_refused_with_its_finding(
    staff_with: StaffWith, enqueued: list[int], tmp_path: Path
) -> None:
    client = staff_with("load_package", "view_run")
    package = Package(small_book())
    package.manifest["schema"] = "something else"
    client.post(UPLOAD, an_upload(package, tmp_path))
    load_run(enqueued[0])
    page = client.get(address(Run.objects.get())).content.decode()
    assert "Refused" in page
    assert "schema must be &#x27;portal-feed/1&#x27;" in page


def test_a_run_s_open_page_does_not_extend_the_session(
    staff_with: StaffWith, enqueued: list[int], tmp_path: Path, settings: Settings
) -> None:
    client = staff_with("load_package", "view_run")
    client.post(UPLOAD, an_upload(Package(small_book()), tmp_path))
    run = Run.objects.get()
    session = Session.objects.get(user=client.user)  # type: ignore[attr-defined]
    Session.objects.filter(pk=session.pk).update(last_seen_at=session.last_seen_at - dt.timedelta(minutes=5))
    before = Session.objects.get(pk=session.pk).last_seen_at

    page = client.get(f"{address(run)}?by_itself=1").content.decode()
    assert 'content="3; url=?by_itself=1"' in page
    assert client.get(address(run, "progress")).status_code == 200
    assert Session.objects.get(pk=session.pk).last_seen_at == before

    assert client.get(address(run)).status_code == 200
    assert Session.objects.get(pk=session.pk).last_seen_at > before


# Who may.


def test_a_customer_cannot_reach_any_of_these_pages(tmp_path: Path) -> None:
    client = Client()
    sign_in(client, UserFactory.create())
    run = load(tmp_path, small_book())
    for page in (LIST, UPLOAD, address(run), address(run, "progress")):
        assert client.get(page, follow=True).status_code == 403


def test_staff_without_the_permission_may_neither_upload_nor_look(
    staff_with: StaffWith, enqueued: list[int], tmp_path: Path
) -> None:
    run = load(tmp_path, small_book())
    client = staff_with()
    assert client.get(UPLOAD).status_code == 403
    assert client.post(UPLOAD, an_upload(Package(small_book()), tmp_path)).status_code == 403
    for page in (LIST, address(run), address(run, "progress")):
        assert client.get(page).status_code == 403
    assert Run.objects.count() == 1


def test_staff_with_permission_to_view_see_no_link_to_upload(staff_with: StaffWith, tmp_path: Path) -> None:
    load(tmp_path, small_book())
    page = staff_with("view_run").get(LIST)
    assert page.status_code == 200
    assert UPLOAD not in page.content.decode()
    assert "core: number 1" in page.content.decode()
    assert UPLOAD in staff_with("view_run", "load_package").get(LIST).content.decode()


def test_a_run_is_neither_added_changed_nor_deleted_by_hand(staff_with: StaffWith, tmp_path: Path) -> None:
    run = load(tmp_path, small_book())
    client = staff_with("view_run", "load_package", "release_held_run")
    assert client.get("/admin/feed/run/add/").status_code == 403
    assert client.post(address(run, "delete"), {"post": "yes"}).status_code == 403
    assert Run.objects.exists()


def test_a_missing_run_is_not_found(staff_with: StaffWith) -> None:
    client = staff_with("view_run")
    assert client.get("/admin/feed/run/999999/change/").status_code == 404
    assert client.get("/admin/feed/run/999999/progress/").status_code == 404


# Held packages.


def test_a_held_package_shows_its_difference_and_is_applied_after_review(
    staff_with: StaffWith, enqueued: list[int], tmp_path: Path
) -> None:
    run = a_held_run(tmp_path)
    client = staff_with("view_run", "release_held_run")
    page = client.get(address(run)).content.decode()
    assert "10 of 40 rows of policies.csv (25.0%) would be retired" in page
    assert "<li>MPL31</li>" in page
    assert "Apply this package anyway" in page

    response = client.post(address(run, "release"), {"reason": "Confirmed by core systems."})

    assert response["Location"] == address(run)
    assert enqueued == [run.pk]
    load_run(run.pk)
    run.refresh_from_db()
    assert (run.status, run.released_reason) == ("applied", "Confirmed by core systems.")
    assert run.released_by == client.user  # type: ignore[attr-defined]
    assert Policy.objects.not_retired().count() == 30
    assert "Confirmed by core systems." in client.get(address(run)).content.decode()


def test_what_waits_for_a_held_package_is_listed_there_and_says_so_itself(
    staff_with: StaffWith, tmp_path: Path
) -> None:
    run = a_held_run(tmp_path)
    behind = Run.objects.create(source="core", sequence=3, mode="delta", as_of=run.as_of, waits_for=run)
    client = staff_with("release_held_run", "view_run")
    assert f'<p>1 later package waits for it: <a href="{address(behind)}">' in page_of(client, address(run))
    page = page_of(client, address(behind))
    assert f'when <a href="{address(run)}">run {run.pk}</a> is applied' in page
    assert 'hx-trigger="every 15s"' in page
    Run.objects.filter(pk=run.pk).update(status=Run.Status.DROPPED)
    assert 'hx-trigger="every 1s"' in page_of(client, address(behind))


def test_a_decision_needs_a_reason(staff_with: StaffWith, enqueued: list[int], tmp_path: Path) -> None:
    run = a_held_run(tmp_path)
    response = staff_with("view_run", "release_held_run").post(address(run, "release"), {"reason": " "})
    assert response.status_code == 422
    assert "Enter how you confirmed that the package is correct." in response.content.decode()
    assert (Run.objects.get(pk=run.pk).status, enqueued) == ("held", [])


def test_only_those_with_the_permission_decide(staff_with: StaffWith, enqueued: list[int], tmp_path: Path) -> None:
    run = a_held_run(tmp_path)
    client = staff_with("view_run", "load_package")
    assert "Apply this package anyway" not in client.get(address(run)).content.decode()
    assert client.post(address(run, "release"), {"reason": "Confirmed."}).status_code == 403
    assert client.get(address(run, "release")).status_code == 405
    assert Run.objects.get(pk=run.pk).status == "held"


def test_the_upload_of_a_held_package_is_kept_until_it_is_released(
    staff_with: StaffWith, enqueued: list[int], tmp_path: Path
) -> None:
    run = an_uploaded_held_run(staff_with("view_run", "load_package"), tmp_path)
    assert run.upload.storage.exists(str(run.upload.name))
    staff_with("view_run", "release_held_run").post(address(run, "release"), {"reason": "Confirmed."})
    load_run(run.pk)
    run.refresh_from_db()
    assert (run.status, bool(run.upload)) == ("applied", False)


def test_the_uploader_reads_that_someone_else_must_review_the_package(
    staff_with: StaffWith, enqueued: list[int], tmp_path: Path
) -> None:
    client = staff_with("view_run", "load_package", "release_held_run")
    run = an_uploaded_held_run(client, tmp_path)
    page = client.get(address(run)).content.decode()
    assert "You uploaded this package, so someone else has to review it." in page
    assert "Apply this package anyway" not in page

    answer = client.post(address(run, "release"), {"reason": "Confirmed."}, follow=True).content.decode()

    assert "You uploaded this package, so someone else has to review it." in answer
    assert (Run.objects.get(pk=run.pk).status, enqueued) == ("held", [run.pk])


def test_a_held_package_is_dropped_with_a_reason_and_its_file_with_it(
    staff_with: StaffWith, enqueued: list[int], tmp_path: Path, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    client = staff_with("view_run", "load_package")
    run = an_uploaded_held_run(client, tmp_path)
    assert "Drop this package" in client.get(address(run)).content.decode()
    assert client.get(address(run, "drop")).status_code == 405
    assert client.post(address(run, "drop"), {"drop-reason": " "}).status_code == 422

    with django_capture_on_commit_callbacks(execute=True):
        client.post(address(run, "drop"), {"drop-reason": "Last week's file."})

    assert not run.upload.storage.exists(str(run.upload.name))
    run.refresh_from_db()
    assert (run.status, run.upload.name) == ("dropped", "")
    event = Event.objects.get(tag="feed:package:dropped")
    assert (event.actor_id, event.data["reason"]) == (client.user.pk, "Last week's file.")  # type: ignore[attr-defined]
    page = client.get(address(run)).content.decode()
    assert "Last week&#x27;s file." in page
    assert "Drop this package" not in page
    again = client.post(address(run, "drop"), {"drop-reason": "Again."}, follow=True).content.decode()
    assert "This package is no longer held." in again


def test_staff_with_permission_to_view_cannot_drop_a_package(staff_with: StaffWith, tmp_path: Path) -> None:
    run = a_held_run(tmp_path)
    client = staff_with("view_run")
    assert "Drop this package" not in client.get(address(run)).content.decode()
    assert client.post(address(run, "drop"), {"drop-reason": "No."}).status_code == 403
    assert Run.objects.get(pk=run.pk).status == "held"


def test_a_second_decision_is_too_late_and_says_so(staff_with: StaffWith, enqueued: list[int], tmp_path: Path) -> None:
    run = a_held_run(tmp_path)
    client = staff_with("view_run", "release_held_run")
    client.post(address(run, "release"), {"reason": "Confirmed."})
    page = client.post(address(run, "release"), {"reason": "Confirmed."}, follow=True).content.decode()
    assert "This package is no longer held." in page
    assert enqueued == [run.pk]


# Findings.


def test_findings_are_shown_with_their_place_and_escaped(staff_with: StaffWith, tmp_path: Path) -> None:
    book = small_book()
    book["policies.csv"][0]["status"] = "<script>alert(1)</script>"
    run = load(tmp_path, book)
    page = page_of(staff_with("view_run"), address(run))
    assert 'data-label="File">policies.csv</td><td data-label="Row">2</td><td data-label="Column">status</td>' in page
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page


@pytest.fixture
def faulty_run(tmp_path: Path) -> Run:
    """Return a refused run with two kinds of findings in one file, 110 each."""
    book = small_book()
    book["licenses.csv"] = [
        book["licenses.csv"][0] | {"number": str(number), "state": "ZZ", "expires": "=soon"} for number in range(110)
    ]
    return load(tmp_path, book)


def test_findings_are_grouped_filtered_and_paged(
    staff_with: StaffWith, faulty_run: Run, django_assert_max_num_queries: Any
) -> None:
    client = staff_with("view_run")
    every, chosen = address(faulty_run, "findings"), "?kind=error&file=licenses.csv&code=date"
    page = page_of(client, address(faulty_run))
    assert f'<a href="{every}">Show all 220 findings</a>' in page
    assert f'<a href="{every}{chosen.replace("&", "&amp;")}">date</a></td>' in page
    assert 'data-label="Found">110</td><td data-label="Kept">110</td>' in page

    with django_assert_max_num_queries(12):
        listed = client.get(every)
    assert (listed.context["page"].paginator.count, len(listed.context["page"])) == (220, 100)
    second = client.get(f"{every}{chosen}&page=2")
    assert {(finding.code, finding.column) for finding in second.context["page"]} == {("date", "expires")}
    assert [finding.row for finding in second.context["page"]] == list(range(102, 112))
    assert "Previous page" in second.content.decode()
    # A filter that isn't offered is ignored, and so is a page that isn't there.
    assert client.get(f"{every}?code=sha256&page=x").context["page"].paginator.count == 220


def test_findings_that_were_deleted_are_still_counted(staff_with: StaffWith, faulty_run: Run) -> None:
    faulty_run.findings.all().delete()
    counts = [{**one, "kept": 0} for one in faulty_run.finding_counts]
    Run.objects.filter(pk=faulty_run.pk).update(finding_counts=counts)
    page = page_of(staff_with("view_run"), address(faulty_run))
    assert "The findings themselves were deleted after 90 days." in page
    assert address(faulty_run, "findings") not in page


def test_findings_are_downloaded_as_csv_and_the_download_is_recorded(staff_with: StaffWith, faulty_run: Run) -> None:
    client = staff_with("view_run")
    link = f"/admin/feed/run/{faulty_run.pk}/findings.csv"
    assert link in client.get(address(faulty_run)).content.decode()

    response = client.get(f"{link}?code=date")

    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # a stream
    assert response["Content-Disposition"] == f'attachment; filename="findings-{faulty_run.pk}.csv"'
    assert text.splitlines()[:2] == [
        "kind,stage,file,row,column,code,sentence",
        'error,schema,licenses.csv,2,expires,date,"expires must be a date such as ‘2026-11-20’, not ‘=soon’."',
    ]
    assert len(text.splitlines()) == 111
    event = Event.objects.get(tag="feed:findings:exported")
    assert (event.actor_id, event.subject_id, event.data["rows"]) == (
        client.user.pk, str(faulty_run.pk), 110,  # type: ignore[attr-defined]  # put there by the fixture
    )  # fmt: skip


def test_nobody_without_the_right_sees_or_downloads_findings(staff_with: StaffWith, faulty_run: Run) -> None:
    client = staff_with("load_package")
    for page in (address(faulty_run, "findings"), f"/admin/feed/run/{faulty_run.pk}/findings.csv"):
        assert client.get(page).status_code == 403
        assert client.post(page).status_code in {403, 405}
    assert not Event.objects.filter(tag="feed:findings:exported").exists()


def test_a_dry_run_shows_what_would_change(staff_with: StaffWith, tmp_path: Path) -> None:
    load(tmp_path, small_book())
    book = small_book()
    book["insureds.csv"][0] |= {"zip": "12208", "date_of_birth": "1971-02-03", "email": "<b>@g.example"}
    run = load(tmp_path, book, sequence=2, dry_run=True)
    page = staff_with("view_run").get(address(run)).content.decode()
    assert "<strong>insureds.csv</strong>: 0 added, 1 changed, 0 restored, 0 retired" in page
    assert '<td data-label="Before">12207</td><td data-label="After">12208</td>' in page
    assert "Changes; only a hash is kept." in page
    assert "&lt;b&gt;@g.example" in page
    assert "1971" not in page


def test_progress_by_file_is_shown_and_read_out_only_when_it_is_news(staff_with: StaffWith) -> None:
    progress = [{"file": "policies.csv", "rows": 12_000, "read": 6_000, "step": "reading"}]
    run = Run.objects.create(status=Run.Status.CHECKING, phase="Reading policies.csv", progress=progress)
    client = staff_with("view_run")
    page = page_of(client, address(run))
    assert 'role="status">Checking and applying: Reading policies.csv</p>' in page
    assert 'data-label="Step">Reading</td><td data-label="Rows read">6,000 of 12,000</td>' in page
    polled = f"{address(run, 'progress')}?seen=Checking%20and%20applying%3A%20Reading%20policies.csv"
    assert polled in page
    assert "hx-swap-oob" not in client.get(polled).content.decode()
    Run.objects.filter(pk=run.pk).update(phase="Checking")
    assert "#run-state" in client.get(polled).content.decode()


def test_the_lists_of_the_feed_open(staff_with: StaffWith, tmp_path: Path) -> None:
    load(tmp_path, small_book())
    client = staff_with("view_run", "view_source")
    for page in (LIST, "/admin/feed/source/"):
        assert client.get(page).status_code == 200
    load(tmp_path, small_book(), source="legacy")
    assert [run.source for run in client.get(f"{LIST}?from=legacy").context["cl"].result_list] == ["legacy"]


def test_a_large_upload_is_written_to_disk_and_moved_never_held_in_memory(
    staff_with: StaffWith, enqueued: list[int], tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100
    seen: list[str] = []
    stored = InMemoryUploadedFile.chunks

    def chunks(*args: Any) -> Any:
        seen.append("memory")
        return stored(*args)

    monkeypatch.setattr(InMemoryUploadedFile, "chunks", chunks)
    package = Package(small_book())

    response = staff_with("load_package", "view_run").post(UPLOAD, an_upload(package, tmp_path))

    run = Run.objects.get()
    assert (response.status_code, seen) == (302, [])
    with run.upload.open("rb") as file:
        assert file.read() == (tmp_path / "upload.zip").read_bytes()
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir()).glob("*.upload.zip")) == []


def test_the_desk_and_the_sources_say_how_the_data_is_whatever_a_dry_run_found(
    staff_with: StaffWith, tmp_path: Path, settings: Settings
) -> None:
    load(tmp_path, small_book(), as_of=timezone.now())
    load(tmp_path, {"policies.csv": []}, sequence=1, dry_run=True)
    client = staff_with("view_run", "view_source")
    desk = client.get("/admin/").content.decode()
    assert ("Applied, " in desk, "Refused, " in desk) == (True, False)
    for at_rest, words in (([], "Current"), (["core"], "At rest")):
        settings.FEED_SOURCES_AT_REST = at_rest
        assert f">{words}</td>" in client.get("/admin/feed/source/").content.decode()
    Source.objects.update(as_of=timezone.now() - settings.FEED_STALE_AFTER)
    settings.FEED_SOURCES_AT_REST = []
    assert ">Stale</td>" in client.get("/admin/feed/source/").content.decode()


def test_uploads_of_two_people_with_one_key_are_two_runs(
    staff_with: StaffWith, enqueued: list[int], tmp_path: Path
) -> None:
    key = str(uuid.uuid4())
    for _ in range(2):
        form = an_upload(Package(small_book()), tmp_path, idempotency_key=key)
        assert staff_with("load_package", "view_run").post(UPLOAD, form).status_code == 302
    first, second = Run.objects.all()
    assert first.upload.name != second.upload.name
