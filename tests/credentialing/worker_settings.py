"""Settings of a worker process that a test has started: the test's own database and files."""

import os

from portal.settings import *  # noqa: F403
from portal.settings import DATABASES, STORAGES

DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
STORAGES["private"]["OPTIONS"] = {"location": os.environ["TEST_FILES"]}
