"""The lock files of a data folder: how the services' users and their keeper know about each other."""

from __future__ import annotations

import os
from pathlib import Path

from embedded.addresses import services_dir, socket_dir

USERS_LOCK = "users.lock"
"""Held shared by every process that uses the services; the keeper ends when it can have it alone."""
KEEPER_LOCK = "keeper.lock"
"""Held by the keeper as long as it lives."""
START_LOCK = "start.lock"
"""Held while looking for a keeper or starting one."""


def possible_homes(data_dir: Path) -> tuple[Path, Path]:
    """Where the cluster may be: in the data folder, or else in /var/lib.

    Only root needs the second, when the servers' user can't enter the first (a checkout below /root).
    """
    return services_dir(data_dir), Path("/var/lib/portal-embedded") / socket_dir(data_dir).name


def ready_file(data_dir: Path) -> Path:
    """Return the file that exists while the keeper's servers answer."""
    return services_dir(data_dir) / "ready"


def lock_file(data_dir: Path, name: str) -> int:
    """Open a lock file (not inherited by child processes) and return its descriptor."""
    folder = services_dir(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
