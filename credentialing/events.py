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
    PAPER_REQUESTED = "credentialing:paper_request:opened", "Paper asked for that can't be made online"
    PAPER_REQUEST_SETTLED = "credentialing:paper_request:settled", "Request for a paper settled"
    LOOKED_AT = "credentialing:record:looked_at", "Looked at by staff"


class HolderEvent(TextChoices):
    """Holders of address books, standing holders, and requests about them; `source:subject:action`."""

    CHANGED = "credentialing:holder:changed", "Certificate holder changed"
    REMOVED = "credentialing:holder:removed", "Certificate holder removed from an address book"
    MERGED = "credentialing:holder:merged", "Certificate holders merged"
    STANDING_ADDED = "credentialing:standing_holder:added", "Standing holder added"
    STANDING_CHANGED = "credentialing:standing_holder:changed", "Standing holder changed"
    STANDING_ENDED = "credentialing:standing_holder:ended", "Standing holder ended"
    CHOSEN_AHEAD = "credentialing:joiner:holders_chosen", "Holders chosen ahead for someone who joins"
    ON_FILE_MERGED = "credentialing:holder_on_file:merged", "Holders on file merged by staff"
    ON_FILE_PARTED = "credentialing:holder_on_file:parted", "Merged holders on file parted by staff"
    REQUEST_OPENED = "credentialing:holder_request:opened", "Request about holders opened"
    REQUEST_REPLIED = "credentialing:holder_request:replied", "Reply to staff about holders"
    REQUEST_TAKEN = "credentialing:holder_request:taken", "Request about holders assigned"
    REQUEST_ANSWERED = "credentialing:holder_request:answered", "Request about holders answered"
    REQUEST_CLOSED = "credentialing:holder_request:closed", "Request about holders merged into another"
    REQUEST_DONE = "credentialing:holder_request:done", "Request about holders accepted"
    REQUEST_DECLINED = "credentialing:holder_request:declined", "Request about holders declined"
    REQUEST_WITHDRAWN = "credentialing:holder_request:withdrawn", "Request about holders withdrawn"
    REQUEST_REFUSED = "credentialing:holder_request:refused", "Request about holders refused: limit reached"
    REQUEST_VIEWED = "credentialing:holder_request:viewed", "Request about holders looked at by staff"


class ClaimsPaperEvent(TextChoices):
    """`source:subject:action`."""

    ISSUED = "credentialing:claims_paper:issued", "Claims history or loss run issued"
    RENDERED = "credentialing:claims_paper:rendered", "Claims history or loss run laid out and stored"
    FAILED = "credentialing:claims_paper:failed", "Claims history or loss run could not be laid out"
    RETRIED = "credentialing:claims_paper:retried", "Claims history or loss run tried again"
    DOWNLOADED = "credentialing:claims_paper:downloaded", "Claims history or loss run downloaded"
    FILE_MISSING = "credentialing:claims_paper:file_missing", "File of a claims history or loss run is missing"
    FILE_CHANGED = (
        "credentialing:claims_paper:file_changed",
        "File of a claims history or loss run isn't the one that was stored",
    )
    READ = "credentialing:authorization:used", "Claims history read on the insured's authorization"
    REFUSED = "credentialing:claims_paper:refused", "Claims history refused: no authorization"
    REQUESTED = "credentialing:claims_request:made", "Claims history or loss run requested"
    SETTLED = "credentialing:claims_request:settled", "Request for a claims history or loss run settled by staff"
    AGENT_TOLD = "credentialing:claims_request:agent_told", "Agent of record told about a loss run"
    AUTHORIZED = "credentialing:authorization:given", "Release of a claims history authorized"
    REVOKED = "credentialing:authorization:revoked", "Authorization revoked"


class VerificationEvent(TextChoices):
    """`source:subject:action`."""

    ANSWERED = "credentialing:verification:answered", "Certificate verified by its code or file"
    RECEIPT_GIVEN = "credentialing:verification:receipt_given", "Receipt of a verification given"
    NOT_FOUND = "credentialing:verification:not_found", "Verification with a code, serial number, or file we don't know"
    LIMITED = "credentialing:verification:limited", "Verification refused: too many"
    CEILING_REACHED = (
        "credentialing:verification:ceiling_reached",
        "Verification refused: the hourly ceiling is reached",
    )
    NO_FORM = "credentialing:verification:no_form", "Verification not answered: the state's form is missing"


class PacketEvent(TextChoices):
    """Packets for facilities; `source:subject:action`."""

    BUILT = "credentialing:packet:built", "Packet built"
    LINK_MADE = "credentialing:packet:link_made", "Link of a packet made"
    PREPARED = "credentialing:packet:prepared", "Files of a packet made and stored"
    FAILED = "credentialing:packet:failed", "Files of a packet could not be made"
    RETRIED = "credentialing:packet:retried", "Files of a packet tried again"
    REVOKED = "credentialing:packet:revoked", "Packet revoked"
    OPENED = "credentialing:packet:opened", "Packet opened with its password"
    FETCHED = "credentialing:packet:fetched", "Paper of a packet downloaded"
    WRONG_PASSWORD = "credentialing:packet:wrong_password", "Wrong password for a packet"
    LIMITED = "credentialing:packet:limited", "Opening of packets refused: too many tries"
    FILE_BROKEN = "credentialing:packet:file_broken", "File of a packet missing or changed"


class BatchEvent(TextChoices):
    """Batches of certificates; `source:subject:action`."""

    STARTED = "credentialing:batch:started", "Batch of certificates started"
    CANCELLED = "credentialing:batch:cancelled", "Batch of certificates cancelled"
    RETRIED = "credentialing:batch:retried", "What failed in a batch of certificates tried again"
    FINISHED = "credentialing:batch:finished", "Batch of certificates finished"
    FAILED = "credentialing:batch:failed", "File of a batch of certificates could not be written"
    DOWNLOADED = "credentialing:batch:downloaded", "File of a batch of certificates downloaded"
    FILE_DELETED = "credentialing:batch:file_deleted", "File of a batch of certificates deleted after its days"
    FILE_BROKEN = "credentialing:batch:file_broken", "File of a batch of certificates missing or changed"


class DeliveryEvent(TextChoices):
    """Certificates by email; `source:subject:action`."""

    ASKED = "credentialing:delivery:asked", "Certificate sent by email"
    HANDED_OVER = "credentialing:delivery:handed_over", "Email with a certificate handed to the mail server"
    DELIVERED = "credentialing:delivery:delivered", "Email with a certificate delivered"
    OPENED = "credentialing:delivery:opened", "Email with a certificate opened"
    BOUNCED = "credentialing:delivery:bounced", "Email with a certificate came back"
    FAILED = "credentialing:delivery:failed", "Email with a certificate could not be sent"
    RETRIED = "credentialing:delivery:retried", "Email with a certificate tried again"
    NOT_NEEDED = "credentialing:delivery:not_needed", "Notice to a holder not sent: it no longer applied"
    RUN_HELD = "credentialing:notice_run:held", "Notices to holders held for review"
    RUN_RELEASED = "credentialing:notice_run:released", "Held notices to holders released"
    RUN_DROPPED = "credentialing:notice_run:dropped", "Held notices to holders dropped"


class CaqhEvent(TextChoices):
    """CAQH sheets; `source:subject:action`."""

    EXPORTED = "credentialing:caqh:exported", "CAQH sheets of a term exported to Excel"


class RenewalRunEvent(TextChoices):
    """The board of a renewal; `source:subject:action`."""

    SKIPPED = "credentialing:renewal_run:skipped", "Certificates of a renewal marked as not needed"
    NEEDED = "credentialing:renewal_run:needed", "Certificates of a renewal needed after all"
    EXPORTED = "credentialing:renewal_run:exported", "Board of a renewal exported to Excel"


def _how_many(data: Mapping[str, Any]) -> str:
    """Return '5,000 certificates', or 'certificates' where the line has no number."""
    number = data.get("certificates", data.get("issued"))
    if number is None:
        return "certificates"
    return f"{number:,} certificate{'' if number == 1 else 's'}"


def _what(data: Mapping[str, Any]) -> str:
    """Return the kind and the serial number."""
    kind = "a letter of past coverage" if data.get("kind") == "past_coverage_letter" else "a certificate"
    serial = data.get("serial")
    return f"{kind} {serial}" if serial else kind


def _paper(data: Mapping[str, Any]) -> str:
    """Return the kind and the serial number."""
    kind = "a loss run" if data.get("kind") == "loss_run" else "a claims history"
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
    HolderEvent.CHANGED: Sentence(Kind.DOCUMENTS, "{who} changed a certificate holder."),
    HolderEvent.REMOVED: Sentence(Kind.DOCUMENTS, "{who} removed a certificate holder."),
    HolderEvent.MERGED: Sentence(Kind.DOCUMENTS, "{who} merged two certificate holders."),
    HolderEvent.STANDING_ADDED: Sentence(Kind.DOCUMENTS, "{who} chose a standing holder."),
    HolderEvent.STANDING_CHANGED: Sentence(Kind.DOCUMENTS, "{who} changed what a standing holder gets."),
    HolderEvent.STANDING_ENDED: Sentence(Kind.DOCUMENTS, "{who} ended a standing holder."),
    HolderEvent.ON_FILE_MERGED: Sentence(Kind.DOCUMENTS, "{who} merged two holders that we have on file."),
    HolderEvent.ON_FILE_PARTED: Sentence(Kind.DOCUMENTS, "{who} parted two holders that we have on file."),
    HolderEvent.REQUEST_OPENED: Sentence(Kind.SUPPORT, "{who} sent a request about holders."),
    HolderEvent.REQUEST_REPLIED: Sentence(Kind.SUPPORT, "{who} replied in a request about holders."),
    HolderEvent.REQUEST_TAKEN: Sentence(Kind.SUPPORT, "{who} took on a request about holders."),
    HolderEvent.REQUEST_ANSWERED: Sentence(Kind.SUPPORT, "{who} answered a request about holders."),
    HolderEvent.REQUEST_CLOSED: Sentence(Kind.SUPPORT, "{who} merged a request about holders into another."),
    HolderEvent.REQUEST_DONE: Sentence(Kind.SUPPORT, "{who} did what was asked in a request about holders."),
    HolderEvent.REQUEST_DECLINED: Sentence(Kind.SUPPORT, "{who} declined a request about holders."),
    HolderEvent.CHOSEN_AHEAD: Sentence(Kind.SUPPORT, "{who} chose who gets the certificate of someone who joins."),
    HolderEvent.REQUEST_WITHDRAWN: Sentence(Kind.SUPPORT, "{who} withdrew a request about holders."),
    HolderEvent.REQUEST_REFUSED: Sentence(
        Kind.SUPPORT, "{who} sent many requests about holders, and we took no more for a while."
    ),
    HolderEvent.REQUEST_VIEWED: Sentence(Kind.SUPPORT, "{who} looked at a request about holders."),
    CertificateEvent.PAPER_REQUESTED: Sentence(
        Kind.SUPPORT, "{who} asked for a paper that we can’t make online yet, and we told our staff."
    ),
    CertificateEvent.PAPER_REQUEST_SETTLED: Sentence(Kind.SUPPORT, "{who} settled a request for a paper."),
    CertificateEvent.LOOKED_AT: Sentence(Kind.SUPPORT, "{who} looked at one of your certificates."),
    ClaimsPaperEvent.ISSUED: Sentence(Kind.DOCUMENTS, "{who} created {detail}.", _paper),
    ClaimsPaperEvent.RENDERED: Sentence(Kind.DOCUMENTS, "We made the file of {detail}.", _paper),
    ClaimsPaperEvent.FAILED: Sentence(Kind.DOCUMENTS, "The file of {detail} could not be made.", _paper),
    ClaimsPaperEvent.RETRIED: Sentence(Kind.DOCUMENTS, "{who} tried again to make {detail}.", _paper),
    ClaimsPaperEvent.DOWNLOADED: Sentence(Kind.DOCUMENTS, "{who} downloaded {detail}.", _paper),
    ClaimsPaperEvent.FILE_MISSING: Sentence(Kind.DOCUMENTS, "The file of {detail} was missing.", _paper),
    ClaimsPaperEvent.FILE_CHANGED: Sentence(
        Kind.DOCUMENTS, "The file of {detail} wasn’t the one that we stored, so we didn’t send it.", _paper
    ),
    ClaimsPaperEvent.READ: Sentence(
        Kind.DOCUMENTS, "{who} read a claims history on an authorization.", own="{who} read a claims history."
    ),
    ClaimsPaperEvent.REFUSED: Sentence(
        Kind.DOCUMENTS, "{who} asked for a claims history without an authorization, and didn’t get it."
    ),
    ClaimsPaperEvent.REQUESTED: Sentence(Kind.DOCUMENTS, "{who} asked for {detail}.", _paper),
    ClaimsPaperEvent.SETTLED: Sentence(Kind.DOCUMENTS, "{who} settled a request for {detail}.", _paper),
    ClaimsPaperEvent.AGENT_TOLD: Sentence(Kind.DOCUMENTS, "We told the agent of record about {detail}.", _paper),
    ClaimsPaperEvent.AUTHORIZED: Sentence(Kind.DOCUMENTS, "{who} authorized the release of a claims history."),
    ClaimsPaperEvent.REVOKED: Sentence(Kind.DOCUMENTS, "{who} revoked an authorization to release a claims history."),
    VerificationEvent.ANSWERED: Sentence(Kind.DOCUMENTS, "Someone verified {detail} online.", _what),
    VerificationEvent.RECEIPT_GIVEN: Sentence(Kind.DOCUMENTS, "Someone got a receipt of verifying {detail}.", _what),
    VerificationEvent.NOT_FOUND: Sentence(Kind.DOCUMENTS, "Someone asked about a certificate that we don’t know."),
    VerificationEvent.LIMITED: Sentence(Kind.DOCUMENTS, "We stopped verifications from one network for a while."),
    VerificationEvent.CEILING_REACHED: Sentence(Kind.DOCUMENTS, "We stopped verifications for a while."),
    VerificationEvent.NO_FORM: Sentence(
        Kind.DOCUMENTS, "We couldn’t answer online about {detail}: the state’s form is missing.", _what
    ),
    DeliveryEvent.ASKED: Sentence(Kind.DOCUMENTS, "{who} emailed {detail} to its holder.", _what),
    DeliveryEvent.HANDED_OVER: Sentence(Kind.DOCUMENTS, "We sent the email with {detail}.", _what),
    DeliveryEvent.DELIVERED: Sentence(Kind.DOCUMENTS, "The email with {detail} was delivered.", _what),
    DeliveryEvent.OPENED: Sentence(Kind.DOCUMENTS, "The email with {detail} was opened.", _what),
    DeliveryEvent.BOUNCED: Sentence(Kind.DOCUMENTS, "The email with {detail} came back.", _what),
    DeliveryEvent.FAILED: Sentence(Kind.DOCUMENTS, "The email with {detail} could not be sent.", _what),
    DeliveryEvent.RETRIED: Sentence(Kind.DOCUMENTS, "{who} tried again to send the email with {detail}.", _what),
    DeliveryEvent.NOT_NEEDED: Sentence(Kind.DOCUMENTS, "A notice to a holder wasn’t sent: it no longer applied."),
    DeliveryEvent.RUN_HELD: Sentence(Kind.SUPPORT, "Notices to holders wait for review."),
    DeliveryEvent.RUN_RELEASED: Sentence(Kind.SUPPORT, "{who} released notices to holders."),
    DeliveryEvent.RUN_DROPPED: Sentence(Kind.SUPPORT, "{who} dropped notices to holders."),
    PacketEvent.BUILT: Sentence(Kind.DOCUMENTS, "{who} built a packet for a facility."),
    PacketEvent.LINK_MADE: Sentence(Kind.DOCUMENTS, "{who} made a link to a packet."),
    PacketEvent.PREPARED: Sentence(Kind.DOCUMENTS, "We made the files of a packet."),
    PacketEvent.FAILED: Sentence(Kind.DOCUMENTS, "The files of a packet could not be made."),
    PacketEvent.RETRIED: Sentence(Kind.DOCUMENTS, "{who} tried again to make the files of a packet."),
    PacketEvent.REVOKED: Sentence(Kind.DOCUMENTS, "{who} revoked a packet."),
    PacketEvent.OPENED: Sentence(Kind.DOCUMENTS, "Someone opened a packet with its password."),
    PacketEvent.FETCHED: Sentence(Kind.DOCUMENTS, "Someone downloaded papers of a packet."),
    PacketEvent.WRONG_PASSWORD: Sentence(Kind.DOCUMENTS, "Someone entered a wrong password for a packet."),
    PacketEvent.LIMITED: Sentence(Kind.DOCUMENTS, "We stopped tries to open packets from one network for a while."),
    PacketEvent.FILE_BROKEN: Sentence(
        Kind.DOCUMENTS, "A file of a packet wasn’t the one that we stored, so we didn’t send it."
    ),
    CaqhEvent.EXPORTED: Sentence(Kind.DOCUMENTS, "{who} exported a term’s CAQH sheets to Excel."),
    RenewalRunEvent.SKIPPED: Sentence(Kind.DOCUMENTS, "{who} marked {detail} of a renewal as not needed.", _how_many),
    RenewalRunEvent.NEEDED: Sentence(Kind.DOCUMENTS, "{who} marked {detail} of a renewal as needed.", _how_many),
    RenewalRunEvent.EXPORTED: Sentence(Kind.DOCUMENTS, "{who} exported a renewal run to Excel."),
    BatchEvent.STARTED: Sentence(Kind.DOCUMENTS, "{who} started a batch of {detail}.", _how_many),
    BatchEvent.CANCELLED: Sentence(Kind.DOCUMENTS, "{who} cancelled a batch of certificates."),
    BatchEvent.RETRIED: Sentence(Kind.DOCUMENTS, "{who} tried again to create {detail} of a batch.", _how_many),
    BatchEvent.FINISHED: Sentence(Kind.DOCUMENTS, "We finished a batch: {detail}.", _how_many),
    BatchEvent.FAILED: Sentence(Kind.DOCUMENTS, "The file of a batch of certificates could not be made."),
    BatchEvent.DOWNLOADED: Sentence(Kind.DOCUMENTS, "{who} downloaded a batch: {detail}.", _how_many),
    BatchEvent.FILE_DELETED: Sentence(Kind.DOCUMENTS, "We deleted the file of a batch after its days were over."),
    BatchEvent.FILE_BROKEN: Sentence(
        Kind.DOCUMENTS, "The file of a batch wasn’t the one that we stored, so we didn’t send it."
    ),
}
