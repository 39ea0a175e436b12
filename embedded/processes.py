"""Child processes that can't outlive their parent, and the account that runs the servers."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict, cast

from embedded.addresses import on_another_day

PR_SET_PDEATHSIG = 1
# Moves the clock of a run on another day (`make test TODAY=...`).
CLOCK = (
    *("LD_PRELOAD", "PYTHONPATH", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC"),
    *("NO_FAKE_STAT", "FAKETIME_CACHE_DURATION"),
)
# Loaded before any fork: a child may not allocate much between fork and exec.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class EmbeddedError(Exception):
    """An embedded service can't run; the message says what's wrong and what to do, in one sentence."""


class _Identity(TypedDict):
    user: int | None
    group: int | None
    extra_groups: list[int] | None


@dataclass(frozen=True)
class Account:
    """The system user that runs the servers."""

    name: str
    uid: int
    gid: int
    other: bool
    """Whether it's a user other than ours (we're root, and PostgreSQL refuses to run as root)."""


def service_account() -> Account:
    """Ourselves, or the user PORTAL_SERVICE_USER (default `nobody`) if we're root."""
    uid = os.geteuid()
    if uid != 0:
        try:
            entry = pwd.getpwuid(uid)
        except KeyError as error:
            raise EmbeddedError(
                f"User id {uid} has no entry in /etc/passwd, which PostgreSQL needs: run as a named user, "
                "or set DATABASE_URL to a server of your own."
            ) from error
        return Account(entry.pw_name, uid, os.getegid(), other=False)
    name = os.environ.get("PORTAL_SERVICE_USER", "nobody")
    try:
        entry = pwd.getpwnam(name)
    except KeyError as error:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root and there is no user '{name}': "
            "name an unprivileged one in PORTAL_SERVICE_USER."
        ) from error
    if entry.pw_uid == 0:
        raise EmbeddedError(f"PORTAL_SERVICE_USER is '{name}', which is root: name an unprivileged user.")
    return Account(name, entry.pw_uid, entry.pw_gid, other=True)


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """Ask the kernel to send this signal to the child when its parent ends, however it ends. For `preexec_fn`.

    Also resets INT, QUIT, TERM, and HUP, which a shell may have set to be ignored. Must run after a change of user
    (the kernel then forgets the request), which is where `subprocess` runs it. The parent must start the child from
    a thread that lives as long as the parent. On systems other than Linux, only the signals are reset.
    """
    parent = os.getpid()

    def prepare() -> None:
        for name in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def end_with_parent(death_signal: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to send this process a signal when its parent ends (Linux; elsewhere no effect)."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)


def spawn_as(
    account: Account,
    command: Sequence[str | Path],
    *,
    log: Path,
    death_signal: signal.Signals,
    home: Path,
    stdin: bytes = b"",
) -> subprocess.Popen[bytes]:
    """Start a server as the account, in its own session (Ctrl-C at the terminal is for the parent).

    `stdin` is its standard input, at most 4,096 bytes, which fit into any pipe.
    """
    with log.open("ab") as output:
        server = subprocess.Popen(  # noqa: S603  # our own binaries, no shell
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(home),
            start_new_session=True,
            preexec_fn=die_with_parent(death_signal),  # noqa: PLW1509  # the keeper has one thread
            umask=0o077,
            **_identity(account),
        )
    # A server that has already ended leaves a broken pipe; `Child.wait_ready` reports it.
    with suppress(BrokenPipeError), cast("IO[bytes]", server.stdin) as pipe:
        pipe.write(stdin)
    return server


def run_as(
    account: Account, command: Sequence[str | Path], *, home: Path, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a command as the account to its end; `stdout` holds both output streams.

    Raises OSError if the account can't execute the command.
    """
    return subprocess.run(  # noqa: S603  # our own binaries, no shell
        [str(part) for part in command],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        env=_environment(home),
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGKILL),  # the keeper has one thread
        umask=0o077,
        check=False,
        **_identity(account),
    )


def can_use(account: Account, folder: Path) -> bool:
    """Whether the account can enter the folder and write to it (a parent folder may be closed)."""
    done = run_as(account, ["/bin/sh", "-c", 'cd "$1" && test -w .', "sh", folder], home=Path("/"))
    return done.returncode == 0


def moved_clock() -> dict[str, str]:
    """Return the variables that put a process with its own environment on the same other day; none on the real day."""
    return {name: os.environ[name] for name in CLOCK if name in os.environ} if on_another_day() else {}


def _environment(home: Path) -> dict[str, str]:
    """Return a small environment, so that the user's PGDATA or PGOPTIONS change nothing; on another day, with its
    clock."""
    return {"PATH": os.defpath, "HOME": str(home), "LC_ALL": "C", "TZ": "UTC", **moved_clock()}


def _identity(account: Account) -> _Identity:
    if not account.other:
        return {"user": None, "group": None, "extra_groups": None}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}
