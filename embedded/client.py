"""Start the embedded services if they aren't running, and keep them as long as this process lives."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from embedded.addresses import BASE_DIR, services_dir
from embedded.locks import (
    KEEPER_LOCK,
    START_LOCK,
    USERS_LOCK,
    lock_file,
    possible_homes,
    ready_file,
)
from embedded.processes import EmbeddedError

STOP_SECONDS = 30
# What this process uses (its descriptors of the users' locks), and the keepers it started.
_held: dict[Path, int] = {}
_keepers: dict[Path, subprocess.Popen[bytes]] = {}


def start(data_dir: Path, *, meanwhile: Callable[[], None] | None = None) -> None:
    """Return when PostgreSQL and Redis of this data folder answer; they run until this process ends.

    Several processes may use one folder: the first starts the keeper, and when the last one ends, the keeper stops.
    A second call in the same process does nothing. `meanwhile` is called while a new keeper starts them. Raises
    EmbeddedError with a sentence to show.
    """
    data_dir = data_dir.absolute()
    if data_dir in _held:
        return
    try:
        users = lock_file(data_dir, USERS_LOCK)
    except OSError as error:
        raise EmbeddedError(
            f"The data folder {data_dir} can't be written ({error.strerror}): set PORTAL_DATA_DIR to one that can."
        ) from error
    # Wait for a keeper that is stopping; a running one can't stop from here on.
    fcntl.flock(users, fcntl.LOCK_SH)
    try:
        with _locked(data_dir, START_LOCK):
            if not _join(data_dir):
                _start_keeper(data_dir, meanwhile)
    except BaseException:
        os.close(users)
        raise
    if not _held:
        atexit.register(stop_all)
    _held[data_dir] = users


def stop(data_dir: Path) -> None:
    """Stop using the services; return when they have stopped, or at once if others still use them."""
    data_dir = data_dir.absolute()
    users = _held.pop(data_dir, None)
    if users is None:
        return
    os.close(users)
    keeper = _keepers.get(data_dir)
    limit = time.monotonic() + STOP_SECONDS
    while keeper is not None and keeper.poll() is None and time.monotonic() < limit:
        if _in_use(data_dir):
            return
        time.sleep(0.02)


def leave() -> None:
    """In a forked child, let go of the parent's share: the services stop when the parent is done with them."""
    for users in _held.values():
        os.close(users)
    _held.clear()
    _keepers.clear()


def stop_all() -> None:
    """Stop using all services that this process started or joined."""
    for data_dir in list(_held):
        stop(data_dir)


def ensure_running(data_dir: Path) -> None:
    """Start the services again if their keeper, started by this process, has died."""
    data_dir = data_dir.absolute()
    keeper = _keepers.get(data_dir)
    if data_dir in _held and keeper is not None and keeper.poll() is not None:
        with _locked(data_dir, START_LOCK):
            if not _join(data_dir):
                _start_keeper(data_dir)


def erase(data_dir: Path) -> None:
    """Remove the cluster of a data folder; the next start makes a new one.

    Raises EmbeddedError while anything uses it.
    """
    data_dir = data_dir.absolute()
    with _locked(data_dir, START_LOCK):
        if not _can_lock(data_dir, KEEPER_LOCK, fcntl.LOCK_EX):
            raise EmbeddedError(f"The services in {data_dir} are running: stop what uses them first.")
        for home in possible_homes(data_dir):
            shutil.rmtree(home / "postgres", ignore_errors=True)


def _join(data_dir: Path) -> bool:
    """Whether a keeper has this data folder and its servers answer; wait for one that is starting."""
    while not _can_lock(data_dir, KEEPER_LOCK, fcntl.LOCK_EX):
        if ready_file(data_dir).exists():
            return True
        time.sleep(0.05)
    return False


def _in_use(data_dir: Path) -> bool:
    """Whether another process holds the services (a stopping keeper has the lock alone: not in use)."""
    return _can_lock(data_dir, USERS_LOCK, fcntl.LOCK_SH) and not _can_lock(data_dir, USERS_LOCK, fcntl.LOCK_EX)


def _can_lock(data_dir: Path, name: str, kind: int) -> bool:
    descriptor = lock_file(data_dir, name)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


@contextmanager
def _locked(data_dir: Path, name: str) -> Iterator[None]:
    descriptor = lock_file(data_dir, name)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _start_keeper(data_dir: Path, meanwhile: Callable[[], None] | None = None) -> None:
    log = services_dir(data_dir) / "keeper.log"
    with log.open("wb") as errors:
        keeper = subprocess.Popen(  # noqa: S603  # ourselves, no shell
            [sys.executable, "-m", "embedded.keeper", str(data_dir)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=BASE_DIR,
            # Ctrl-C at the terminal is for us; the keeper follows when we end.
            start_new_session=True,
        )
    if meanwhile is not None:
        meanwhile()
    with cast("IO[bytes]", keeper.stdout) as output:
        answer = output.readline().decode().strip()
        rest = "" if answer == "ready" else output.read().decode()
    if answer != "ready":
        keeper.wait()
        reason = f"{answer}\n{rest}".removeprefix("failed:").strip()
        raise EmbeddedError(reason or f"The embedded services did not start (see {log}).")
    _keepers[data_dir] = keeper
