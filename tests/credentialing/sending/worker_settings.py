"""Settings of a process that sends for a test: the test's own database and files, and mails as files."""

import os

from tests.credentialing.worker_settings import *  # noqa: F403

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = os.environ["TEST_MAILS"]
