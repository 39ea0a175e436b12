"""What a table may declare beyond its columns: references to its own rows and from lower floors, hooks before it is
compared, rows that stay, and other spellings of a choice."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps

from billing.models import BillingAccount
from core.feedspec import Column, Kind, Load, Reference, Table
from feed.load import loader
from feed.load.table_map import TableMap, ordered, quote, table_maps
from feed.models import Run
from policies.models import Agency, Company, Policy
from policies.models.base import FeedRow
from tests.feed.packages import Book, Package, Row, errors, load, policy_rows, row, small_book, warnings

pytestmark = pytest.mark.django_db


def declared(monkeypatch: pytest.MonkeyPatch, file: str, **changes: Any) -> None:
    """Let the loader find the table of a file with some declarations changed."""
    found = tuple(
        TableMap(replace(table_map.table, **changes)) if table_map.file == file else table_map
        for table_map in table_maps()
    )
    monkeypatch.setattr(loader, "table_maps", lambda: found)


# References to rows of the same file.

UNITS = Table(
    file="units.csv",
    model="policies.Company",
    columns=(
        Column("unit_id", Kind.IDENTIFIER, field=None, required=True),
        Column("name", required=True),
        Column("parent_id", Kind.IDENTIFIER),
    ),
    references=(Reference("parent_id", "units.csv", "parent"),),
)


@pytest.fixture
def units(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[models.Model]]:
    """Return the model of a feed of one file, whose rows refer to each other."""
    with isolate_apps("policies"):

        class Unit(FeedRow):
            name = models.CharField(max_length=40)
            parent = models.ForeignKey("self", models.PROTECT, null=True)

            class Meta(FeedRow.Meta):
                app_label = "policies"

        with connection.schema_editor() as editor:
            editor.create_model(Unit)
        table_map = TableMap(UNITS)
        table_map.model, table_map.db_table = Unit, quote(Unit._meta.db_table)
        monkeypatch.setattr(loader, "table_maps", lambda: ordered([table_map]))
        yield Unit


def load_units(folder: Path, rows: dict[str, str], *, sequence: int, mode: str = "full", gone: str = "") -> Run:
    """Load the units, each with the id of its parent; a delta can delete one."""
    lines = [f"{unit},Unit {unit},{parent},\n" for unit, parent in rows.items()]
    lines += [f"{gone},,,delete\n"] if gone else []
    package = Package({}, sequence=sequence, mode=mode)
    text = "unit_id,name,parent_id,op\n" + "".join(lines)
    if mode == "full":
        text = text.replace(",op\n", "\n").replace(",\n", "\n")
    package.files["units.csv"] = text.encode()
    package.list("units.csv", rows=len(lines))
    return loader.load_package(package.write(folder / str(sequence)))


def parents(unit: Any) -> dict[str, str | None]:
    """Return each row's key with its parent's."""
    return dict(unit.objects.values_list("external_id", "parent__external_id"))


def test_rows_may_refer_to_new_rows_of_the_same_file_before_and_after_them(tmp_path: Path, units: Any) -> None:
    run = load_units(tmp_path, {"b": "c", "a": "", "c": "a"}, sequence=1)

    assert run.counts["units.csv"]["inserted"] == 3
    assert parents(units) == {"a": None, "b": "c", "c": "a"}
    delta = load_units(tmp_path, {"b": "d", "d": "a"}, sequence=2, mode="delta")
    assert (delta.counts["units.csv"]["inserted"], delta.counts["units.csv"]["updated"]) == (1, 1)
    assert parents(units) == {"a": None, "b": "d", "c": "a", "d": "a"}
    again = load_units(tmp_path, {"a": "", "b": "d", "c": "a", "d": "a"}, sequence=3)
    assert again.counts["units.csv"]["unchanged"] == 4


def test_rows_of_one_file_may_refer_to_each_other_in_a_circle(tmp_path: Path, units: Any) -> None:
    assert load_units(tmp_path, {"a": "b", "b": "a", "c": "c"}, sequence=1).status == Run.Status.APPLIED
    assert parents(units) == {"a": "b", "b": "a", "c": "c"}


def test_a_reference_to_the_own_file_is_checked_like_any_other(tmp_path: Path, units: Any) -> None:
    assert errors(load_units(tmp_path / "x", {"a": "", "b": "x"}, sequence=1)) == [
        ("units.csv", 3, "parent_id", "reference")
    ]
    load_units(tmp_path, {"a": "", "b": "a"}, sequence=1)
    delta = load_units(tmp_path / "x", {"c": "a"}, sequence=2, mode="delta", gone="a")
    assert errors(delta) == [("units.csv", 2, "parent_id", "reference")]
    assert parents(units) == {"a": None, "b": "a"}
    delta = load_units(tmp_path, {}, sequence=2, mode="delta", gone="a")
    assert warnings(delta) == [("units.csv", None, "", "retired-in-use")]


# References from files of lower floors.


def policies_of(account: str) -> Book:
    """Return the small book's policies and what they refer to, with their billing account."""
    files = ("companies.csv", "policyholders.csv", "insureds.csv", "policies.csv")
    book = {file: small_book()[file] for file in files}
    book["policies.csv"][0]["billing_account_id"] = account
    return book


def accounts(*ids: str) -> Book:
    """Return billing accounts of the small book's policyholder."""
    rows = [row("billing_accounts.csv", billing_account_id=one, policyholder_id="PH1", name="Ours") for one in ids]
    return {"billing_accounts.csv": rows}


def test_text_that_names_rows_of_a_higher_floor_is_free_until_their_source_sends_any(tmp_path: Path) -> None:
    assert load(tmp_path, policies_of("B7")).status == Run.Status.APPLIED

    wrong = ("policies.csv", 2, "billing_account_id", "reference")
    assert errors(load(tmp_path, policies_of("B7") | accounts("B1"), sequence=2)) == [wrong]
    assert load(tmp_path, policies_of("B1") | accounts("B1"), sequence=2).status == Run.Status.APPLIED
    delta = {"policies.csv": policies_of("B2")["policies.csv"]}
    assert errors(load(tmp_path, delta, sequence=3, mode="delta")) == [wrong]
    assert Policy.objects.get().billing_account_key == "B1"


def test_rows_that_name_what_another_package_takes_away_are_one_warning(tmp_path: Path) -> None:
    load(tmp_path, policies_of("B1") | accounts("B1"))
    run = load(tmp_path, accounts("B2"), sequence=2)

    assert warnings(run) == [("billing_accounts.csv", None, "", "named-but-missing")]
    sentence = run.findings.get(code="named-but-missing").sentence
    assert sentence == "1 row of policies.csv names a billing_account_id that isn't in billing_accounts.csv."
    assert BillingAccount.objects.get(external_id="B1").retired_at is not None


def test_rows_that_name_what_the_same_delta_deletes_are_one_warning(tmp_path: Path) -> None:
    book = policies_of("B1") | accounts("B1", "B2")
    book["policies.csv"] += [policy_rows("MPL-2", billing_account_id="B1"), policy_rows("MPL-3")]
    load(tmp_path, book)
    taken = [accounts("B1")["billing_accounts.csv"][0] | {"op": "delete"}]
    moved = [policy_rows("MPL-1", billing_account_id="B2"), policy_rows("MPL-3") | {"op": "delete"}]

    run = load(tmp_path, {"policies.csv": moved, "billing_accounts.csv": taken}, sequence=2, mode="delta")

    assert (run.status, warnings(run)) == ("applied", [("billing_accounts.csv", None, "", "named-but-missing")])
    assert run.findings.get().sentence == (
        "1 row of policies.csv names a billing_account_id that is neither in the portal nor in billing_accounts.csv."
    )


# Hooks before a file is compared, and rows that stay.


def test_a_hook_before_the_comparison_sees_the_staged_rows_and_the_portals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = small_book()
    load(tmp_path, book)

    def adopt(found: Load) -> None:
        """Give the row that the portal has under another key the one of the file."""
        staged = found.staged("agencies.csv")
        sql = f"UPDATE policies_agency t SET external_id = s.key FROM {staged} s WHERE t.name = s.name"  # noqa: S608
        found.execute(sql)

    declared(monkeypatch, "agencies.csv", before=(adopt,))
    agency = Agency.objects.get()
    book["agencies.csv"][0]["agency_id"] = book["agents_of_record.csv"][0]["agency_id"] = "A9"
    run = load(tmp_path, book, sequence=2)

    assert (run.counts["agencies.csv"]["inserted"], run.counts["agencies.csv"]["retired"]) == (0, 0)
    assert Agency.objects.get() == agency
    assert Agency.objects.get().external_id == "A9"


def test_a_row_that_stays_is_not_retired_by_a_full_package_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(monkeypatch, "agencies.csv", stays="t.producer_code = 'PORTAL'")
    rows = [
        row("agencies.csv", agency_id="A2", name="Seaward", email="a@b.example", producer_code="PORTAL"),
        row("agencies.csv", agency_id="A3", name="Landward", email="a@b.example"),
    ]
    book = small_book()
    book["agencies.csv"] += rows
    load(tmp_path, book)
    # It also still counts as there for rows that refer to it.
    book["agents_of_record.csv"][0]["agency_id"] = "A2"
    book["agencies.csv"] = small_book()["agencies.csv"]
    run = load(tmp_path, book, sequence=2)

    assert (run.status, run.counts["agencies.csv"]["retired"]) == (Run.Status.APPLIED, 1)
    assert set(Agency.objects.filter(retired_at=None).values_list("external_id", flat=True)) == {"A1", "A2"}
    gone: list[Row] = [{**row("agencies.csv", agency_id="A2"), "op": "delete"}]
    load(tmp_path, {"agencies.csv": gone}, sequence=3, mode="delta")
    assert Agency.objects.get(external_id="A2").retired_at is not None


# Other spellings of a choice.


def test_another_spelling_of_a_choice_is_read_as_the_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = tuple(
        dataclasses.replace(column, read_as={"physician": "physicians"}) if column.name == "program" else column
        for column in next(one.table.columns for one in table_maps() if one.file == "policies.csv")
    )
    declared(monkeypatch, "policies.csv", columns=columns)
    book = small_book()
    book["policies.csv"][0]["program"] = "physician"
    assert load(tmp_path, book).status == Run.Status.APPLIED
    assert Policy.objects.get().program == "physicians"

    book["policies.csv"][0]["program"] = "physicians"
    run = load(tmp_path, book, sequence=2)
    assert (run.counts["policies.csv"]["unchanged"], Company.objects.count()) == (1, 1)
    book["policies.csv"][0]["program"] = "surgeon"
    assert errors(load(tmp_path, book, sequence=3)) == [("policies.csv", 2, "program", "choice")]
