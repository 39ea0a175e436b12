"""Small packages for the tests: a book as rows of dictionaries, changed by a test and written to a folder."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection

from feed.load.loader import load_package
from feed.load.table_map import table_maps
from feed.models import Run

Row = dict[str, str]
Book = dict[str, list[Row]]
AS_OF = dt.datetime(2026, 11, 20, 2, tzinfo=dt.UTC)


def columns(file: str) -> list[str]:
    """Return the columns of a file, as declared."""
    return next(
        [column.name for column in table_map.table.columns] for table_map in table_maps() if table_map.file == file
    )


def row(file: str, **values: str) -> Row:
    """Return a row of a file; what isn't given is empty. A Python keyword is written with an underscore behind it."""
    given = {name.rstrip("_"): value for name, value in values.items()}
    assert not set(given) - set(columns(file)), "the file has no such column"
    return {name: given.get(name, "") for name in columns(file)}


def policy_rows(number: str, holder: str = "PH1", **values: str) -> Row:
    """Return an active policy."""
    fields = {"company_id": "C1", "program": "physicians", "status": "active", "status_date": "2026-01-01"} | values
    return row("policies.csv", policy_number=number, policyholder_id=holder, **fields)


def small_book() -> Book:
    """One group with two clinicians, one policy in one term, and one row or two of everything else."""
    coverage = {
        "term_id": "T1", "part": "professional", "form": "claims_made", "retroactive_date": "2015-07-01",
        "full_prior_acts": "false", "limit_per_claim": "1000000.00", "limit_aggregate": "3000000.00",
        "limits_shared": "false", "deductible": "0.00", "effective": "2026-01-01", "expires": "2027-01-01",
        "premium": "9000.00", "specialty_code": "FM1", "specialty": "Family medicine, no surgery",
    }  # fmt: skip
    person = {
        "kind": "person", "credential": "MD", "date_of_birth": "1970-02-03", "zip": "12207", "state": "NY",
        "specialty_code": "FM1", "specialty": "Family medicine, no surgery",
    }  # fmt: skip
    return {
        "companies.csv": [row("companies.csv", company_id="C1", name="Larkfield Mutual", services="pay;ere")],
        "agencies.csv": [row("agencies.csv", agency_id="A1", name="Harborlight", email="desk@agency.example")],
        "policyholders.csv": [
            row(
                "policyholders.csv", policyholder_id="PH1", kind="organization", name="Riverbend Médical, P.C.",
                email="office@group.example", zip="12207", state="NY", paperless="true",
            )
        ],
        "insureds.csv": [
            row("insureds.csv", insured_id="I1", first_name="Ana", last_name="Núñez", email="ana@g.example", **person),
            row("insureds.csv", insured_id="I2", first_name="Bo", last_name="Lind", email="bo@g.example", **person),
        ],
        "licenses.csv": [row("licenses.csv", insured_id="I1", state="NY", number="200001", expires="2028-01-31")],
        "contacts.csv": [
            row(
                "contacts.csv", contact_id="CT1", party="policyholder", party_id="PH1", first_name="Rae",
                last_name="Office", email="rae@group.example", zip="12207", role="administrator",
            )
        ],
        "policies.csv": [policy_rows("MPL-1", billing_account_id="B1")],
        "agents_of_record.csv": [
            row("agents_of_record.csv", policy_number="MPL-1", agency_id="A1", from_="2026-01-01")
        ],
        "terms.csv": [
            row(
                "terms.csv", term_id="T1", policy_number="MPL-1", status="bound", effective="2026-01-01",
                expires="2027-01-01", premium="18000.00", payment_plan="quarterly", billing="direct",
            )
        ],
        "coverages.csv": [
            row("coverages.csv", coverage_id="CV1", insured_id="I1", **coverage),
            row("coverages.csv", coverage_id="CV2", insured_id="I2", **coverage),
        ],
        "endorsements.csv": [
            row(
                "endorsements.csv", coverage_id="CV1", form_number="LM-E-214", edition="01-26",
                title="Telemedicine, scheduled states", on_certificate="true",
            )
        ],
        "suspensions.csv": [
            row(
                "suspensions.csv", suspension_id="S1", coverage_id="CV1", from_="2026-05-01", to="2026-06-01",
                reason_code="leave",
            )
        ],
        "prior_limits.csv": [
            row(
                "prior_limits.csv", coverage_id="CV1", incidents_before="2024-01-01", limit_per_claim="500000.00",
                limit_aggregate="1500000.00",
            )
        ],
        "extras.csv": [row("extras.csv", coverage_id="CV1", label="License defense", limit="$50,000")],
        "fund_enrollments.csv": [
            row(
                "fund_enrollments.csv", coverage_id="CV1", fund="State Excess Fund", form="occurrence",
                limits="$1,000,000 each occurrence", effective="2026-01-01", expires="2027-01-01",
            )
        ],
        "ere_offers.csv": [
            row(
                "ere_offers.csv", offer_id="E1", coverage_id="CV2", status="offered", decide_by="2027-03-01",
                option="3y", price="7800.00", installments="4",
            )
        ],
        "prior_coverages.csv": [
            row(
                "prior_coverages.csv", insured_id="I1", carrier="Old Colony", form="claims_made",
                effective="2010-07-01", expires="2015-07-01",
            )
        ],
        **money(),
        **paper(),
    }  # fmt: skip


def money() -> Book:
    """Return the small book's account: a premium in four installments, the first with its fee paid."""
    account = {"billing_account_id": "B1"}
    term = account | {"term_id": "T1"}
    return {
        "billing_accounts.csv": [
            row("billing_accounts.csv", **account, policyholder_id="PH1", name="Riverbend Médical, P.C.")
        ],
        "transactions.csv": [
            row("transactions.csv", transaction_id=f"X{number}", **term, posted="2026-01-01", kind=kind, amount=amount)
            for number, (kind, amount) in enumerate((("premium", "18000.00"), ("installment_fee", "5.00")), 1)
        ],
        "installments.csv": [
            row("installments.csv", installment_id=f"N{number}", **term, due=due, amount="4500.00", fee="5.00")
            for number, due in enumerate(("2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"), 1)
        ],
        "payments.csv": [payment_row("P1", amount="4505.00", reference="10441")],
        "allocations.csv": [row("allocations.csv", payment_id="P1", term_id="T1", amount="4505.00")],
    }  # fmt: skip


def paper() -> Book:
    """Return the small book's holders, forms, claims, and seminars."""
    return {
        "holders.csv": [
            row(
                "holders.csv", holder_id="H1", name="Saint Aldhelm Médical Center", email="staff@aldhelm.example",
                city="Albany", state="NY", zip="12208", minimum_per_claim="1000000", minimum_aggregate="3000000",
                separate_limits="true", days_ahead="30",
            )
        ],
        "standing_holders.csv": [
            row("standing_holders.csv", holder_id="H1", policy_number="MPL-1", renewals="true", notices="true"),
            row(
                "standing_holders.csv", holder_id="H1", policy_number="mpl 1", insured_id="I1", claims_history="true",
            ),
        ],
        "certificate_forms.csv": [
            row(
                "certificate_forms.csv", company_id="C1", kind="certificate", form_number="LM-COI-10",
                edition="06-26", effective="2026-06-01", legend="This certificate is information only.",
            )
        ],
        "claims.csv": [
            row(
                "claims.csv", claim_number="CL-1", policy_number="MPL-1", insured_id="I1", kind="suit", status="open",
                incident_date="2021-03-04", report_date="2022-05-06", expense_paid="1200.50", reserve="90000",
                description="Delayed diagnosis alleged.", stage="Discovery", handler="Rosalind Peake",
                next_date="2027-02-01", next_event="Deposition",
            )
        ],
        "seminars.csv": [
            row(
                "seminars.csv", seminar_id="S1", title="Informed Refusal", kind="live", starts="2026-03-12T18:00",
                ends="2026-03-12T20:00", timezone="America/New_York", location="Albany", seats="40",
                cme_credits="2.0", hours="2", programs="physicians;allied", credit_eligible="true",
            )
        ],
        "attendance.csv": [
            row(
                "attendance.csv", attendance_id="AT1", seminar_id="S1", insured_id="I1", policy_number="MPL-1",
                completed="2026-03-12", cme_credits="2.0",
            ),
            row("attendance.csv", attendance_id="AT2", seminar_id="S1", participant="Noor Aziz", policy_number="MPL-1"),
        ],
        "premium_credits.csv": [
            row("premium_credits.csv", insured_id="I1", term_id="T1", percent="3.5", granted="2026-04-01")
        ],
    }  # fmt: skip


def payment_row(payment: str, echo: str = "", **values: str) -> Row:
    """Return an applied payment by check on the small book's account; `echo` is the portal's own id of it."""
    fields = {"received": "2025-12-20", "amount": "100.00", "method": "check", "status": "applied"} | values
    return row("payments.csv", payment_id=payment, portal_payment_id=echo, billing_account_id="B1", **fields)


def book_of(policies: int) -> Book:
    """Return the small book with so many policies, numbered MPL-1 and on, all of the one group; the further ones are
    bare."""
    book = small_book()
    book["policies.csv"] += [policy_rows(f"MPL-{number}") for number in range(2, policies + 1)]
    return book


def as_csv(file: str, rows: list[Row]) -> bytes:
    """Return a file's bytes; a row that has `op` gives the file that column, and one that no row has is left out."""
    given = {name for one in rows for name in one} or {*columns(file)}
    header = [name for name in (*columns(file), "op") if name in given]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, header, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


class Package:
    """A package in the making. `files` are bytes by name, `manifest` is what will be written: both may be spoiled."""

    def __init__(
        self, book: Book, *, sequence: int = 1, source: str = "core", mode: str = "full", as_of: dt.datetime = AS_OF
    ) -> None:
        self.files = {file: as_csv(file, rows) for file, rows in book.items()}
        self.manifest: dict[str, Any] = {
            "schema": "portal-feed/1",
            "source": source,
            "sequence": sequence,
            "as_of": as_of.isoformat().replace("+00:00", "Z"),
            "mode": mode,
            "files": {},
        }
        for file, rows in book.items():
            self.list(file, rows=len(rows))

    def list(self, file: str, *, rows: int | None = None) -> None:
        """Enter a file as it is into the manifest."""
        before = self.manifest["files"].get(file, {"rows": 0})
        self.manifest["files"][file] = {
            "rows": before["rows"] if rows is None else rows,
            "sha256": hashlib.sha256(self.files.get(file, b"")).hexdigest(),
        }

    def replace(self, file: str, old: bytes, new: bytes) -> None:
        """Change a file's bytes, and its hash in the manifest."""
        assert old in self.files[file]
        self.files[file] = self.files[file].replace(old, new, 1)
        self.list(file)

    def write(self, folder: Path) -> Path:
        """Write it to a new folder."""
        folder.mkdir(parents=True)
        for name, data in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        (folder / "manifest.json").write_text(json.dumps(self.manifest))
        return folder

    def zip(self, path: Path, change: Callable[[zipfile.ZipFile], None] | None = None) -> Path:
        """Write it as an archive, to which `change` may add."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in self.files.items():
                archive.writestr(name, data)
            archive.writestr("manifest.json", json.dumps(self.manifest))
            if change:
                change(archive)
        return path


def load(folder: Path, book: Book, **options: Any) -> Run:
    """Write a book as a package below `folder` and load it. `dry_run` is for the load, the rest for the package."""
    dry_run = options.pop("dry_run", False)
    count = sum(1 for _ in folder.iterdir()) if folder.exists() else 0
    return load_package(Package(book, **options).write(folder / f"package{count}"), dry_run=dry_run)


class Rows:
    """Every row of the database, to be put back into an empty one: a load of the same rows takes several times as long.

    What migrations made is in every database, and stays out of it.
    """

    def __init__(self) -> None:
        self._copies: dict[str, tuple[str, bytes]] = {}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT quote_ident(table_name), string_agg(quote_ident(column_name), ', ') "
                "FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name) "
                "WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND is_generated = 'NEVER' "
                "GROUP BY table_name"
            )
            for table, names in cursor.fetchall():
                with cursor.copy(f"COPY {table} ({names}) TO STDOUT") as copy:
                    rows = b"".join(copy)
                if rows:
                    self._copies[table] = (names, rows)

    def put_back(self) -> None:
        """Write them. Foreign keys are looked at when all are there, so any order will do."""
        with connection.cursor() as cursor:
            for table, (names, rows) in self._copies.items():
                cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608  # our own
                if not cursor.fetchone()[0]:
                    with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                        copy.write(rows)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def snapshot() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that the feed fills, with the time of its last change."""
    return {
        table_map.file: sorted(map(tuple, table_map.model.objects.values_list(*stored(table_map))))
        for table_map in table_maps()  # type: ignore[attr-defined]  # every model has a manager
    }


def stored(table_map: Any) -> list[str]:
    """Fields of a model that a snapshot shows."""
    columns_of_file = [target.column for target in table_map.targets if target.reference is None]
    return ["id", "source", "external_id", "updated_at", "retired_at", *columns_of_file]


def errors(run: Run) -> list[tuple[str, int | None, str, str]]:
    """(file, row, column, code) of every finding of kind error."""
    return list(run.findings.filter(kind="error").values_list("file", "row", "column", "code"))


def warnings(run: Run) -> list[tuple[str, int | None, str, str]]:
    """(file, row, column, code) of every finding of kind warning."""
    return list(run.findings.filter(kind="warning").values_list("file", "row", "column", "code"))
