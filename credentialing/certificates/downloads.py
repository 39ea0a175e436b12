"""What is recorded when a certificate's file is given out, and when it can't be."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from core.alerts import alert_staff
from core.events import record_event
from core.throttle import Limit
from credentialing.events import CertificateEvent
from policies.models import reach_of

if TYPE_CHECKING:
    from accounts.models import User
    from credentialing.models import Certificate

BROKEN_FILE = Limit("credentialing:broken-file", 1, dt.timedelta(hours=1))


def record_download(certificate: Certificate, *, by: User) -> None:
    """Record who has the file, for which party, and whose coverage it states."""
    issuer = certificate.membership
    membership = next(
        each
        for each in reach_of(by).memberships
        if (each.insured_id, each.policyholder_id, each.agency_id)
        == (issuer.insured_id, issuer.policyholder_id, issuer.agency_id)
    )
    record_event(
        CertificateEvent.DOWNLOADED,
        subject=certificate,
        by=by,
        serial=certificate.serial,
        role=membership.role,
        membership=membership.pk,
        insured=certificate.coverage.insured_id,
    )


def report_broken_file(certificate: Certificate, *, missing: bool) -> None:
    """Record that a certificate's file is gone or was changed, and tell staff; once an hour for each certificate."""
    if not BROKEN_FILE.hit(str(certificate.pk)).allowed:
        return
    what = "is missing" if missing else "isn’t the one that was stored"
    record_event(
        CertificateEvent.FILE_MISSING if missing else CertificateEvent.FILE_CHANGED,
        subject=certificate,
        serial=certificate.serial,
    )
    alert_staff(
        f"The file of a certificate {what}",
        f"The file of certificate {certificate.serial} {what}, so it isn’t given out. Restore {certificate.file} from "
        f"a backup; its SHA-256 is {certificate.sha256}.",
    )
