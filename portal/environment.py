"""Settings from the environment, where each may come from a file instead: `NAME_FILE` names it."""

from __future__ import annotations

from environ import FileAwareEnv, ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping


class StrippedFiles(FileAwareMapping):
    """Values from files lose the line break that an editor or `echo` puts behind them."""

    def __getitem__(self, key: str) -> str:
        try:
            value = str(super().__getitem__(key))
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{key}_FILE names a file that can't be read.") from error
        return value.strip() if self.env.get(f"{key}_FILE") else value


class Environment(FileAwareEnv):
    """What the settings read."""

    ENVIRON = StrippedFiles()
