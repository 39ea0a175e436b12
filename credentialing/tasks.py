"""Background work of credentialing: laying out certificates, and finding those that got lost on the way."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task
from celery.signals import worker_init

from core.pdf import prepare_fonts
from credentialing.certificates import issuing, rendering
from credentialing.certificates.issuing import DOCUMENTS


class RenderTask(Task[Any, Any]):
    """A task about one certificate, whose id is its first argument."""

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Called by Celery in the worker after an error of any kind; it has been logged with its traceback."""
        issuing.attempt_failed(args[0], type(exc).__name__)


@shared_task(base=RenderTask)
def render_certificate(certificate_id: int) -> None:
    """Lay out and store one certificate. It can run twice; a killed worker's work starts again."""
    issuing.render(certificate_id)


@shared_task(expires=10)
def retry_stale_certificates() -> int:
    """Hand certificates over again whose message or worker got lost; beat calls it every few seconds."""
    return issuing.requeue_lost()


@worker_init.connect
def read_fonts_ahead(sender: Any, **_kwargs: Any) -> None:
    """The worker of documents makes and reads its faces and parses the style sheet before the first customer waits."""
    if DOCUMENTS in sender.app.amqp.queues.consume_from:
        prepare_fonts()
        rendering.layout().warm_up()
