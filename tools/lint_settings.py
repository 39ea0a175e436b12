"""The tests' settings with the migration linter, which no other mode has."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "django_migration_linter"]
# Checks of code need no Pango.
SILENCED_SYSTEM_CHECKS = ["portal.E001"]
