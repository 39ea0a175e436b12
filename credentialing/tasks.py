"""Background work of credentialing: laying out certificates."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_init

from core.pdf import prepare_fonts
from core.queue import queue_of
from credentialing.certificates import issuing, rendering
from credentialing.claims_history import issuing as claims_papers
from credentialing.models import Certificate


@shared_task
def render_certificate(certificate_id: int) -> None:
    """Lay out and store one certificate. It can run twice; a killed worker's work starts again."""
    issuing.render(certificate_id)


@shared_task
def render_claims_paper(paper_id: int) -> None:
    """Lay out and store one claims history or loss run. It can run twice."""
    claims_papers.render(paper_id)


@worker_init.connect
def read_fonts_ahead(sender: Any, **_kwargs: Any) -> None:
    """Make and read the faces, and parse the style sheet, before the worker's first certificate."""
    if queue_of(Certificate.TASK) in sender.app.amqp.queues.consume_from:
        prepare_fonts()
        rendering.layout().warm_up()
