"""Background work of policies."""

from __future__ import annotations

import structlog
from celery import shared_task

from core.dates import carrier_today
from policies import reminders
from policies.change_requests import drafting
from policies.documents import joining
from policies.renewals import asking, opening, rendering
from policies.rosters import reconciling

log = structlog.get_logger(__name__)


@shared_task
def remind_of_renewals() -> None:
    """Send the reminders of renewal that are due today (beat)."""
    log.info("renewal_reminders", mails=reminders.send_due(today=carrier_today()))


@shared_task
def combine_documents(document_file_id: int) -> None:
    """Make one PDF of the documents that a user selected."""
    joining.make(document_file_id)


@shared_task
def forget_document_files() -> None:
    """Delete the files of documents whose time is over (beat)."""
    log.info("document_files_forgotten", files=joining.forget_files())


@shared_task
def empty_rosters() -> None:
    """Empty the rosters that nobody sent within 30 days (beat)."""
    log.info("rosters_emptied", rosters=reconciling.expire())


@shared_task
def send_renewal_code(code_id: int) -> None:
    """Text or say a code that opens a clinician's part of a renewal application."""
    opening.send_code(code_id)


@shared_task
def ask_clinicians(asking_id: int) -> None:
    """Write to the clinicians of one piece of a group."""
    asking.run(asking_id)


@shared_task
def render_renewal(submission_id: int) -> None:
    """Make the PDF of a renewal application that was submitted."""
    rendering.render(submission_id)


@shared_task
def forget_change_drafts() -> None:
    """Delete the drafts of change requests that nobody has touched for a long time (beat)."""
    log.info("change_drafts_forgotten", drafts=drafting.forget_old())
