"""The Celery application; its settings are Django's, with the prefix CELERY_."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**_kwargs: object) -> None:
    """Celery leaves the logs alone where somebody answers this signal: Django has set them up already."""
