"""Short ways to what the tests of credentialing do again and again."""

from __future__ import annotations

import io
import re
import uuid
from typing import Any

import pypdf

from accounts.models import User
from core.storage import private_storage
from credentialing.certificates import issuing
from credentialing.models import Certificate, Holder
from policies.eligibility import Part, judge_now
from policies.models import Coverage


def issued(coverage: Coverage, user: User, holder: Holder | None = None) -> Certificate:
    """Return a certificate of this coverage alone that the user has issued, still queued."""
    loaded = Coverage.objects.with_policy().get(pk=coverage.pk)
    return issuing.issue(
        parts=[Part(loaded, judge_now(loaded))],
        holder=holder,
        by=user,
        membership=issuing.acting_membership(user, loaded),
        key=uuid.uuid4(),
    )


def made(coverage: Coverage, user: User, holder: Holder | None = None) -> Certificate:
    """Return a certificate whose file is there."""
    certificate = issued(coverage, user, holder)
    issuing.render(certificate.pk)
    certificate.refresh_from_db()
    assert certificate.is_ready
    return certificate


def pdf_of(certificate: Certificate) -> pypdf.PdfReader:
    """Its file, read by another tool than the one that wrote it."""
    with private_storage().open(certificate.file) as stored:
        return pypdf.PdfReader(io.BytesIO(stored.read()))


def words_of(certificate: Certificate) -> str:
    """Return the text of its file, all on one line."""
    return flat(" ".join(page.extract_text() for page in pdf_of(certificate).pages))


def flat(text: str) -> str:
    """Text without line breaks and repeated spaces."""
    return re.sub(r"\s+", " ", text)


def a_holder(user: User, coverage: Coverage, **fields: Any) -> Holder:
    """Return a holder in the address book of the party that the user acts for."""
    typed = {
        "name": "Saint Brendan Medical Center",
        "address1": "One Hospital Plaza",
        "address2": "",
        "city": "Kingston",
        "state": "NY",
        "zip": "12401",
    }
    loaded = Coverage.objects.with_policy().get(pk=coverage.pk)
    membership = issuing.acting_membership(user, loaded)
    return issuing.keep_holder(by=user, membership=membership, **(typed | fields))


def new_holder_form(**fields: Any) -> dict[str, Any]:
    """Return what the form sends for a new holder."""
    return {
        "idempotency_key": str(uuid.uuid4()),
        "recipient": "new",
        "name": "Saint Brendan Medical Center",
        "address1": "One Hospital Plaza",
        "city": "Kingston",
        "state": "NY",
        "zip": "12401",
        **fields,
    }


def to_whom() -> dict[str, str]:
    """Return what the form sends for 'to whom it may concern'."""
    return {"idempotency_key": str(uuid.uuid4()), "recipient": "concern"}
