"""What a load keeps for the pages of large books follows the rows that it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policies.feed import figures
from policies.models import AgentOfRecord, BookFigure, Coverage, Headcount, Insured
from tests.feed.packages import load, row, small_book

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


def places() -> dict[str, str]:
    return dict(Coverage.objects.values_list("external_id", "sort_key"))


def test_a_coverage_has_its_insured_s_place_by_last_name_and_follows_a_new_name(tmp_path: Path) -> None:
    book = small_book()
    load(tmp_path, book)
    assert places() == {"CV1": "nunez ana", "CV2": "lind bo"}

    # The insureds alone.
    renamed = [one | {"last_name": "Åberg"} for one in book["insureds.csv"] if one["insured_id"] == "I1"]
    load(tmp_path, {"insureds.csv": renamed}, sequence=2, mode="delta")
    assert places() == {"CV1": "aberg ana", "CV2": "lind bo"}
    assert Insured.objects.get(external_id="I1").sort_key == "aberg ana"

    # A coverage that becomes another insured's.
    moved = [one | {"insured_id": "I1"} for one in book["coverages.csv"] if one["coverage_id"] == "CV2"]
    run = load(tmp_path, {"coverages.csv": moved}, sequence=3, mode="delta")
    assert places() == {"CV1": "aberg ana", "CV2": "aberg ana"}
    assert run.counts["coverages.csv"]["updated"] == 1


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("policies.csv", {"status": "cancelled", "cancellation_effective": "2026-08-01"}),
        ("policies.csv", {"status": "cancelled", "status_date": "2026-08-01"}),
        ("agents_of_record.csv", {"to": "2026-08-01"}),
        ("terms.csv", {"expires": "2026-08-01"}),
    ],
)
def test_the_figures_of_a_book_follow_each_file_that_they_depend_on(
    file: str, change: dict[str, str], tmp_path: Path, time_machine: object
) -> None:
    time_machine.move_to("2026-06-01T12:00:00Z")  # type: ignore[attr-defined]
    book = small_book()
    load(tmp_path, book)
    kept = BookFigure.objects.get()
    assert (kept.status, kept.policies, str(kept.starts), str(kept.ends)) == ("active", 1, "2026-01-01", "2027-01-01")

    load(tmp_path, {file: [one | change for one in book[file]]}, sequence=2, mode="delta")
    assert str(BookFigure.objects.get().ends) == "2026-08-01"


def test_what_did_not_change_is_not_counted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, time_machine: object
) -> None:
    time_machine.move_to("2026-06-01T12:00:00Z")  # type: ignore[attr-defined]
    monkeypatch.setattr(figures, "LARGE_TERM", 2)
    book = small_book()
    load(tmp_path, book)
    figure, heads = BookFigure.objects.get(), list(Headcount.objects.order_by("day"))
    assert [head.insureds for head in heads] == [2, 0]

    book["agencies.csv"].append(row("agencies.csv", agency_id="A2", name="Harbor Two", email="two@agency.example"))
    load(tmp_path, book, sequence=2)
    assert BookFigure.objects.get() == figure
    assert list(Headcount.objects.order_by("day")) == heads
    assert AgentOfRecord.objects.count() == 1

    ended = [book["coverages.csv"][1] | {"expires": "2026-07-01"}]
    load(tmp_path, {"coverages.csv": ended}, sequence=3, mode="delta")
    assert BookFigure.objects.get() == figure
    assert [head.insureds for head in Headcount.objects.order_by("day")] == [2, 1, 0]
