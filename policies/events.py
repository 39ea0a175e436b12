"""Tags of what happens to policies and memberships in the event log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import TextChoices

from core.sentences import Kind, Sentence
from policies.change_requests.events import SENTENCES as CHANGE_REQUESTS
from policies.change_requests.events import ChangeEvent
from policies.rosters.events import SENTENCES as ROSTERS
from policies.rosters.events import RosterEvent

__all__ = ["SENTENCES", "ChangeEvent", "PolicyEvent", "RenewalEvent", "RosterEvent"]
from policies.renewals.events import RENEWAL_SENTENCES, RenewalEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SENTENCES", "PolicyEvent", "RenewalEvent"]


class PolicyEvent(TextChoices):
    MEMBERSHIP_GRANTED = "policies:membership:granted", "Membership granted"
    MEMBERSHIP_CHANGED = "policies:membership:changed", "Membership changed"
    MEMBERSHIP_REVOKED = "policies:membership:revoked", "Membership revoked"
    MEMBERSHIP_APPROVED = "policies:membership:approved", "Membership approved by a second member of staff"
    DELEGATE_INVITED = "policies:invitation:made", "Colleague invited"
    INVITATION_RESENT = "policies:invitation:resent", "Invitation sent again"
    INVITATION_WITHDRAWN = "policies:invitation:withdrawn", "Invitation withdrawn"
    SIGNATURE_SET = "policies:company:signature_set", "Signature of a company set"
    SIGNATURE_REMOVED = "policies:company:signature_removed", "Signature of a company removed"
    DOCUMENT_DOWNLOADED = "policies:document:downloaded", "Document downloaded"
    DOCUMENT_BROKEN = "policies:document:broken", "File of a document missing or changed"
    DOCUMENTS_ASKED = "policies:document_file:asked", "Documents asked for as one PDF"
    DOCUMENTS_REFUSED = "policies:document_file:refused", "Documents as one PDF refused: too many in an hour"
    DOCUMENTS_DOWNLOADED = "policies:document_file:downloaded", "Documents downloaded as one PDF"
    DOCUMENTS_FAILED = "policies:document_file:failed", "Documents couldn't be combined"
    DOCUMENTS_RETRIED = "policies:document_file:retried", "Combining documents tried again"
    CONTACT_CHANGED = "policies:contact:changed", "Contact details changed"
    STAFF_LOOK = "policies:record:looked_at", "Looked at by staff"


_ROLES = {"insured": " as an insured", "policyholder": " for a policyholder", "agent": " for an agency"}


def _role(data: Mapping[str, Any]) -> str:
    return _ROLES.get(str(data.get("role", "")), "")


# What an account's activity says of each (S-15).
SENTENCES: dict[str, Sentence] = {
    PolicyEvent.MEMBERSHIP_GRANTED: Sentence(
        Kind.ACCESS,
        "{who} gave you access{detail}.",
        _role,
        own="{who} got access{detail}.",
        others="{who} gave another person access{detail}.",
    ),
    PolicyEvent.MEMBERSHIP_CHANGED: Sentence(
        Kind.ACCESS,
        "{who} changed your access{detail}.",
        _role,
        others="{who} changed another person’s access{detail}.",
    ),
    PolicyEvent.MEMBERSHIP_REVOKED: Sentence(
        Kind.ACCESS,
        "{who} ended your access{detail}.",
        _role,
        others="{who} ended another person’s access{detail}.",
    ),
    PolicyEvent.MEMBERSHIP_APPROVED: Sentence(
        Kind.ACCESS,
        "{who} approved your access{detail}.",
        _role,
        others="{who} approved another person’s access{detail}.",
    ),
    PolicyEvent.DELEGATE_INVITED: Sentence(Kind.ACCESS, "{who} invited a colleague to get access."),
    PolicyEvent.INVITATION_RESENT: Sentence(Kind.ACCESS, "{who} sent a colleague’s invitation again."),
    PolicyEvent.INVITATION_WITHDRAWN: Sentence(Kind.ACCESS, "{who} withdrew a colleague’s invitation."),
    PolicyEvent.SIGNATURE_SET: Sentence(Kind.SUPPORT, "{who} set the signature of a writing company."),
    PolicyEvent.SIGNATURE_REMOVED: Sentence(Kind.SUPPORT, "{who} removed the signature of a writing company."),
    PolicyEvent.DOCUMENT_DOWNLOADED: Sentence(Kind.DOCUMENTS, "{who} downloaded a document."),
    PolicyEvent.DOCUMENT_BROKEN: Sentence(Kind.DOCUMENTS, "We couldn’t give out a document."),
    PolicyEvent.DOCUMENTS_ASKED: Sentence(Kind.DOCUMENTS, "{who} asked for documents as one PDF."),
    PolicyEvent.DOCUMENTS_REFUSED: Sentence(Kind.DOCUMENTS, "{who} asked for documents as one PDF too often."),
    PolicyEvent.DOCUMENTS_DOWNLOADED: Sentence(Kind.DOCUMENTS, "{who} downloaded documents as one PDF."),
    PolicyEvent.DOCUMENTS_FAILED: Sentence(Kind.DOCUMENTS, "Documents couldn’t be combined."),
    PolicyEvent.DOCUMENTS_RETRIED: Sentence(Kind.DOCUMENTS, "{who} tried again to combine documents."),
    PolicyEvent.CONTACT_CHANGED: Sentence(Kind.DETAILS, "Contact details of a policy changed."),
    PolicyEvent.STAFF_LOOK: Sentence(Kind.SUPPORT, "{who} looked at one of your policy records."),
    **CHANGE_REQUESTS,
    **ROSTERS,
    **RENEWAL_SENTENCES,
}
