"""The six files of money: what arrives, what is refused, and what is a warning."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from billing.models import Allocation, BillingAccount, Installment, Invoice, Payment, Transaction
from feed.models import Run
from tests.book import (
    AllocationFactory,
    BillingAccountFactory,
    InstallmentFactory,
    InvoiceFactory,
    PaymentFactory,
    TransactionFactory,
)
from tests.feed.assets import a_pdf, document, load_files, with_documents
from tests.feed.packages import Book, Row, errors, load, payment_row, row, small_book, warnings

pytestmark = pytest.mark.django_db

MONEY = ("billing_accounts.csv", "transactions.csv", "installments.csv", "payments.csv", "allocations.csv")


def posted(kind: str, amount: str, **values: str) -> Row:
    """Return a transaction of the small book's term, named by its kind."""
    return row(
        "transactions.csv", transaction_id=f"X-{kind}", billing_account_id="B1", term_id="T1", posted="2026-02-01",
        kind=kind, amount=amount, **values,
    )  # fmt: skip


def invoice(**values: str) -> Row:
    fields = {"issued": "2026-01-01", "due": "2026-02-01", "amount": "4505.00"} | values
    return row("invoices.csv", invoice_id="V1", billing_account_id="B1", **fields)


def sentences(run: Run, code: str) -> list[str]:
    return list(run.findings.filter(code=code).order_by("file", "row").values_list("sentence", flat=True))


def money_of(book: Book) -> Book:
    """Return the files of money alone, as a package after the first one."""
    return {file: book[file] for file in MONEY}


def test_every_column_arrives(tmp_path: Path) -> None:
    book = small_book()
    book["billing_accounts.csv"][0]["autopay"] = "carrier"
    book["transactions.csv"] += [posted("tax", "0.5", insured_id="I1", description="State tax")]
    book["invoices.csv"] = [invoice()]
    book["payments.csv"][0] |= {"portal_payment_id": "never-made"}

    run = load(tmp_path, book)

    assert errors(run) == []
    account = BillingAccount.objects.get()
    assert (account.external_id, account.policyholder.external_id, account.name, account.autopay) == (
        "B1", "PH1", "Riverbend Médical, P.C.", "carrier",
    )  # fmt: skip
    assert [policy.number for policy in account.policies] == ["MPL-1"]
    tax = Transaction.objects.get(kind="tax")
    assert tax.insured is not None
    assert tax.term is not None
    assert (tax.account, tax.term.external_id, tax.posted, tax.amount, tax.description, tax.insured.external_id) == (
        account, "T1", dt.date(2026, 2, 1), Decimal("0.50"), "State tax", "I1",
    )  # fmt: skip
    first = Installment.objects.get(external_id="N1")
    assert (first.account, first.term, first.due, first.amount, first.fee) == (
        account, tax.term, dt.date(2026, 1, 1), Decimal(4500), Decimal(5),
    )  # fmt: skip
    bill = Invoice.objects.get()
    assert (bill.account, bill.issued, bill.due, bill.amount, bill.document) == (
        account, dt.date(2026, 1, 1), dt.date(2026, 2, 1), Decimal(4505), None,
    )  # fmt: skip
    payment = Payment.objects.get()
    assert (payment.account, payment.received, payment.amount, payment.method) == (
        account, dt.date(2025, 12, 20), Decimal(4505), "check",
    )  # fmt: skip
    assert (payment.reference, payment.status, payment.portal_payment_id) == ("10441", "applied", "never-made")
    allocation = Allocation.objects.get()
    assert (allocation.external_id, allocation.payment, allocation.term, allocation.amount) == (
        "P1|T1", payment, tax.term, Decimal(4505),
    )  # fmt: skip
    assert {len(each.public_id) for each in (account, bill, payment)} == {22}


def test_what_may_be_empty_is_none(tmp_path: Path) -> None:
    book = small_book()
    book["billing_accounts.csv"][0] |= {"autopay": "", "name": ""}
    book["transactions.csv"] = [posted("nsf_fee", "25") | {"term_id": ""}]
    book["installments.csv"] = [book["installments.csv"][0] | {"fee": ""}]
    run = load(tmp_path, book)
    assert errors(run) == []
    assert BillingAccount.objects.get().autopay == "none"
    assert (Transaction.objects.get().term, Transaction.objects.get().insured) == (None, None)
    assert Installment.objects.get().fee == 0


CHARGES = (
    "premium", "endorsement", "tax", "fund_surcharge", "installment_fee", "nsf_fee", "late_fee", "refund",
)  # fmt: skip
REDUCING = ("return_premium", "credit", "writeoff")


def test_every_kind_of_transaction_has_its_sign(tmp_path: Path) -> None:
    book = small_book()
    book["transactions.csv"] = [posted(kind, "-0.01") for kind in CHARGES] + [posted(kind, "1") for kind in REDUCING]
    run = load(tmp_path, book)
    assert errors(run) == [("transactions.csv", line, "amount", "sign") for line in range(2, 13)]
    assert sentences(run, "sign")[0] == "The kind is premium, so the amount can’t be negative; it is -0.01."
    assert sentences(run, "sign")[-1] == "The kind is writeoff, so the amount can’t be positive; it is 1."
    book["transactions.csv"] = [posted(kind, "0.00") for kind in (*CHARGES, *REDUCING)]
    assert errors(load(tmp_path, book)) == []


def test_amounts_and_words_are_those_of_the_format(tmp_path: Path) -> None:
    book = small_book()
    book["billing_accounts.csv"][0]["autopay"] = "bank"
    book["transactions.csv"] = [posted("fee", "1")]
    book["installments.csv"] = [book["installments.csv"][0] | {"amount": "-1", "fee": "-0.01"}]
    book["invoices.csv"] = [invoice(amount="-0.01")]
    book["payments.csv"] = [payment_row("P1", amount="0", method="cash", status="paid")]
    book["allocations.csv"][0]["amount"] = "0.00"
    run = load(tmp_path, book)
    assert sorted(errors(run)) == [
        ("allocations.csv", 2, "amount", "range"),
        ("billing_accounts.csv", 2, "autopay", "choice"),
        ("installments.csv", 2, "amount", "range"),
        ("installments.csv", 2, "fee", "range"),
        ("invoices.csv", 2, "amount", "range"),
        ("payments.csv", 2, "amount", "range"),
        ("payments.csv", 2, "method", "choice"),
        ("payments.csv", 2, "status", "choice"),
        ("transactions.csv", 2, "kind", "choice"),
    ]
    assert not BillingAccount.objects.exists()


def test_the_database_refuses_what_the_checks_refuse() -> None:
    account, payment = BillingAccountFactory(), PaymentFactory()
    faulty = [
        *(lambda kind=kind: TransactionFactory(kind=kind, amount=Decimal("-0.01")) for kind in CHARGES),
        *(lambda kind=kind: TransactionFactory(kind=kind, amount=Decimal("0.01")) for kind in REDUCING),
        lambda: TransactionFactory(kind="fee"),
        lambda: BillingAccountFactory(autopay="bank"),
        lambda: InstallmentFactory(amount=-1),
        lambda: InstallmentFactory(fee=-1),
        lambda: InvoiceFactory(amount=-1),
        lambda: PaymentFactory(amount=0),
        lambda: PaymentFactory(method="cash"),
        lambda: PaymentFactory(status="paid"),
        lambda: PaymentFactory(account=account, external_id=None),
        lambda: AllocationFactory(payment=payment, amount=0),
    ]
    for make in faulty:
        with pytest.raises(IntegrityError), transaction.atomic():
            make()


def test_every_kind_has_a_sign_in_the_database() -> None:
    for kind in Transaction.Kind:
        TransactionFactory(kind=kind, amount=0)
    assert Transaction.objects.count() == len(CHARGES + REDUCING)


def test_an_invoice_names_its_document(tmp_path: Path) -> None:
    bill = document("D1", "bills/v1.pdf", kind="invoice", billing_account_id="B1", policy_number="")
    book = with_documents(bill) | {"invoices.csv": [invoice(document_id="D1")]}
    run = load_files(tmp_path, book, {"bills/v1.pdf": a_pdf()})
    assert (errors(run), warnings(run)) == ([], [])
    found = Invoice.objects.get().document
    assert found is not None
    assert (found.external_id, found.billing_account_key, found.is_available) == ("D1", "B1", True)


# Sums.


def test_no_more_is_allocated_than_was_paid(tmp_path: Path) -> None:
    book = small_book()
    second = book["terms.csv"][0] | {"term_id": "T2", "status": "offered"}
    book["terms.csv"].append(second)
    book["allocations.csv"].append(row("allocations.csv", payment_id="P1", term_id="T2", amount="0.01"))
    run = load(tmp_path, book)
    assert errors(run) == [
        ("allocations.csv", 3, "amount", "over-allocated"),
        ("payments.csv", 2, "amount", "over-allocated"),
    ]
    assert set(sentences(run, "over-allocated")) == {"Terms get 4505.01 of payment P1, but its amount is 4505.00."}


def test_a_payment_can_not_shrink_below_what_is_allocated(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    delta = {"payments.csv": [small_book()["payments.csv"][0] | {"amount": "4504.99"}]}
    run = load(tmp_path, delta, sequence=2, mode="delta")
    assert errors(run) == [("payments.csv", 2, "amount", "over-allocated")]
    freed = delta | {"allocations.csv": [small_book()["allocations.csv"][0] | {"op": "delete"}]}
    assert errors(load(tmp_path, freed, sequence=2, mode="delta")) == []


def test_installments_add_up_without_fees_refunds_and_write_offs(tmp_path: Path) -> None:
    book = small_book()
    left_out = [posted(kind, "7") for kind in ("installment_fee", "nsf_fee", "late_fee", "refund")]
    book["transactions.csv"] += [*left_out, posted("writeoff", "-7")]
    assert warnings(load(tmp_path, book)) == []
    counted = [
        posted("endorsement", "9"), posted("tax", "2"), posted("fund_surcharge", "1"), posted("return_premium", "-5"),
        posted("credit", "-7"),
    ]  # fmt: skip
    assert (
        warnings(load(tmp_path, money_of(book) | {"transactions.csv": book["transactions.csv"] + counted}, sequence=2))
        == []
    )
    run = load(tmp_path, {"transactions.csv": book["transactions.csv"] + counted[:-1]}, sequence=3)
    assert (run.status, warnings(run)) == (Run.Status.APPLIED, [("transactions.csv", 2, "amount", "add-up")])
    assert run.findings.get().sentence == (
        "The installments of term T1 add up to 18000.00, but its transactions come to 18007.00, without fees, refunds, "
        "and write-offs."
    )


def test_sums_that_differ_are_told_once_and_in_every_package(tmp_path: Path) -> None:
    book = small_book()
    del book["installments.csv"][3]
    for sequence in (1, 2):
        run = load(tmp_path, book, sequence=sequence)
        assert warnings(run) == [("installments.csv", 2, "amount", "add-up")]


def test_a_delta_looks_at_the_terms_that_it_names(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    installment = small_book()["installments.csv"][1] | {"amount": "1.00"}
    run = load(tmp_path, {"installments.csv": [installment]}, sequence=2, mode="delta")
    assert warnings(run) == [("installments.csv", 2, "amount", "add-up")]
    account = small_book()["billing_accounts.csv"]
    assert warnings(load(tmp_path, {"billing_accounts.csv": account}, sequence=3, mode="delta")) == []


def test_a_term_that_another_bills_has_nothing_to_add_up(tmp_path: Path) -> None:
    book = small_book()
    book["installments.csv"] = []
    assert warnings(load(tmp_path, book)) == []


def test_odd_dates_and_a_missing_document_are_warnings(tmp_path: Path) -> None:
    book = small_book()
    book["installments.csv"][3]["due"] = "2027-01-01"
    book["invoices.csv"] = [invoice(due="2025-12-31")]
    run = load(tmp_path, book)
    assert (run.status, sorted(warnings(run))) == (
        Run.Status.APPLIED,
        [
            ("installments.csv", 5, "due", "due-after-term"),
            ("invoices.csv", 2, "document_id", "no-document"),
            ("invoices.csv", 2, "due", "due-before-issued"),
        ],
    )


# References.


def test_what_a_row_names_must_be_there(tmp_path: Path) -> None:
    book = small_book()
    book["billing_accounts.csv"][0]["policyholder_id"] = "nobody"
    book["policies.csv"][0]["billing_account_id"] = "B2"
    book["transactions.csv"] = [posted("tax", "1", insured_id="I9") | {"billing_account_id": "B9", "term_id": "T9"}]
    book["invoices.csv"] = [invoice(document_id="D9")]
    book["allocations.csv"][0] |= {"payment_id": "P9"}
    run = load(tmp_path, book)
    assert {(file, column) for file, _, column, code in errors(run) if code == "reference"} == {
        ("billing_accounts.csv", "policyholder_id"),
        ("policies.csv", "billing_account_id"),
        ("transactions.csv", "billing_account_id"),
        ("transactions.csv", "term_id"),
        ("transactions.csv", "insured_id"),
        ("invoices.csv", "document_id"),
        ("allocations.csv", "payment_id"),
    }
