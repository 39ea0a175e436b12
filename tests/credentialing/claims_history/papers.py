"""Short ways to what the tests of claims papers do again and again."""

from __future__ import annotations

import io
import uuid

import pypdf
from django.utils import timezone

from accounts.models import User
from core.storage import private_storage
from credentialing.claims_history import issuing
from credentialing.claims_history.access import Subject, subjects_of
from credentialing.claims_history.authorizing import Recipient, authorize
from credentialing.models import Authorization, ClaimsPaper, Holder
from policies.models import Insured, Membership
from tests.credentialing.helpers import flat


def subject_of(user: User, insured: Insured) -> Subject:
    """Return the one history of an insured that the user reaches."""
    (found,) = subjects_of(user, [insured.pk])
    return found


def authorized(by: User, insured: Insured, *, years: int | None = None, **recipient: object) -> Authorization:
    """Return the insured's authorization, signed just now."""
    return authorize(
        insured=insured,
        membership=Membership.objects.get(user=by, insured=insured),
        recipient=Recipient(**recipient),  # type: ignore[arg-type]
        years=years,
        signed_name=insured.display_name,
        by=by,
        code_at=timezone.now(),
        key=uuid.uuid4(),
    )


def issued(user: User, *insureds: Insured, years: int | None = 10, holder: Holder | None = None) -> issuing.Issued:
    """Return what comes of the user's asking for these insureds' histories."""
    return issuing.issue_histories(
        subjects=subjects_of(user, [one.pk for one in insureds]),
        years=years,
        purpose=ClaimsPaper.Purpose.PRIVILEGES,
        holder=holder,
        by=user,
        key=uuid.uuid4(),
    )


def made(paper: ClaimsPaper) -> ClaimsPaper:
    """Return the paper with its file."""
    issuing.render(paper.pk)
    paper.refresh_from_db()
    assert paper.is_ready
    return paper


def pages_of(paper: ClaimsPaper) -> list[str]:
    """Return the text of each page of its file, read by another tool than the one that wrote it."""
    with private_storage().open(paper.file) as stored:
        return [flat(page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(stored.read())).pages]
