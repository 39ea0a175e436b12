"""Settings from the environment, each optionally from a file named by `NAME_FILE`."""

from __future__ import annotations

import os
from typing import Any

from environ import FileAwareEnv, ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping


class StrippedFiles(FileAwareMapping):
    """Environment values from files, without the line break that an editor or `echo` adds."""

    def __getitem__(self, key: str) -> str:
        try:
            value = str(super().__getitem__(key))
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{key}_FILE names a file that can't be read.") from error
        return value.strip() if self.env.get(f"{key}_FILE") else value


class Environment(FileAwareEnv):
    """The environment that the settings read."""

    ENVIRON = StrippedFiles()


# What django-anymail reads from one setting.
ANYMAIL_PREFIX = "ANYMAIL_"


def anymail_settings(env: Environment, *, secret: str) -> dict[str, Any]:
    """Return what django-anymail needs: every variable `ANYMAIL_…`, or the file that `ANYMAIL_…_FILE` names, and the
    secret of the reports."""
    names = {name.removesuffix("_FILE") for name in os.environ if name.startswith(ANYMAIL_PREFIX)}
    found: dict[str, Any] = {name.removeprefix(ANYMAIL_PREFIX): env.str(name) for name in sorted(names)}
    return found | ({"WEBHOOK_SECRET": secret} if secret else {})
