"""Background work of credentialing: laying out certificates, and batches of them."""

from __future__ import annotations

import gc
import os
from typing import Any

import structlog
from celery import shared_task
from celery.signals import worker_init
from django.db import DatabaseError

from core.pdf import prepare_fonts
from core.queue import queue_of
from credentialing.batches import files, running
from credentialing.certificates import issuing, rendering
from credentialing.claims_history import issuing as claims_papers
from credentialing.models import BatchPiece, Certificate
from credentialing.packets import preparing
from credentialing.sending import mailing, renewals, standing

# How far the process for batches steps back where it shares a processor with the others (docs/operators.md).
NICER = 5
# Certificates whose wording a new worker learns. Letters are set whole, so there is nothing to learn from them.
LEARNED = 24
logger = structlog.get_logger(__name__)


@shared_task
def render_certificate(certificate_id: int) -> None:
    """Lay out and store one certificate. It can run twice; a killed worker's work starts again."""
    issuing.render(certificate_id)


@shared_task
def render_claims_paper(paper_id: int) -> None:
    """Lay out and store one claims history or loss run. It can run twice."""
    claims_papers.render(paper_id)


@shared_task
def prepare_packet(packet_id: int) -> None:
    """Lay out and store the files made for one packet. It can run twice."""
    preparing.prepare(packet_id)


@shared_task
def run_piece(piece_id: int) -> None:
    """Do one piece of a batch. It can run twice; a killed worker's piece starts again."""
    running.run_piece(piece_id)


@shared_task
def send_delivery(delivery_id: int) -> None:
    """Hand one mail with certificates over. A worker that is killed right after it hands it over once more."""
    mailing.deliver(delivery_id)


@shared_task
def issue_for_standing_holders(row_id: int) -> None:
    """Issue and send what the standing holders of a policy are due. It can run twice."""
    standing.issue(row_id)


@shared_task
def find_due_renewals() -> None:
    """Find renewals of which some certificate is due to a standing holder. It can run twice, and can miss a day."""
    renewals.find_due()


@shared_task
def forget_batch_files() -> None:
    """Delete the files of batches whose days are over, and drafts that nobody started."""
    files.forget_old()
    files.forget_drafts()


@worker_init.connect
def read_fonts_ahead(sender: Any, **_kwargs: Any) -> None:
    """Make and read the faces, parse the style sheet, and so on, before the worker's first certificate.

    What is known by then stays: freezing it makes looking for garbage cheap, so a layout's is let go of at once.
    """
    served = set(sender.app.amqp.queues.consume_from)
    if served & {queue_of(Certificate.TASK), queue_of(BatchPiece.TASK)}:
        prepare_fonts()
        rendering.warm_up()
        learn_latest()
        gc.collect()
        gc.freeze()
        rendering.layout().after_layout = gc.collect


def learn_latest() -> None:
    """Let this process know the wording of the latest certificates. A worker that starts without the database does
    without that."""
    latest = Certificate.objects.exclude(kind=Certificate.Kind.PAST_COVERAGE).order_by("-pk")[:LEARNED]
    try:
        rendering.learn(latest)
    except DatabaseError:
        logger.warning("certificates_not_learned", exc_info=True)


@worker_init.connect
def step_back(sender: Any, **_kwargs: Any) -> None:
    """Let a process that serves nothing but batches go behind those that someone waits for."""
    if set(sender.app.amqp.queues.consume_from) == {queue_of(BatchPiece.TASK)}:
        os.nice(NICER)
