"""The snapshots of claims histories and loss runs: everything on their pages, taken from the tables at one moment.

Plain JSON with ISO dates and decimal strings, as a certificate's. A history's claims come from `for_third_parties`, so
what a third party mustn't read isn't in its snapshot at all.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, Q

from claims.models import FOR_THIRD_PARTIES, Claim, years_before
from credentialing.models import CertificateForm, ClaimsPaper, wants_approved_form
from policies.freshness import data_as_of
from policies.models import Coverage, Term

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from credentialing.claims_history.access import Key, Subject
    from credentialing.models import Authorization, Holder
    from policies.models import Company, Policy, Policyholder
    from policies.models.base import Address

VERSION = 1
OWNERS = {
    "of_insured": F("insured_id"),
    "of_company": F("policy__company_id"),
    "of_policyholder": F("policy__policyholder_id"),
    "of_source": F("source"),
}
# What a loss run says of a claim beyond a history.
OF_LOSS_RUN = (*FOR_THIRD_PARTIES, "expense_paid", "reserve")


class NotIssuableError(Exception):
    """Nothing can be issued; the message is the sentence for the user. `for_staff`: staff can do it, and are asked."""

    def __init__(self, message: str, *, for_staff: bool = False) -> None:
        super().__init__(message)
        self.for_staff = for_staff


def histories(
    subjects: Sequence[Subject],
    *,
    years: int | None,
    purpose: str,
    holder: Holder | None,
    grounds: Mapping[Key, Authorization | None],
    today: dt.date,
) -> dict[Key, dict[str, Any] | NotIssuableError]:
    """Return the snapshot of each subject's history, or why there is none. Two queries, however many subjects: claims
    and forms; and one for the age of each source's data.

    `grounds`: the authorization that each rests on, if any.
    """
    claims = _claims_of(subjects)
    forms = CertificateForm.objects.registry()
    data = {source: data_as_of(source) for source in sorted({subject.company.source for subject in subjects})}
    found: dict[Key, dict[str, Any] | NotIssuableError] = {}
    for subject in subjects:
        company, state = subject.company, subject.insured.state
        as_of = data[company.source]
        form = forms.serving(company.pk, state, CertificateForm.Kind.CLAIMS_HISTORY, today)
        if as_of is None:
            found[subject.key] = NotIssuableError("We haven’t received any data for this policy yet.", for_staff=True)
            continue
        if form is None and wants_approved_form(state):
            found[subject.key] = NotIssuableError(
                f"{state} accepts a claims history only on an approved form, and {company.name} has none on file.",
                for_staff=True,
            )
            continue
        valued = valued_on(as_of)
        rows = _within(_own(claims[subject.insured.pk], subject), years, valued)
        found[subject.key] = {
            **_frame(company, as_of=as_of, valued=valued, today=today, years=years),
            "kind": str(ClaimsPaper.Kind.HISTORY),
            "insured": _insured(subject),
            "file_name": subject.insured.last_name or subject.insured.display_name,
            "under": subject.policyholder.name if subject.policyholder else "",
            "purpose": str(ClaimsPaper.Purpose(purpose).label) if purpose else "",
            "holder": party(holder.name, holder) if holder else None,
            "authorization": _release(grounds.get(subject.key)),
            "form": _form(form),
            **_coverage(subject.coverages, years, valued),
            "claims": [_claim(row) for row in rows],
        }
    return found


def loss_run(
    policies: Sequence[Policy],
    *,
    policyholder: Policyholder,
    years: int | None,
    reserves: bool,
    account: str,
    today: dt.date,
) -> dict[str, Any]:
    """Return the snapshot of the loss run of some policies of one company: of one, or of all on an account. Two
    queries, and one for the data's age. `reserves`: whether they are shown. Raises NotIssuableError without data.

    Bare incidents aren't in it: they are the insureds' own affair.
    """
    company = policies[0].company
    as_of = data_as_of(company.source)
    if as_of is None:
        raise NotIssuableError("We haven’t received any data for this policy yet.", for_staff=True)
    valued = valued_on(as_of)
    rows = (
        Claim.objects.not_retired()
        .without_incidents()
        .filter(policy__in=policies)
        .in_window(years, valued=valued)
        .select_related("insured", "policy")
        .order_by("-report_date", "number", "pk")
    )
    terms = Term.objects.not_retired().filter(policy__in=policies, status__in=Term.TAKEN_UP, effective__lte=valued)
    starts = window_start(years, valued)
    return {
        **_frame(company, as_of=as_of, valued=valued, today=today, years=years),
        "kind": str(ClaimsPaper.Kind.LOSS_RUN),
        "named_insured": party(policyholder.name, policyholder),
        "file_name": policyholder.name if account else policies[0].number,
        "account": account,
        "reserves": reserves,
        "policies": [{"number": policy.number, "program": policy.get_program_display()} for policy in policies],
        "periods": _periods(list(terms), {policy.pk: policy for policy in policies}, starts),
        "claims": [
            {
                **_claim({name: _value(claim, name) for name in OF_LOSS_RUN}),
                "insured": claim.insured.display_name,
                "expense": str(claim.expense_paid),
                "reserve": str(claim.reserve or 0) if reserves else None,
            }
            for claim in rows
        ],
    }


def valued_on(as_of: dt.datetime) -> dt.date:
    """Return the valuation date: the carrier's day of the data's as-of time."""
    return as_of.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def window_start(years: int | None, valued: dt.date) -> dt.date | None:
    """Return the first day of a window; None of all years."""
    return None if years is None else years_before(valued, years)


def digest_of(snapshot: Mapping[str, Any]) -> str:
    """Return SHA-256 of the snapshot as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(snapshot, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def party(name: str, address: Address) -> dict[str, Any]:
    """Return a name with its address."""
    return {"name": name, "address": address.address_lines}


def _frame(
    company: Company, *, as_of: dt.datetime, valued: dt.date, today: dt.date, years: int | None
) -> dict[str, Any]:
    starts = window_start(years, valued)
    return {
        "version": VERSION,
        "company": {
            "name": company.name,
            "address": company.address_lines,
            "naic": company.naic_number,
            "signatory": company.signatory,
            "signatory_title": company.signatory_title,
            "signature": company.signature,
        },
        "years": years,
        "window_starts": str(starts) if starts else None,
        "valued_on": str(valued),
        "issued_on": str(today),
        "as_of": {"at": as_of.isoformat(), "zone": settings.TIME_ZONE},
        "contact": {key: settings.SUPPORT["service"][key] for key in ("phone", "email", "hours")},
    }


def _insured(subject: Subject) -> dict[str, Any]:
    insured = subject.insured
    return {
        "name": insured.display_name,
        "specialty": subject.coverages[0].specialty or insured.specialty,
        "npi": insured.npi if settings.CERTIFICATES_PRINT_NPI else "",
    }


def _coverage(coverages: Sequence[Coverage], years: int | None, valued: dt.date) -> dict[str, Any]:
    """Return the periods of coverage that begin by the valuation date and reach into the window, the latest first; and
    the first day of any with the company."""
    starts = window_start(years, valued)
    listed = [one for one in coverages if one.effective <= valued and (starts is None or one.ends > starts)]
    return {
        "since": str(min(one.effective for one in coverages)),
        "coverages": [
            {
                "policy": one.term.policy.number,
                "named_insured": one.term.policy.policyholder.name,
                "part": one.get_part_display(),
                "form_name": one.get_form_display().lower(),
                "retroactive": one.retroactive_text,
                "starts": str(one.effective),
                "ends": str(one.ends),
                "per": one.per_claim_label,
                "per_claim": str(one.limit_per_claim),
                "aggregate": str(one.limit_aggregate),
                "specialty": one.specialty,
            }
            for one in listed
        ],
    }


def _periods(terms: Sequence[Term], policies: Mapping[int, Policy], starts: dt.date | None) -> list[dict[str, str]]:
    found = []
    for term in terms:
        term.policy = policies[term.policy_id]
        if term.ends > term.effective and (starts is None or term.ends > starts):
            found.append({"policy": term.policy.number, "starts": str(term.effective), "ends": str(term.ends)})
    return found


def _claims_of(subjects: Sequence[Subject]) -> dict[int, list[dict[str, Any]]]:
    """Return the claims and suits of each insured, the latest reported first. One query."""
    ids = [subject.insured.pk for subject in subjects]
    seen_by_others = Q(policy=None) | Q(policy__retired_at=None)
    rows = (
        Claim.objects.filter(insured_id__any=ids)
        .for_third_parties()
        .annotate(**OWNERS, shown_to_others=Q(seen_by_others))
        .order_by("-report_date", "number", "pk")
    )
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["of_insured"]].append(row)
    return found


def _own(rows: Sequence[Mapping[str, Any]], subject: Subject) -> list[Mapping[str, Any]]:
    """Return those of a subject's company, and for others than the insured, on the policyholder's policies.

    A claim on a policy that the carrier no longer sends names no company: the insured's own history has it, whichever
    company of that source it is of. Leaving a claim out would be worse.
    """
    if subject.policyholder is not None:
        wanted = (subject.company.pk, subject.policyholder.pk)
        return [r for r in rows if (r["of_company"], r["of_policyholder"]) == wanted and r["shown_to_others"]]
    return [
        row
        for row in rows
        if row["of_company"] == subject.company.pk
        or (row["of_company"] is None and row["of_source"] == subject.company.source)
    ]


def _within(rows: Sequence[Mapping[str, Any]], years: int | None, valued: dt.date) -> list[Mapping[str, Any]]:
    """Return those of a window, as `ClaimQuerySet.in_window` does for rows in the database."""
    known = [row for row in rows if row["report_date"] <= valued]
    starts = window_start(years, valued)
    if starts is None:
        return known
    return [row for row in known if row["report_date"] >= starts or row["status"] == Claim.Status.OPEN]


def _claim(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": row["number"],
        "policy": row["policy__number"] or "",
        "kind": str(Claim.Kind(row["kind"]).label),
        "status": str(Claim.Status(row["status"]).label),
        "disposition": row["disposition"],
        "incident": _day(row["incident_date"]),
        "report": _day(row["report_date"]),
        "closed": _day(row["closed_date"]),
        "indemnity": str(row["indemnity_paid"]),
        "description": row["description"],
    }


def _value(claim: Claim, name: str) -> Any:
    if name == "policy__number":
        return claim.policy.number if claim.policy else ""
    return getattr(claim, name)


def _form(form: CertificateForm | None) -> dict[str, str] | None:
    return {"number": form.form_number, "edition": form.edition, "legend": form.legend} if form else None


def _release(given: Authorization | None) -> dict[str, str] | None:
    return {"given_on": str(given.given_on), "expires_on": str(given.expires_on)} if given else None


def _day(value: dt.date | None) -> str | None:
    return str(value) if value else None
