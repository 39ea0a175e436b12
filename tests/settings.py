"""The portal's settings as the tests see them: test mode, a data folder of their own, embedded services."""

import os

# Set before the settings are read. The workers of pytest-xdist inherit the folder from the process that starts them.
os.environ["PORTAL_MODE"] = "test"
# Services named in the environment are used; those that a file `.env` names are not the tests' to touch.
for name in ("DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE"):
    os.environ.setdefault(name, "")
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["PORTAL_REDIS_DATABASE"] = str(int(worker.removeprefix("gw")) + 1)
else:
    from embedded.addresses import test_data_dir

    os.environ["PORTAL_DATA_DIR"] = str(test_data_dir())

from portal.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["tests.hashing.QuickArgon2PasswordHasher", *PASSWORD_HASHERS[1:]]  # noqa: F405
# WhiteNoise warns of a folder that is not there, and warnings are errors.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405
# The sources of the tests' packages.
FEED_KNOWN_SOURCES = ["core", "legacy"]
# Each test has data of its own.
FEED_AS_OF_SECONDS = 0
PUBLISHED_SECONDS = 0
# Each test begins knowing that nothing is closed (`tests/conftest.py`); a window that it makes is seen at once.
MAINTENANCE_SECONDS = 3600
