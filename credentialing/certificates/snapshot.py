"""The snapshot of a certificate: everything its page says, taken from the tables at the moment of issue.

Plain JSON with ISO dates and decimal strings, so that it reads the same in ten years, whatever the tables are then.
Facts that aren't on record aren't in it, so no page claims them (docs/spec.md#insurance-facts).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

from django.conf import settings

from credentialing.certificates.registry import form_for
from policies.models import Coverage, EreOffer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credentialing.certificates.details import Details
    from credentialing.certificates.history import History
    from credentialing.models import Holder
    from policies.eligibility import Part
    from policies.models import Membership
    from policies.models.base import Address

# 5 has several parts, the day that it is about, and the form; 4 added the policy that continues a letter's. `sheet`
# reads 3 and 4, too. Earlier ones were never released.
VERSION = 5
PERIOD_WORDING = "12:01 a.m. standard time at the named insured’s address"


def build_snapshot(
    parts: Sequence[Part],
    holder: Holder | None,
    *,
    day: dt.date,
    about: dt.date,
    as_of: dt.datetime,
    details: Details,
    history: History | None = None,
) -> dict[str, Any]:
    """Return the snapshot of a certificate of `parts` for `holder` (None: to whom it may concern), issued on `day`
    about the day `about`.

    The parts are one insured's in one term, give the same, and come with their policy (`with_policy`). `details` are
    those of the parts and of the history; `history`: for a letter, what it lists. No query, but one a request for the
    forms.
    """
    lead = parts[0]
    coverage, eligibility = lead.coverage, lead.gives
    term, policy, insured = coverage.term, coverage.term.policy, coverage.insured
    company, policyholder = policy.company, policy.policyholder
    listed = history.coverages if history else [part.coverage for part in parts]
    return {
        "version": VERSION,
        "kind": str(eligibility.kind),
        "form": _form(coverage, letter=eligibility.is_letter, day=day),
        "company": {
            "name": company.name,
            "address": company.address_lines,
            "naic": company.naic_number,
            "signatory": company.signatory,
            "signatory_title": company.signatory_title,
            # A file whose name is the digest of its content: the certificate keeps the image it was issued with.
            "signature": company.signature,
        },
        "producer": _producer(coverage, details),
        "named_insured": _party(policyholder.name, policyholder),
        "insured": {
            "name": insured.display_name,
            # For the file's name; entities have none.
            "last_name": insured.last_name,
            "specialty": coverage.specialty or insured.specialty,
            "npi": insured.npi if settings.CERTIFICATES_PRINT_NPI else "",
            "licenses": details.licenses(coverage, day),
        },
        "policy": {
            "number": policy.number,
            "starts": str(term.effective),
            "ends": str(term.expires),
            "hour": company.period_wording or PERIOD_WORDING,
        },
        "parts": [_part(part, details, about=about) for part in parts],
        "standing": {
            "cancellation_effective": _day(eligibility.cancellation_effective),
            "begins": _day(min((part.gives.begins for part in parts if part.gives.begins), default=None)),
            "renewal": eligibility.renewal,
            "how_it_ended": (history and history.goes_on) or eligibility.how_it_ended,
            "continued": _continued(history),
        },
        "history": [_entry(each, details) for each in listed] if history else [],
        "whole_history": bool(history and history.whole),
        "tails": _tails(listed, details),
        "holder": _party(holder.name, holder) if holder else None,
        "issued_on": str(day),
        "about": str(about),
        "as_of": {"at": as_of.isoformat(), "zone": settings.TIME_ZONE},
        "contact": {key: settings.SUPPORT["service"][key] for key in ("phone", "email", "hours")},
    }


def digest_of(snapshot: dict[str, Any], *, issued_by: Membership) -> str:
    """Return what makes two certificates the same: SHA-256 of the snapshot as JSON with sorted keys, and of the party
    that issued it.

    Two parties that certify the same to the same holder have a certificate each: one must not learn of the other's.
    """
    party = [issued_by.insured_id, issued_by.policyholder_id, issued_by.agency_id]
    return hashlib.sha256(json.dumps([snapshot, party], sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def texts_of(snapshot: Any) -> list[str]:
    """Return every text in a snapshot, in order; all of them must be printable."""
    if isinstance(snapshot, str):
        return [snapshot]
    if isinstance(snapshot, dict):
        return [text for value in snapshot.values() for text in texts_of(value)]
    if isinstance(snapshot, list):
        return [text for value in snapshot for text in texts_of(value)]
    return []


def _form(coverage: Coverage, *, letter: bool, day: dt.date) -> dict[str, str] | None:
    """Return number, edition, and legend of the form that the paper bears; None without one."""
    form = form_for(coverage, letter=letter, day=day)
    return {"number": form.form_number, "edition": form.edition, "legend": form.legend} if form else None


def _party(name: str, address: Address) -> dict[str, Any]:
    return {"name": name, "address": address.address_lines}


def _part(part: Part, details: Details, *, about: dt.date) -> dict[str, Any]:
    """Return one part as a certificate states it: over all its segments, with what holds on the day it is about."""
    coverage, gives = part.coverage, part.gives
    starts, ends = gives.starts or coverage.effective, gives.ends or coverage.ends
    first = starts if gives.is_letter else max(about, coverage.effective)
    return {
        **_entry(coverage, details),
        "starts": str(starts),
        "ends": str(ends),
        "deductible": str(coverage.deductible),
        "deductible_basis": coverage.get_deductible_basis_display() if coverage.deductible_basis else "",
        "endorsements": details.endorsements(coverage, first),
        "suspensions": details.suspensions(coverage, starts, ends),
        "funds": details.funds(coverage, first, ends),
        "scope": coverage.scope,
        "locum": coverage.locum,
        "states": coverage.states,
    }


def _entry(coverage: Coverage, details: Details) -> dict[str, Any]:
    """Return one coverage with its own dates, for a letter's list and a certificate's facts."""
    return {
        "coverage": coverage.public_id,
        "policy": coverage.term.policy.number,
        "named_insured": coverage.term.policy.policyholder.name,
        "part": coverage.get_part_display(),
        "form": coverage.form,
        "form_name": coverage.get_form_display().lower(),
        "retroactive": coverage.retroactive_text,
        "starts": str(coverage.effective),
        "ends": str(coverage.ends),
        "per": coverage.per_claim_label,
        "per_claim": str(coverage.limit_per_claim),
        "aggregate": str(coverage.limit_aggregate),
        "shared": coverage.limits_shared or bool(coverage.limits_shared_with),
        "shared_with": coverage.limits_shared_with,
        "defense": coverage.get_defense_display() if coverage.defense else "",
        "prior_limits": details.prior_limits(coverage),
        "suspensions": details.suspensions(coverage, coverage.effective, coverage.ends),
        "funds": details.funds(coverage, coverage.effective, coverage.ends),
    }


def _continued(history: History | None) -> dict[str, str] | None:
    """Return the policy under which coverage went on, and since when; None without one."""
    if history is None or history.continued is None:
        return None
    return {"policy": history.continued.term.policy.number, "since": str(history.continued.effective)}


def _producer(coverage: Coverage, details: Details) -> dict[str, Any] | None:
    """Return the agent of record on the day of issue; none on direct business."""
    appointment = details.producer(coverage)
    if appointment is None:
        return None
    agency = appointment.agency
    return _party(agency.name, agency) | {"code": agency.producer_code, "phone": agency.phone}


def _tails(coverages: Sequence[Coverage], details: Details) -> list[dict[str, Any]]:
    """How the tail stands for each part of each policy, in the order of `coverages`: what is in place, or none; an
    occurrence form needs none."""
    found: dict[tuple[str, str, bool], dict[str, Any]] = {}
    for coverage in coverages:
        is_occurrence = coverage.form == Coverage.Form.OCCURRENCE
        key = (coverage.term.policy.number, coverage.part, is_occurrence)
        tail = found.setdefault(
            key,
            {
                "policy": coverage.term.policy.number,
                "part": coverage.get_part_display(),
                "occurrence": is_occurrence,
                "in_place": [],
            },
        )
        tail["in_place"] += [
            {
                "option": offer.option,
                "state": EreOffer.ON_RECORD[offer.status],
                "starts": _day(offer.starts),
                "ends": _day(offer.ends),
            }
            for offer in details.tails(coverage)
        ]
    return list(found.values())


def _day(value: dt.date | None) -> str | None:
    return str(value) if value else None
