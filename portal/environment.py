"""Settings from the environment, each optionally from a file named by `NAME_FILE`."""

from __future__ import annotations

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
