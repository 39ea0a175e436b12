"""The web application, for gunicorn."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
# One connection for each thread, kept between requests; the workers of Celery have none of this.
os.environ.setdefault("DATABASE_POOL_SIZE", os.environ.get("WEB_THREADS", "8"))

from django.core.wsgi import get_wsgi_application

from portal.celery import give_up_soon

application = get_wsgi_application()
give_up_soon()
