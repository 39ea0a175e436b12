"""The carrier's writing companies, and the forms of their certificates."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from feed.example.people import plain
from feed.example.rows import flag
from feed.example.signatures import signature
from feed.example.terms import years_later
from feed.example.words import Address
from feed.example.writing import PackageWriter


class WritingCompany(NamedTuple):
    """A company that writes policies. `states`: where it does; empty for everywhere.

    `period`: how its policies word when a period begins and ends. `pending`: what a certificate says of a cancellation
    ahead. `says_cancelled`: whether its letters name a cancellation. `form_states`: states with certificate forms of
    their own.
    """

    id: str
    name: str
    naic: str
    place: Address
    signatory: str
    title: str
    services: str
    period: str
    pending: str
    says_cancelled: bool = False
    states: tuple[str, ...] = ()
    form_states: tuple[str, ...] = ()


LARKFIELD = Address("1 Larkfield Way", "", "Hartford", "CT", "06103")
STANDARD_TIME = "12:01 a.m. standard time at the named insured’s address"
COMPANIES = (
    WritingCompany(
        "C1", "Larkfield Mutual Insurance Company", "00901", LARKFIELD, "Imogen Vale", "President",
        "pay;autopay;ere;forms;renew", STANDARD_TIME, "state", form_states=("TX", "GA"),
    ),
    # Surplus lines: its forms aren't online.
    WritingCompany(
        "C2", "Larkfield Specialty Insurance Company", "00902", LARKFIELD, "Imogen Vale", "President", "pay;ere",
        STANDARD_TIME, "staff", says_cancelled=True, form_states=("TX",),
    ),
    # Taken over: its billing is still elsewhere, and no form of its own is approved in Texas.
    WritingCompany(
        "C3", "Harrow Vale Reciprocal Exchange", "00903",
        Address("400 Vale Street", "Floor 6", "San Rafael", "CA", "94901"), "Cornelius Ashdown", "Attorney-in-fact",
        "forms;renew", "12:01 a.m. local time at the subscriber’s address", "nothing",
        states=("CA", "AZ", "NM", "CO", "HI", "TX"),
    ),
)  # fmt: skip
BY_COMPANY = {one.id: one for one in COMPANIES}

CERTIFICATE = (
    "This certificate is for information only. It gives its holder no rights, and it does not amend, extend, or alter "
    "the coverage of the policies it describes."
)
# Kind → form number and legend.
FORMS = {
    "certificate": ("COI-10", CERTIFICATE),
    "letter": ("VOC-20", "This letter states past coverage only. It is not a policy and changes none."),
    "verification": ("VER-30", "This answer is for information only and gives no rights under any policy."),
    "claims_history": ("CLH-40", "This company’s records only; not a National Practitioner Data Bank report."),
}  # fmt: skip
GEORGIA = "Nothing in this document amends, extends, or alters coverage, rights, or duties under the policy it names."


def write_companies(out: PackageWriter, *, today: dt.date) -> None:
    """Add the companies and their certificate forms, in the edition of today and the one before."""
    for company in COMPANIES:
        path = f"signatures/{plain(company.signatory)}.svg"
        out.write_document(path, signature(company.signatory).encode())
        out.add(
            "companies.csv", company_id=company.id, name=company.name, naic_number=company.naic,
            **company.place._asdict(), signatory=company.signatory, signatory_title=company.title,
            services=company.services, period_wording=company.period, pending_cancellation=company.pending,
            says_cancelled=flag(company.says_cancelled), signature=path,
        )  # fmt: skip
        since = (today - dt.timedelta(days=180)).replace(day=1)
        for state in ("", *company.form_states):
            for kind, (number, legend) in FORMS.items():
                form = f"{'HV' if company.id == 'C3' else 'LM'}-{number}{f'-{state}' if state else ''}"
                words = f"{GEORGIA} {legend}" if state == "GA" else legend
                _write_form(out, company.id, state, kind, form, years_later(since, -2), since, words)
                _write_form(out, company.id, state, kind, form, since, None, words)


def _write_form(
    out: PackageWriter, company: str, state: str, kind: str, form: str, effective: dt.date, expires: dt.date | None,
    legend: str,
) -> None:  # fmt: skip
    out.add(
        "certificate_forms.csv", company_id=company, state=state, kind=kind, form_number=form,
        edition=f"{effective:%m-%y}", effective=effective.isoformat(), expires=expires.isoformat() if expires else "",
        legend=legend,
    )  # fmt: skip
