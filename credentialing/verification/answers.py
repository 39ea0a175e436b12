"""The answer to a verification: found, put together, stored, and recorded (docs/security.md#verification)."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from prometheus_client import Counter

from core.alerts import alert_staff
from core.clients import client_ip, network_key
from core.crypto import keyed_hash
from core.events import record_event
from core.idempotency import create_once
from core.throttle import Limit
from credentialing.certificates.numbers import new_serial
from credentialing.certificates.sheet import Sheet
from credentialing.events import VerificationEvent
from credentialing.models import Certificate, CertificateForm, ClaimsPaper, Verification, wants_approved_form
from credentialing.verification.standing import Holding, Kind, holdings_of
from policies.eligibility import form_state
from policies.freshness import data_as_of

if TYPE_CHECKING:
    from django.http import HttpRequest

ASKED = Counter("portal_verifications", "Verifications of certificates, by what came of them.", ["outcome"])
# A page that is loaded again is the same look.
SAME_LOOK = dt.timedelta(minutes=10)
MISSING_FORM = Limit("verification:missing-form", 1, dt.timedelta(days=1))
RECEIPT_PREFIX = "VR"


@dataclass(frozen=True, slots=True)
class Answer:
    """What we say about a paper on a day: what it certified (`sheet`), and what holds.

    `form`: the number, edition, and legend that an answer bears in the insured's state, where there is one. `withheld`:
    the state wants an approved form, and the company has none, so that we say nothing but that we issued the paper.
    """

    certificate: Certificate
    sheet: Sheet
    holdings: list[Holding]
    day: dt.date
    as_of: dt.datetime | None
    form: CertificateForm | None
    withheld: bool

    @property
    def differs(self) -> bool:
        """Whether a certificate doesn't hold today just as it was issued: some of it ended, will end, changed, or can't
        be told. A letter is about what ended."""
        as_issued = all(holding.kind is Kind.IN_FORCE and len(holding.sentences) == 1 for holding in self.holdings)
        return not self.sheet.is_letter and not as_issued

    def as_stored(self) -> dict[str, Any]:
        """Return what a `Verification` keeps of it; what was certified is in the certificate's own row."""
        form = self.form
        return {
            "day": str(self.day),
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "withheld": self.withheld,
            "holdings": [asdict(holding) | {"sentences": list(holding.sentences)} for holding in self.holdings],
            "form": {"number": form.form_number, "edition": form.edition, "legend": form.legend} if form else None,
        }


def by_code(code: str) -> Certificate | None:
    """Return the paper with this code, as it is stored."""
    return Certificate.objects.with_policy().select_related("membership").filter(verification_code=code).first()


def by_fingerprint(sha256: str) -> Certificate | None:
    """Return the paper whose file has this SHA-256."""
    papers = Certificate.objects.with_policy().select_related("membership")
    return papers.filter(sha256=sha256, status=Certificate.Status.READY).first()


def claims_paper(**named_by: str) -> ClaimsPaper | None:
    """Return the claims history or loss run with this code (`verification_code`) or file (`sha256`). It is verified by
    a person: what it says is between the insured and who was authorized."""
    found: ClaimsPaper | None = ClaimsPaper.objects.filter(**named_by).first()
    return found


def record_claims_paper(paper: ClaimsPaper) -> None:
    """Record that someone has a claims history's or loss run's code or file."""
    ASKED.labels("claims_paper").inc()
    record_event(VerificationEvent.ANSWERED, subject=paper, serial=paper.serial)


def is_issued(serial: str) -> bool:
    """Whether a paper has this serial number; nothing else is said without its code. Two queries either way."""
    ASKED.labels("serial").inc()
    certificates = Certificate.objects.filter(serial=serial).exists()
    claims_papers = ClaimsPaper.objects.filter(serial=serial).exists()
    return certificates or claims_papers


def answer_about(certificate: Certificate) -> Answer:
    """Return what we say about a paper today; `certificate` comes `with_policy`."""
    policy = certificate.coverage.term.policy
    today, as_of = policy.today(), data_as_of(policy.source)
    state = form_state(certificate.coverage)
    form = CertificateForm.objects.serving(policy.company, state, CertificateForm.Kind.VERIFICATION, today)
    withheld = form is None and wants_approved_form(state)
    if withheld:
        _tell_of_missing_form(certificate, state)
    holdings = [] if withheld else holdings_of(certificate, today=today, as_of=as_of)
    return Answer(certificate, Sheet(certificate.snapshot), holdings, today, as_of, form, withheld)


def not_found(*, what: str) -> None:
    """Record that a code, serial number, or file isn't ours; `what` says which of them."""
    ASKED.labels("not_found").inc()
    record_event(VerificationEvent.NOT_FOUND, what=what)


def keep_look(answer: Answer, *, request: HttpRequest, way: Verification.Way) -> Verification:
    """Store that the answer was given, and record it; once for a page that is loaded again."""
    network = network_of(request)
    stored = answer.as_stored()
    since = timezone.now() - SAME_LOOK
    again = Verification.objects.just_asked(answer.certificate, network=network, since=since).filter(way=way).first()
    if again is not None and again.answer == stored:
        return again
    ASKED.labels("answered").inc()
    with transaction.atomic():
        row = Verification.objects.create(certificate=answer.certificate, way=way, network=network, answer=stored)
        _record(VerificationEvent.ANSWERED, row)
    return row


def give_receipt(
    answer: Answer, *, request: HttpRequest, way: str, name: str, organization: str, key: uuid.UUID
) -> Verification:
    """Store a receipt of the answer for who asks; the same form again gives the same receipt."""

    def create() -> Verification:
        row = Verification.objects.create(
            certificate=answer.certificate,
            way=way,
            network=network_of(request),
            answer=answer.as_stored(),
            name=name,
            organization=organization,
            receipt=new_serial(RECEIPT_PREFIX, answer.day.year),
            idempotency_key=key,
        )
        _record(VerificationEvent.RECEIPT_GIVEN, row)
        return row

    row, is_new = create_once(Verification.objects.of(answer.certificate), key=key, create=create)
    if is_new:
        ASKED.labels("receipt").inc()
    return row


def network_of(request: HttpRequest) -> str:
    """Return the keyed hash of the network that a request comes from."""
    return keyed_hash("verification:network", network_key(client_ip(request)))


def _record(tag: VerificationEvent, row: Verification) -> None:
    certificate = row.certificate
    record_event(tag, subject=certificate, serial=certificate.serial, kind=certificate.kind, verification=row.pk)


def _tell_of_missing_form(certificate: Certificate, state: str) -> None:
    """Record that an answer was withheld, and tell staff once a day for each company and state."""
    company = certificate.coverage.term.policy.company
    if not MISSING_FORM.hit(f"{company.pk}:{state}").allowed:
        return
    record_event(VerificationEvent.NO_FORM, subject=certificate, serial=certificate.serial, kind=certificate.kind)
    alert_staff(
        f"A verification form is missing for {state}",
        f"Someone verified a paper of {company.name} in {state}, where answers need an approved form, and none of the "
        "kind “verification” is on file. The page says that we issued the paper, and whom to call. Add the form to "
        "certificate_forms.csv.",
    )
