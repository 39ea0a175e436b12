"""What staff do with a request for a claims paper: settle it with a message, or let the portal make the paper now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from core.events import record_event
from credentialing import emails
from credentialing.claims_history import issuing, loss_runs
from credentialing.claims_history.access import subjects_of
from credentialing.events import ClaimsPaperEvent
from credentialing.models import ClaimsPaper, ClaimsRequest

if TYPE_CHECKING:
    from accounts.models import User


def settle(request: ClaimsRequest, *, status: str, message: str, by: User) -> bool:
    """End a request that waits: done by other means, or declined, with words for the customer. False where it doesn't
    wait any more."""
    with transaction.atomic():
        locked = ClaimsRequest.objects.select_for_update().get(pk=request.pk)
        if not locked.is_waiting:
            return False
        locked.status, locked.message = status, message
        _settled(locked, by=by)
    return True


def make_now(request: ClaimsRequest, *, by: User) -> bool:
    """Let the portal make the paper of a request that waits, for the customer who asked; False where it still can't, or
    where the customer has no right to it any more."""
    with transaction.atomic():
        locked = ClaimsRequest.objects.select_for_update().get(pk=request.pk)
        if not locked.is_waiting or locked.paper_id is not None:
            return False
        paper = _history(locked) if locked.kind == ClaimsPaper.Kind.HISTORY else loss_runs.make_for(locked)
        if paper is None:
            return False
        locked.paper, locked.status, locked.reason = paper, ClaimsRequest.Status.PORTAL, ""
        _settled(locked, by=by)
    return True


def _history(request: ClaimsRequest) -> ClaimsPaper | None:
    key = (request.insured_id, request.company_id, request.policyholder_id)
    subjects = [one for one in subjects_of(request.asked_by, [request.insured_id or 0]) if one.key == key]
    done = issuing.issue_histories(
        subjects=subjects,
        years=request.years,
        purpose=request.purpose,
        holder=request.holder,
        by=request.asked_by,
        key=request.idempotency_key,
    )
    return done.papers[0] if done.papers else None


def _settled(request: ClaimsRequest, *, by: User) -> None:
    request.settled_by, request.settled_at = by, timezone.now()
    request.save()
    record_event(
        ClaimsPaperEvent.SETTLED,
        subject=request,
        by=by,
        on_behalf_of=request.asked_by,
        kind=request.kind,
        status=request.status,
        overdue=request.due_at < request.settled_at,
    )
    emails.claims_request_settled(request)
