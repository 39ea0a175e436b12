"""`manage.py load_feed` and `manage.py make_example_feed`, as somebody at a terminal sees them."""

from __future__ import annotations

import csv
import io
import os
import pwd
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from core.models import Event
from feed.models import Run
from policies.models import Policy
from tests.factories import UserFactory
from tests.feed.packages import Package, book_of, load, small_book

pytestmark = pytest.mark.django_db


def run_command(*args: Any) -> tuple[int, str]:
    """Exit code, and what was printed."""
    out = io.StringIO()
    try:
        call_command(*args, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def held(folder: Path) -> Run:
    load(folder, book_of(40))
    return load(folder, {"policies.csv": book_of(40)["policies.csv"][:20]}, sequence=2)


def test_an_applied_package_ends_with_0_and_its_counts(tmp_path: Path) -> None:
    package = Package(small_book()).write(tmp_path / "package")
    code, out = run_command("load_feed", package)
    assert code == 0
    assert "coverages.csv                      2           2           0" in out
    assert "Applied." in out


def test_the_same_package_again_ends_with_0(tmp_path: Path) -> None:
    package = Package(small_book()).write(tmp_path / "package")
    run_command("load_feed", package)
    code, out = run_command("load_feed", package)
    assert (code, "No changes." in out) == (0, True)


def test_a_dry_run_ends_with_0_and_changes_nothing(tmp_path: Path) -> None:
    package = Package(small_book()).write(tmp_path / "package")
    code, out = run_command("load_feed", package, "--dry-run")
    assert (code, "Dry run: would be applied." in out, Policy.objects.count()) == (0, True, 0)
    assert "insureds.csv: 2 rows added: I1, I2\n" in out


def test_the_next_command_says_that_the_one_before_was_interrupted(tmp_path: Path) -> None:
    died = Run.objects.create(name="night", status=Run.Status.CHECKING, started_at=timezone.now(), attempts=1)
    code, out = run_command("load_feed", Package(small_book()).write(tmp_path / "package"))
    assert (code, out.splitlines()[0]) == (0, f"Run {died.pk}: night was interrupted. Nothing of it was applied.")
    died.refresh_from_db()
    assert (died.status, died.outcome) == ("failed", "The command ended before the load did. Nothing was applied.")


def test_a_dry_run_prints_what_would_change(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    book = book_of(30)
    book["insureds.csv"][0] |= {"zip": "12208", "date_of_birth": "1971-02-03"}
    code, out = run_command("load_feed", Package(book, sequence=2).write(tmp_path / "next"), "--dry-run")
    assert code == 3
    assert "insureds.csv: I1 changed: date_of_birth (not shown); zip ‘12207’ → ‘12208’\n" in out
    assert "policies.csv: 10 rows retired: MPL31, MPL32, MPL33, MPL34, MPL35, …\n" in out
    assert "1971" not in out
    assert Policy.objects.not_retired().count() == 40


def test_a_faulty_package_ends_with_1_and_its_findings(tmp_path: Path) -> None:
    book = small_book()
    book["terms.csv"][0]["status"] = "maybe"
    book["licenses.csv"] = [book["licenses.csv"][0] | {"number": str(n), "expires": "soon"} for n in range(120)]
    code, out = run_command("load_feed", Package(book).write(tmp_path / "package"))
    assert code == 1
    assert "error: [choice] terms.csv: 1 found\n  row 2, status: status must be " in out
    assert "error: [date] licenses.csv: 120 found\n  row 2, expires: expires must be a date" in out
    assert "  … and 115 more\n" in out


def test_findings_are_written_to_a_csv_file_that_no_spreadsheet_runs(tmp_path: Path) -> None:
    book = small_book()
    book["terms.csv"][0]["status"] = "=1+1"
    book["licenses.csv"] = [book["licenses.csv"][0] | {"number": str(n), "expires": "soon"} for n in range(1_100)]
    package = Package(book).write(tmp_path / "package")

    code, out = run_command("load_feed", package, "--findings", tmp_path / "findings.csv")

    assert (code, f"Findings: {tmp_path / 'findings.csv'}" in out) == (1, True)
    with (tmp_path / "findings.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert Counter((one["file"], one["code"]) for one in rows) == {
        ("licenses.csv", "date"): 1_000, ("terms.csv", "choice"): 1,
    }  # fmt: skip
    assert [one["row"] for one in rows if one["code"] == "date"] == [str(row) for row in range(2, 1_002)]
    assert Run.objects.get().finding_counts[0]["found"] == 1_100

    code, out = run_command("load_feed", package, "--findings", tmp_path / "findings.csv")
    assert (code, "couldn't be written" in out) == (1, True)


def test_no_cell_of_the_findings_starts_a_formula(tmp_path: Path) -> None:
    package = Package(small_book()).write(tmp_path / "package")
    package.joinpath("=cmd.txt").write_bytes(b"")
    run_command("load_feed", package, "--findings", tmp_path / "findings.csv")
    with (tmp_path / "findings.csv").open(encoding="utf-8", newline="") as stream:
        assert [(one["file"], one["code"]) for one in csv.DictReader(stream)] == [("'=cmd.txt", "file-unused")]


def test_a_held_package_ends_with_3_and_its_reasons(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    package = Package({"policies.csv": book_of(40)["policies.csv"][:20]}, sequence=2).write(tmp_path / "next")
    code, out = run_command("load_feed", package)
    assert code == 3
    assert "held: 20 of 40 rows of policies.csv (50.0%) would be retired" in out


def test_a_held_package_is_released_by_staff_with_permission(tmp_path: Path) -> None:
    run = held(tmp_path)
    stan = UserFactory.create(username="stan", is_staff=True)
    stan.user_permissions.add(Permission.objects.get(codename="release_held_run"))
    code, _ = run_command("load_feed", "--apply-held", str(run.pk), "--by", "Stan", "--reason", "Confirmed.")
    run.refresh_from_db()
    assert (code, run.status, run.released_by, run.released_reason) == (0, "applied", stan, "Confirmed.")


def test_the_given_name_is_recorded_together_with_the_system_s_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = held(tmp_path)
    stan = UserFactory.create(username="stan", is_staff=True, is_superuser=True)
    monkeypatch.setenv("LOGNAME", "somebody.else")
    run_command("load_feed", "--apply-held", str(run.pk), "--by", "stan", "--reason", "Confirmed.")
    event = Event.objects.get(tag="feed:package:released")
    run.refresh_from_db()
    me = pwd.getpwuid(os.getuid()).pw_name
    assert (event.actor_id, event.data["os_user"], run.released_os_user) == (stan.pk, me, me)


def test_the_uploader_cannot_apply_a_package_on_the_command_line_either(tmp_path: Path) -> None:
    run = held(tmp_path)
    stan = UserFactory.create(username="stan", is_staff=True, is_superuser=True)
    Run.objects.filter(pk=run.pk).update(uploaded_by=stan)
    code, out = run_command("load_feed", "--apply-held", str(run.pk), "--by", "stan", "--reason", "Confirmed.")
    assert (code, out) == (2, "'stan' uploaded this package, so someone else has to review it.")
    assert Run.objects.get(pk=run.pk).status == "held"


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["/nowhere/package.zip"],
        ["/tmp", "--apply-held", "1"],  # noqa: S108  # only named
        ["--apply-held", "RUN"],
        ["--apply-held", "RUN", "--by", "stan"],
        ["--apply-held", "RUN", "--by", "stan", "--reason", " "],
        ["--apply-held", "RUN", "--by", "nobody", "--reason", "Confirmed."],
        ["--apply-held", "RUN", "--by", "clerk", "--reason", "Confirmed."],
        ["--apply-held", "RUN", "--by", "stan", "--reason", "Confirmed.", "--dry-run"],
        ["--apply-held", "999999", "--by", "stan", "--reason", "Confirmed."],
        ["--apply-held", "FIRST", "--by", "stan", "--reason", "Confirmed."],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_a_sentence(args: list[str], tmp_path: Path) -> None:
    run = held(tmp_path)
    UserFactory.create(username="stan", is_staff=True, is_superuser=True)
    UserFactory.create(username="clerk", is_staff=True)
    first = Run.objects.earliest("pk")
    numbers = {"RUN": str(run.pk), "FIRST": str(first.pk)}
    code, out = run_command("load_feed", *(numbers.get(arg, arg) for arg in args))
    assert (code, out.endswith(".")) == (2, True)
    run.refresh_from_db()
    assert run.status == "held"


def test_a_database_error_ends_with_1_and_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise OperationalError

    monkeypatch.setattr("feed.management.commands.load_feed.load_package", fail)
    code, out = run_command("load_feed", Package(small_book()).write(tmp_path / "package"))
    assert (code, out) == (1, "The database couldn't be reached or stopped the load. Nothing was applied.")


def test_the_example_feed_is_written_to_the_given_path(tmp_path: Path) -> None:
    code, out = run_command("make_example_feed", "--policies", "12", "--today", "2026-11-20", tmp_path / "book.zip")
    assert (code, out.startswith("Wrote 12 invented policies as of 2026-11-20 02:00 UTC")) == (0, True)
    assert (tmp_path / "book.zip").is_file()


def test_the_example_feed_never_replaces_anything_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    code, out = run_command("make_example_feed", "--policies", "12", tmp_path)
    assert (code, "isn't a feed package; nothing was replaced" in out) == (2, True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    "options",
    [
        ["--policies", "0"],
        ["--policies", "x"],
        ["--today", "soon"],
        ["--as-of", "2026-11-20T02:00:00"],
        ["--sequence", "-1"],
    ],
    ids=" ".join,
)
def test_the_example_feed_refuses_invalid_options(options: list[str], tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        call_command("make_example_feed", *options, tmp_path / "out")
