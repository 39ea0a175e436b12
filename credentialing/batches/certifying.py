"""Issuing many certificates at once, in the transaction of the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from core.events import record_many
from core.origin import Origin, acting_from, current_origin
from credentialing.certificates.issuing import Wanted, prepare_many
from credentialing.certificates.numbers import new_serial, new_verification_code
from credentialing.events import CertificateEvent
from credentialing.models import Certificate

if TYPE_CHECKING:
    import datetime as dt
    import uuid
    from collections.abc import Iterable, Sequence

    from accounts.models import User
    from credentialing.models import Holder
    from policies.eligibility import Part
    from policies.models import Membership


@dataclass(frozen=True)
class Asked:
    """A certificate that is asked for.

    `parts`: what it is to hold (`Wanted.parts`), judged about the day `about` (None: today). `key` is its own.
    """

    parts: Sequence[Part]
    holder: Holder | None
    key: uuid.UUID
    about: dt.date | None = None


def certify(
    asked: Sequence[Asked], *, by: User, membership: Membership, by_itself: bool = False
) -> list[Certificate | str]:
    """Issue each certificate, without a file, and return it, or the sentence that says why there is none, in order.

    What the party issued with the same content today is returned again. `by_itself`: nobody asked; the portal issues on
    behalf of `by`.
    """
    prepared = prepare_many([Wanted(one.parts, one.holder, membership, one.about) for one in asked], by=by)
    made: list[Certificate | str] = []
    for one, answer in zip(asked, prepared, strict=True):
        if answer.certificate is not None:
            answer.certificate.idempotency_key = one.key
        made.append(answer.certificate or answer.refusal)
    stored = _store([each for each in made if isinstance(each, Certificate)])
    answers = [each if isinstance(each, str) else stored[_content(each)] for each in made]
    _record([each for each in stored.values() if not each.was_there], by=by, membership=membership, by_itself=by_itself)
    return answers


Content = tuple[int, str]


def _content(certificate: Certificate) -> Content:
    return certificate.coverage_id, certificate.snapshot_digest


def _store(certificates: Sequence[Certificate]) -> dict[Content, Certificate]:
    """Insert those that aren't there yet, by one statement where no other process inserts one of them meanwhile."""
    wanted = {_content(each): each for each in certificates}
    found = _there(wanted.values())
    new = [each for content, each in wanted.items() if content not in found]
    for each in new:
        _number(each)
    try:
        with transaction.atomic():
            Certificate.objects.bulk_create(new)
    except IntegrityError:
        # The same certificate at the same moment, the same form, or a number that is taken: each for itself.
        new = [each for each in new if _insert(each)]
        found |= _there(wanted.values())
    for each in new:
        found[_content(each)] = each
    return found


def _there(certificates: Iterable[Certificate]) -> dict[Content, Certificate]:
    """Return those that were issued today with the same content."""
    rows = list(certificates)
    found = Certificate.objects.filter(
        coverage__in={each.coverage_id for each in rows},
        snapshot_digest__in={each.snapshot_digest for each in rows},
        issued_on__in={each.issued_on for each in rows},
    )
    there = {}
    for each in found:
        each.was_there = True
        there[_content(each)] = each
    return there


def _insert(certificate: Certificate) -> bool:
    """Insert one row; False where the same one is there. Raises RuntimeError if no number is free in five tries."""
    for _ in range(5):
        _number(certificate)
        certificate.pk = None
        try:
            with transaction.atomic():
                certificate.save(force_insert=True)
        except IntegrityError:
            if _there([certificate]):
                return False
        else:
            return True
    raise RuntimeError("No free serial number was found in five tries.")


def _number(certificate: Certificate) -> None:
    """Give it a serial number and a code, and no file until someone needs one."""
    prefix = Certificate.PREFIXES.get(certificate.kind, "COI")
    certificate.serial = new_serial(prefix, certificate.issued_on.year)
    certificate.verification_code = new_verification_code()
    certificate.status = Certificate.Status.UNFILED


def _record(certificates: Sequence[Certificate], *, by: User, membership: Membership, by_itself: bool) -> None:
    """Record each that is new, as issued by the user who started the batch, or on behalf of `by`."""
    facts = {"role": membership.role, "membership": membership.pk}
    lines = [
        (each, by if by_itself else None, {"serial": each.serial, "kind": each.kind, **facts}) for each in certificates
    ]
    origin = Origin(user=None if by_itself else by, request_id=current_origin().request_id)
    with acting_from(lambda: origin):
        record_many(CertificateEvent.ISSUED, lines)
