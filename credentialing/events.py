"""Tags of what happens to certificates and holders in the event log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import TextChoices

from core.sentences import Kind, Sentence

if TYPE_CHECKING:
    from collections.abc import Mapping


class CertificateEvent(TextChoices):
    """`source:subject:action`."""

    ISSUED = "credentialing:certificate:issued", "Certificate issued"
    ISSUED_AGAIN = "credentialing:certificate:issued_again", "Certificate asked for again the same day"
    RENDERED = "credentialing:certificate:rendered", "Certificate laid out and stored"
    FAILED = "credentialing:certificate:failed", "Certificate could not be laid out"
    RETRIED = "credentialing:certificate:retried", "Certificate tried again"
    DOWNLOADED = "credentialing:certificate:downloaded", "Certificate downloaded"
    FILE_MISSING = "credentialing:certificate:file_missing", "File of a certificate is missing"
    FILE_CHANGED = "credentialing:certificate:file_changed", "File of a certificate isn't the one that was stored"
    HOLDER_ADDED = "credentialing:holder:added", "Certificate holder added"
    LOOKED_AT = "credentialing:record:looked_at", "Looked at by staff"


def _what(data: Mapping[str, Any]) -> str:
    """Return the kind and the serial number."""
    kind = "a letter of past coverage" if data.get("kind") == "past_coverage_letter" else "a certificate"
    serial = data.get("serial")
    return f"{kind} {serial}" if serial else kind


# What an account's activity says of each (S-15).
SENTENCES: dict[str, Sentence] = {
    CertificateEvent.ISSUED: Sentence(Kind.DOCUMENTS, "{who} created {detail}.", _what),
    CertificateEvent.ISSUED_AGAIN: Sentence(Kind.DOCUMENTS, "{who} asked again for {detail}.", _what),
    CertificateEvent.RENDERED: Sentence(Kind.DOCUMENTS, "We made the file of {detail}.", _what),
    CertificateEvent.FAILED: Sentence(Kind.DOCUMENTS, "The file of {detail} could not be made.", _what),
    CertificateEvent.RETRIED: Sentence(Kind.DOCUMENTS, "{who} tried again to make {detail}.", _what),
    CertificateEvent.DOWNLOADED: Sentence(Kind.DOCUMENTS, "{who} downloaded {detail}.", _what),
    CertificateEvent.FILE_MISSING: Sentence(Kind.DOCUMENTS, "The file of {detail} was missing.", _what),
    CertificateEvent.FILE_CHANGED: Sentence(
        Kind.DOCUMENTS, "The file of {detail} wasn’t the one that we stored, so we didn’t send it.", _what
    ),
    CertificateEvent.HOLDER_ADDED: Sentence(Kind.DOCUMENTS, "{who} saved a certificate holder."),
    CertificateEvent.LOOKED_AT: Sentence(Kind.SUPPORT, "{who} looked at one of your certificates."),
}
