"""Starting a report, for whom, and its files, within the limits of a user."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from claims.events import IncidentEvent
from claims.models import IncidentFile, IncidentReport
from core.events import record_event
from core.idempotency import create_once
from core.refusals import record_refusal
from core.search import name_query
from core.templatetags.show import clock
from core.throttle import Limit
from core.uploads.models import attach
from policies.models import Coverage, Membership
from policies.names import fold, normalize_number
from policies.rights import reach_with, reaching
from policies.roles import Capability

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from accounts.models import User
    from claims.models import IncidentMessage
    from core.uploads.checking import CheckedFile
    from policies.models import Policy

HOUR = dt.timedelta(hours=1)
MOST_CHOICES = 25
# More segments than this are read for so many choices.
MOST_READ = 400
ROLE = Membership.Role
# In which role somebody reports who reaches a policy in several.
RANK = (ROLE.INSURED, ROLE.POLICYHOLDER, ROLE.AGENT)


class TooManyError(Exception):
    """The user's limit is reached; the message says until when."""


def reportable(user: User) -> Any:
    """Return the coverages that a user may report something about, those that have ended too."""
    reach = reach_with(user, Capability.REPORT_INCIDENT)
    return Coverage.objects.open_to(reach.scope) if reach else Coverage.objects.none()


def choices_for(user: User, query: str = "", *, coverage: str = "", policy: str = "") -> tuple[list[Coverage], bool]:
    """Return one coverage for each insured and policy that a query finds, by the name of the insured or the number of
    the policy, the latest first; and whether there are more than are shown. `coverage`, `policy`: public ids."""
    rows = reportable(user).select_related("insured", "term__policy__policyholder")
    if coverage:
        rows = rows.filter(public_id=coverage)
    if policy:
        rows = rows.filter(term__policy__public_id=policy)
    if words := fold(query).split():
        found = name_query(words)
        by_number = rows.filter(term__policy__number_normalized__startswith=normalize_number(query))
        by_name = rows.filter(insured__search=found) if found is not None else rows.none()
        rows = rows.filter(pk__in=by_number.order_by().values("pk").union(by_name.order_by().values("pk")))
    seen: dict[tuple[int, int], Coverage] = {}
    for each in rows.order_by("-expires", "insured__search_name", "pk")[:MOST_READ]:
        seen.setdefault((each.insured_id, each.term.policy_id), each)
    return list(seen.values())[:MOST_CHOICES], len(seen) > MOST_CHOICES


def begin(coverage: Coverage, *, by: User, key: uuid.UUID) -> IncidentReport:
    """Return a draft about a coverage's insured, which was fetched through `reportable`; the same key gives the same
    one. Raises `TooManyError`."""
    own = IncidentReport.objects.filter(user=by)
    if (there := own.filter(idempotency_key=key).first()) is not None:
        return there
    _count("claims:incident", settings.INCIDENTS_PER_USER, by)

    def create() -> IncidentReport:
        report: IncidentReport = IncidentReport.objects.create(
            user=by,
            policy=coverage.term.policy,
            insured=coverage.insured,
            role=_role(by, coverage.term.policy),
            idempotency_key=key,
        )
        record_event(IncidentEvent.STARTED, subject=report, by=by, policy=report.policy.public_id)
        return report

    return create_once(own, key=key, create=create)[0]


def _role(user: User, policy: Policy) -> str:
    roles = {ROLE(each.role) for each in reaching(user, policy)}
    return min(roles, key=RANK.index, default=ROLE.INSURED)


def keep_files(
    report: IncidentReport, checked: Iterable[CheckedFile], *, by: User, message: IncidentMessage | None = None
) -> None:
    """Attach files to a draft, or to what was added later. Raises `TooManyError`."""
    rows = IncidentFile.objects.filter(report=report, message=message)
    for each in checked:
        if rows.filter(sha256=each.sha256).exists():
            continue
        count_file(by)
        with transaction.atomic():
            of = {"report": report, "message": message, "added_by": by}
            attached = attach(rows, each, by=by, page=report.get_absolute_url(), **of)
            record_event(
                IncidentEvent.FILE_ADDED, subject=report, by=by, file=attached.public_id, kind=each.kind, size=each.size
            )


def remove_file(report: IncidentReport, public_id: str, *, by: User) -> bool:
    """Remove a file of a draft; False where it isn't there."""
    with transaction.atomic():
        draft = IncidentReport.objects.select_for_update().filter(pk=report.pk, submitted_at=None).first()
        found = draft and draft.files.select_related("upload").filter(public_id=public_id).first()
        if not found:
            return False
        found.remove()
        record_event(IncidentEvent.FILE_REMOVED, subject=report, by=by, file=public_id)
    return True


def discard(report: IncidentReport, *, by: User) -> bool:
    """Delete a draft; False where it was sent."""
    with transaction.atomic():
        record_event(IncidentEvent.DISCARDED, subject=report, by=by)
        gone = report.discard()
        transaction.set_rollback(not gone)
    return gone


def forget_old_drafts() -> int:
    """Delete drafts that nobody touched for `settings.INCIDENT_DRAFTS_KEPT`, with their files; return how many."""
    old = IncidentReport.objects.drafts().filter(changed_at__lt=timezone.now() - settings.INCIDENT_DRAFTS_KEPT)
    return sum(report.discard() for report in old.order_by("pk")[:500])


def count_addition(user: User) -> None:
    """Count what is added to a report. Raises `TooManyError` past the limit of an hour."""
    _count("claims:incident-addition", settings.SUPPORT_REPLIES_PER_USER, user)


def count_file(user: User) -> None:
    """Count a file. Raises `TooManyError` past the limit of an hour."""
    _count("claims:incident-file", settings.INCIDENT_FILES_PER_USER, user)


def _count(scope: str, times: int, user: User) -> None:
    limit = Limit(scope, times, HOUR)
    allowance = limit.hit(str(user.pk))
    if not allowance.allowed:
        record_refusal(IncidentEvent.REFUSED, scope=scope, key=str(user.pk), by=user, limit=scope)
        raise TooManyError(
            f"You’ve sent a lot in the last hour. You can send more at {clock(allowance.retry_at)}, or call the "
            f"claims team at {settings.CLAIMS_PHONE}."
        )
