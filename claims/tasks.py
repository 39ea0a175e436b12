"""Background work of claims."""

from __future__ import annotations

import structlog
from celery import shared_task

from claims.incidents.drafting import forget_old_drafts

log = structlog.get_logger(__name__)


@shared_task
def forget_drafts() -> None:
    """Daily: delete drafts of reports that nobody touched for months."""
    log.info("incident_drafts_forgotten", count=forget_old_drafts())
