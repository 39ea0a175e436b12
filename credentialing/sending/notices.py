"""Notices to standing holders, from what the feed says became of policies and coverages (B-03).

Each message of the outbox gives one `Notice` and a delivery for each holder that it concerns. Where one load leads to
many, all of them wait for a person (`NoticeRun`).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction

from core.alerts import alert_staff
from core.events import record_many
from credentialing.events import DeliveryEvent
from credentialing.feed.notices import count_of_run_sql
from credentialing.holders.standing import arrangements_of, once_each
from credentialing.models import Delivery, Notice, NoticeRun
from credentialing.sending import services, standing
from policies.models import Company, Coverage, Insured, Policy, Term

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from credentialing.holders.standing import Arrangement

Kind, State = Notice.Kind, Delivery.Status


def cancelled(payload: Mapping[str, Any], *, key: str) -> None:
    """Handle a policy that was cancelled."""
    handle(Kind.CANCELLED, payload, key)


def pending(payload: Mapping[str, Any], *, key: str) -> None:
    """Handle a policy whose cancellation is pending."""
    handle(Kind.PENDING, payload, key)


def reinstated(payload: Mapping[str, Any], *, key: str) -> None:
    """Handle a policy whose cancellation, or notice of one, was taken back."""
    handle(Kind.REINSTATED, payload, key)


def limits_changed(payload: Mapping[str, Any], *, key: str) -> None:
    """Handle a coverage with other limits."""
    handle(Kind.LIMITS, payload, key)


def handle(kind: Notice.Kind, payload: Mapping[str, Any], key: str) -> None:
    """Store a notice and its deliveries; the same message again changes nothing."""
    policy = Policy.objects.not_retired().select_related("company", "policyholder").filter(public_id=payload["policy"])
    if (about := policy.first()) is None or standing.is_off(about.company.external_id, settings.HOLDER_NOTICES_OFF):
        return
    with transaction.atomic():
        # Zero: a message that no load published.
        run = _run(int(payload.get("run", 0)))
        notice, is_new = Notice.objects.get_or_create(
            key=f"{kind}:{key}",
            defaults={
                "run": run,
                "kind": kind,
                "policy": about,
                "coverage": Coverage.objects.filter(public_id=payload.get("coverage", "")).first(),
                "day": _day(payload),
            },
        )
        if not is_new:
            return
        notice.policy = about
        recipients = recipients_of(notice)
        if recipients and _for_staff(notice):
            _tell_staff_to_notify(notice, len(recipients))
        elif recipients:
            _store(notice, recipients, run)
        if kind == Kind.REINSTATED and not run.is_held:
            standing.issue_fresh([notice])


def _day(payload: Mapping[str, Any]) -> dt.date | None:
    day = payload.get("cancellation_effective") or payload.get("status_date") or payload.get("effective")
    return dt.date.fromisoformat(day) if day else None


def _run(number: int) -> NoticeRun:
    """Return the notices of a load, locked; counted, and held where they are many, when its first message comes."""
    _, is_new = NoticeRun.objects.get_or_create(run=number)
    run = NoticeRun.objects.select_for_update(no_key=True).get(run=number)
    if is_new:
        with connection.cursor() as cursor:
            cursor.execute(count_of_run_sql(), {"run": str(number)})
            (run.notices,) = cursor.fetchone()
        if run.notices > settings.HOLDER_NOTICES_AT_ONCE:
            run.status = NoticeRun.Status.HELD
            run.tell_staff()
        run.save(update_fields=["notices", "status"])
    return run


def recipients_of(notice: Notice) -> list[Arrangement]:
    """Return the standing holders that a notice concerns, each once.

    A holder of one insured hears of the policy only while that insured is covered by it: what came later wasn't
    theirs. Of a reinstatement hears who heard of the cancellation, and nobody else.
    """
    found = [one for one in arrangements_of([notice.policy_id]) if one.notices]
    if notice.kind == Kind.LIMITS:
        coverage = notice.coverage
        if coverage is None or coverage.retired_at is not None or coverage.expires <= notice.policy.today():
            return []
        return once_each(one for one in found if one.concerns(coverage))
    still = _covered(notice, {one.insured_id for one in found if one.insured_id})
    found = [one for one in found if one.insured_id is None or one.insured_id in still]
    if notice.kind == Kind.REINSTATED:
        heard = standing.who_heard(notice)
        found = [one for one in found if one.fingerprint in heard]
    return once_each(found)


def _covered(notice: Notice, insured_ids: set[int]) -> set[int]:
    """Return those of these insureds whose coverage runs to the day of the notice, or to today."""
    today = notice.policy.today()
    day = today if notice.kind == Kind.REINSTATED or notice.day is None else notice.day
    rows = Coverage.objects.not_retired().filter(
        term__policy=notice.policy_id,
        term__status__in=Term.TAKEN_UP,
        term__retired_at=None,
        insured_id__any=sorted(insured_ids),
        effective__lte=max(day, today),
        expires__gte=day,
    )
    return set(rows.order_by().values_list("insured_id", flat=True)) if insured_ids else set()


def is_ahead(notice: Notice) -> bool:
    """Whether it is about a cancellation that is still to come."""
    policy = notice.policy
    return notice.kind in (Kind.PENDING, Kind.CANCELLED) and policy.cancels_on(policy.today()) is not None


def _for_staff(notice: Notice) -> bool:
    """Whether the company leaves a cancellation that is ahead to staff, or to nobody."""
    return is_ahead(notice) and notice.policy.company.pending_cancellation != Company.PendingCancellation.STATE


def _tell_staff_to_notify(notice: Notice, number: int) -> None:
    if notice.policy.company.pending_cancellation == Company.PendingCancellation.STAFF:
        alert_staff(
            "A cancellation is ahead, and holders ask to hear of it",
            f"The company’s setting leaves certificates of policy {notice.policy.public_id} to staff while its "
            f"cancellation is ahead. {number} standing holders ask for a notice. Nothing was sent.",
        )


def _store(notice: Notice, recipients: Sequence[Arrangement], run: NoticeRun) -> None:
    dead = services.addresses_that_bounced(one.email for one in recipients)
    names = Insured.objects.in_bulk({one.insured_id for one in recipients if one.insured_id})
    waits = {NoticeRun.Status.HELD: State.HELD, NoticeRun.Status.DROPPED: State.DROPPED}
    status = waits.get(NoticeRun.Status(run.status), State.QUEUED)
    rows = [_row(notice, one, status, dead, names) for one in recipients]
    Delivery.objects.bulk_create(rows)
    record_many(DeliveryEvent.ASKED, [(row, None, row.facts) for row in rows])


def _row(
    notice: Notice, one: Arrangement, status: Delivery.Status, dead: set[str], names: Mapping[int, Insured]
) -> Delivery:
    row = Delivery(
        key=f"notice:{notice.pk}:{one.fingerprint[:32]}",
        purpose=Delivery.Purpose.NOTICE,
        notice=notice,
        run=notice.run,
        to=services.address(one.email),
        holder_name=one.name[:200],
        fingerprint=one.fingerprint,
        about=names[one.insured_id].display_name[:200] if one.insured_id else "",
        # What one load leads to for one address is one mail.
        bundle=f"notices:{notice.run_id}",
        status=status,
        is_enqueued=False,
    )
    services.check_address(row, dead)
    return row
