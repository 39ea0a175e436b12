"""Tags of what happens to policies and memberships in the event log."""

from django.db.models import TextChoices


class PolicyEvent(TextChoices):
    MEMBERSHIP_GRANTED = "policies:membership:granted", "Membership granted"
    MEMBERSHIP_CHANGED = "policies:membership:changed", "Membership changed"
    MEMBERSHIP_REVOKED = "policies:membership:revoked", "Membership revoked"
    SIGNATURE_SET = "policies:company:signature_set", "Signature of a company set"
    SIGNATURE_REMOVED = "policies:company:signature_removed", "Signature of a company removed"
    STAFF_LOOK = "policies:record:looked_at", "Looked at by staff"
