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
from django.db.models import Q

from credentialing.certificates.details import Details
from policies.models import AgentOfRecord, Coverage, EreOffer, License

if TYPE_CHECKING:
    from credentialing.certificates.history import History
    from credentialing.models import Holder
    from policies.eligibility import Eligibility
    from policies.models import Membership
    from policies.models.base import Address

# 4 added the policy that continues a letter's; `sheet` reads 3, too. Earlier ones were never released.
VERSION = 4
PERIOD_WORDING = "12:01 a.m. standard time at the named insured’s address"


def build_snapshot(
    coverage: Coverage,
    eligibility: Eligibility,
    holder: Holder | None,
    *,
    day: dt.date,
    as_of: dt.datetime,
    history: History | None = None,
) -> dict[str, Any]:
    """Return the snapshot of a certificate of `coverage` for `holder` (None: to whom it may concern), issued on `day`.

    `coverage` comes with its policy (`with_policy`). `history`: for a letter, what it lists. Six queries: agent of
    record, tails, and `Details`; and one for licenses where they are printed.
    """
    term, policy, insured = coverage.term, coverage.term.policy, coverage.insured
    company, policyholder = policy.company, policy.policyholder
    listed = history.coverages if history else [coverage]
    details = Details(listed if coverage in listed else [*listed, coverage])
    starts, ends = eligibility.starts or coverage.effective, eligibility.ends or coverage.ends
    first = max(day, coverage.effective) if eligibility.speaks_of_today else starts
    return {
        "version": VERSION,
        "kind": str(eligibility.kind),
        "company": {
            "name": company.name,
            "address": company.address_lines,
            "naic": company.naic_number,
            "signatory": company.signatory,
            "signatory_title": company.signatory_title,
            # A file whose name is the digest of its content: the certificate keeps the image it was issued with.
            "signature": company.signature,
        },
        "producer": _producer(coverage),
        "named_insured": _party(policyholder.name, policyholder),
        "insured": {
            "name": insured.display_name,
            # For the file's name; entities have none.
            "last_name": insured.last_name,
            "specialty": coverage.specialty or insured.specialty,
            "npi": insured.npi if settings.CERTIFICATES_PRINT_NPI else "",
            "licenses": _licenses(coverage, day) if settings.CERTIFICATES_PRINT_LICENSES else [],
        },
        "policy": {
            "number": policy.number,
            "starts": str(term.effective),
            "ends": str(term.expires),
            "hour": company.period_wording or PERIOD_WORDING,
        },
        "coverage": {
            **_entry(coverage, details),
            "starts": str(eligibility.starts),
            "ends": str(eligibility.ends),
            "deductible": str(coverage.deductible),
            "deductible_basis": coverage.get_deductible_basis_display() if coverage.deductible_basis else "",
            "endorsements": details.endorsements(coverage, first),
            "suspensions": details.suspensions(coverage, starts, ends),
            "funds": details.funds(coverage, first, ends),
            "scope": coverage.scope,
            "locum": coverage.locum,
            "states": coverage.states,
        },
        "standing": {
            "cancellation_effective": _day(eligibility.cancellation_effective),
            "begins": _day(eligibility.begins),
            "renewal": eligibility.renewal,
            "how_it_ended": "term" if history and history.goes_on else eligibility.how_it_ended,
            "continued": _continued(history),
        },
        "history": [_entry(each, details) for each in listed] if history else [],
        "whole_history": bool(history and history.whole),
        "tails": _tails(listed),
        "holder": _party(holder.name, holder) if holder else None,
        "issued_on": str(day),
        "as_of": {"at": as_of.isoformat(), "zone": settings.TIME_ZONE},
        "contact": {key: settings.SUPPORT["service"][key] for key in ("phone", "email", "hours")},
    }


def digest_of(snapshot: dict[str, Any], *, issued_by: Membership) -> str:
    """Return what makes two certificates the same: SHA-256 of the snapshot as JSON with sorted keys, and of the party
    that
    issued it. Two parties that certify the same to the same holder have a certificate each: one must not learn of the
    other's."""
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


def _party(name: str, address: Address) -> dict[str, Any]:
    return {"name": name, "address": address.address_lines}


def _entry(coverage: Coverage, details: Details) -> dict[str, Any]:
    """Return one coverage with its own dates, for a letter's list and a certificate's facts."""
    return {
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


def _producer(coverage: Coverage) -> dict[str, Any] | None:
    """Return the agent of record on the day of issue, the latest appointment of several; none on direct business."""
    appointment = (
        AgentOfRecord.objects.today()
        .filter(policy=coverage.term.policy)
        .select_related("agency")
        .order_by("-starts", "-id")
        .first()
    )
    if appointment is None:
        return None
    agency = appointment.agency
    return _party(agency.name, agency) | {"code": agency.producer_code, "phone": agency.phone}


def _licenses(coverage: Coverage, day: dt.date) -> list[str]:
    """Return state and number of each license that hasn't expired, by state."""
    licenses = License.objects.not_retired().filter(Q(expires=None) | Q(expires__gte=day), insured=coverage.insured)
    return [f"{found.state} {found.number}" for found in licenses.order_by("state", "number")]


def _tails(coverages: list[Coverage]) -> list[dict[str, Any]]:
    """How the tail stands for each part of each policy, in the order of `coverages`: what is in place, or none; an
    occurrence form needs none."""
    offers: dict[int, list[EreOffer]] = {}
    rows = EreOffer.objects.not_retired().filter(coverage__in=coverages, status__in=list(EreOffer.ON_RECORD))
    for offer in rows.order_by("starts", "id"):
        offers.setdefault(offer.coverage_id, []).append(offer)
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
            for offer in offers.get(coverage.pk, [])
        ]
    return list(found.values())


def _day(value: dt.date | None) -> str | None:
    return str(value) if value else None
