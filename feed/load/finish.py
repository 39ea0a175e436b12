"""The end of a run: its row, its findings, the event log, and an alert to staff if a person is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from core.alerts import alert_staff
from core.events import record_event
from feed.events import FeedEvent
from feed.load.findings import Findings
from feed.models import Finding, Run

Status = Run.Status
EVENTS = {
    Status.APPLIED: FeedEvent.PACKAGE_APPLIED,
    Status.REFUSED: FeedEvent.PACKAGE_REFUSED,
    Status.HELD: FeedEvent.PACKAGE_HELD,
    Status.FAILED: FeedEvent.PACKAGE_FAILED,
}
WORDS = {
    Status.REFUSED: "was refused",
    Status.HELD: "is held for review",
    Status.FAILED: "couldn't be loaded",
}


def finish(
    run: Run,
    *,
    status: str,
    outcome: str = "",
    findings: Findings | None = None,
    counts: Mapping[str, Any] | None = None,
    timings: Mapping[str, float] | None = None,
) -> None:
    """Store how the run ended, in the open transaction or one of its own, and replace findings of earlier tries."""
    findings = findings or Findings()
    with transaction.atomic():
        run.status = status
        run.outcome = outcome
        run.phase, run.progress = "", []
        run.counts = dict(counts or {})
        run.timings = dict(timings or {})
        run.finding_counts = findings.summary()
        run.finished_at = timezone.now()
        run.save(
            update_fields=[
                "status", "outcome", "phase", "progress", "counts", "timings", "finding_counts", "finished_at",
                "difference", "source", "sequence", "mode", "as_of", "digest", "released_by", "released_reason",
                "released_os_user",
            ]
        )  # fmt: skip
        run.findings.all().delete()
        _store(run, findings)
        if status in EVENTS and not run.dry_run:
            record_event(
                EVENTS[Status(status)],
                subject=run,
                by=run.released_by or run.uploaded_by,
                source=run.source,
                sequence=run.sequence,
                errors=run.errors,
                warnings=run.warnings,
            )
        if status in WORDS and not run.dry_run:
            alert_staff(
                f"A feed package {WORDS[Status(status)]}",
                f"Package {run.name or run.pk} of source '{run.source or 'unknown'}' {WORDS[Status(status)]}. "
                f"{run.outcome}\n{run.found or 'No findings'}.\n"
                f"{settings.PUBLIC_URL}{run.get_absolute_url()}",
            )


def _store(run: Run, findings: Findings) -> None:
    """Store the findings by COPY: a package that is wrong throughout has a thousand of each kind."""
    columns = 'run_id, stage, kind, file, row, "column", code, sentence'
    with (
        connection.cursor() as cursor,
        cursor.db.wrap_database_errors,
        cursor.copy(f"COPY {Finding._meta.db_table} ({columns}) FROM STDIN") as copy,
    ):
        for found in findings:
            copy.write_row(
                (
                    run.pk, found.stage.value, found.severity.value, found.file, found.row, found.column[:80],
                    found.code, found.sentence,
                )
            )  # fmt: skip
