"""Tags of what happens to certificates and holders in the event log."""

from django.db.models import TextChoices


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
