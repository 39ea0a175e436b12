"""What a dry run and a held package say they would change, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from feed.load.difference import SAMPLES
from feed.models import Run
from policies.models import Insured, Policy
from tests.feed.packages import Book, book_of, load, policy_rows, row, small_book

pytestmark = pytest.mark.django_db


def sample(run: Run, file: str) -> dict[str, Any]:
    """Return the samples of one file."""
    found: list[dict[str, Any]] = [each for each in run.difference["samples"] if each["file"] == file]
    return found[0]


def changed_book() -> Book:
    """Return the small book a month later: Ana was born on another day and moved, Bo left, Cy came."""
    book = small_book()
    ana, bo = book["insureds.csv"]
    cy = bo | {"insured_id": "I3", "first_name": "Cy", "email": "cy@g.example"}
    book["insureds.csv"] = [ana | {"date_of_birth": "1971-02-03", "zip": "12208"}, cy]
    book["coverages.csv"][1]["insured_id"] = "I3"
    book["coverages.csv"][0] |= {"limit_per_claim": "2000000.00", "endorsements": "A;B"}
    book["companies.csv"][0]["services"] = "pay"
    return book


def test_a_dry_run_shows_what_would_be_added_changed_and_retired(tmp_path: Path) -> None:
    load(tmp_path, small_book())

    run = load(tmp_path, changed_book(), sequence=2, dry_run=True)

    assert run.status == Run.Status.REHEARSED
    assert sample(run, "insureds.csv") == {
        "file": "insureds.csv",
        "added": ["I3"],
        "restored": [],
        "retired": ["I2"],
        "changed": [
            {
                "key": "I1",
                "columns": [
                    {"column": "date_of_birth", "was": None, "is": None},
                    {"column": "zip", "was": "12207", "is": "12208"},
                ],
            }
        ],
    }
    assert sample(run, "companies.csv")["changed"] == [
        {"key": "C1", "columns": [{"column": "services", "was": "pay;ere", "is": "pay"}]}
    ]
    assert [each["columns"] for each in sample(run, "coverages.csv")["changed"]][1] == [
        {"column": "insured_id", "was": "I2", "is": "I3"}
    ]
    assert {"file", "added"} <= set(sample(run, "coverages.csv"))
    assert "policies.csv" not in [each["file"] for each in run.difference["samples"]]
    assert set(Insured.objects.not_retired().values_list("external_id", "zip")) == {("I1", "12207"), ("I2", "12207")}


def test_no_date_of_birth_is_in_the_difference(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    run = load(tmp_path, changed_book(), sequence=2, dry_run=True)
    stored = repr(Run.objects.get(pk=run.pk).difference)
    assert not [date for date in ("1970-02-03", "1971-02-03") if date in stored]
    assert all(value not in stored for value in Insured.objects.values_list("date_of_birth_hash", flat=True))


def test_a_dry_run_of_a_first_package_names_the_first_rows_of_each_file(tmp_path: Path) -> None:
    run = load(tmp_path, book_of(SAMPLES + 5), dry_run=True)
    policies = sample(run, "policies.csv")
    assert (policies["added"], run.counts["policies.csv"]["inserted"]) == (
        [f"MPL{number}" for number in range(1, SAMPLES + 1)], SAMPLES + 5,
    )  # fmt: skip
    assert not Policy.objects.exists()


def test_a_row_that_comes_back_is_shown_as_restored(tmp_path: Path) -> None:
    load(tmp_path, book_of(2))
    load(tmp_path, {"policies.csv": [policy_rows("MPL-1")]}, sequence=2)
    run = load(tmp_path, {"policies.csv": book_of(2)["policies.csv"]}, sequence=3, dry_run=True)
    assert sample(run, "policies.csv")["restored"] == ["MPL2"]


def test_a_held_package_shows_the_same_difference_and_an_applied_one_none(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    rest = [one | {"status_reason": "Checked"} for one in book_of(40)["policies.csv"][:35]]
    run = load(tmp_path, {"policies.csv": rest}, sequence=2)
    assert run.status == Run.Status.HELD
    assert sample(run, "policies.csv")["retired"] == [f"MPL{number}" for number in range(36, 41)]
    assert sample(run, "policies.csv")["changed"][0] == {
        "key": "MPL1", "columns": [{"column": "status_reason", "was": "", "is": "Checked"}],
    }  # fmt: skip
    assert load(tmp_path, {"policies.csv": book_of(40)["policies.csv"]}, sequence=3).difference == {}


def test_a_refused_dry_run_shows_findings_and_no_difference(tmp_path: Path) -> None:
    run = load(tmp_path, small_book() | {"licenses.csv": [row("licenses.csv", insured_id="I9")]}, dry_run=True)
    assert (run.status, run.difference) == (Run.Status.REFUSED, {})
