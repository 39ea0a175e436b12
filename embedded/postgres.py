"""One PostgreSQL cluster: making it, repairing what a killed server left, and the command that runs it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from embedded.addresses import DATABASE_NAME, POSTGRES_PORT
from embedded.processes import Account, EmbeddedError, run_as

LEFTOVER_SECONDS = 15
# The demo and the tests give up durability after a crash of the machine for speed.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "20s",
    "jit": "off",
    # The data is in memory or on a solid-state disk. With the default of 4, the planner reads all insureds to list one
    # group of 5,000 (120 ms instead of 25).
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_min_messages": "warning",
}


@dataclass(frozen=True)
class Cluster:
    """The cluster in `home`/postgres (made and owned by the account), with its socket in the folder `sockets`."""

    home: Path
    programs: Path
    account: Account
    sockets: Path

    @property
    def folder(self) -> Path:
        """The account's own folder."""
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        """PostgreSQL's own data folder: complete as soon as it exists."""
        return self.folder / "data"

    def prepare(self) -> None:
        """Make the cluster if there is none, clear what a killed server left, and set who may connect."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.account.other:
            os.chown(self.folder, self.account.uid, self.account.gid)
        if not (self.data / "PG_VERSION").is_file():
            self._create()
        self._check_version()
        self._clear_leftovers()
        # By the system user at the other end of the socket: no password, and no one but us. Next to the cluster, not
        # in it: root must not write into a folder of the account's, which might hold a link to anywhere.
        client = pwd.getpwuid(os.geteuid()).pw_name
        self._write("pg_hba.conf", "local all all peer map=portal\n")
        self._write("pg_ident.conf", f'portal "{client}" {DATABASE_NAME}\n')

    def command(self) -> list[str | Path]:
        """Return the command that runs the server in the foreground, with all its settings."""
        command: list[str | Path] = [self.programs / "postgres", "-D", self.data, "-k", self.sockets]
        command += ["-p", str(POSTGRES_PORT)]
        command += [
            "-c",
            f"hba_file={self.home / 'pg_hba.conf'}",
            "-c",
            f"ident_file={self.home / 'pg_ident.conf'}",
        ]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        return command

    def is_ready(self) -> bool:
        """Whether the running server accepts connections, by the eighth line of its pid file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _create(self) -> None:
        """Run `initdb` into a temporary folder and rename it when complete: an interrupted one starts over."""
        half = self.folder / "half"
        shutil.rmtree(half, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
        for locale in ("--locale=C.UTF-8", "--no-locale"):
            command: list[str | Path] = [self.programs / "initdb", "-D", half, "-U", DATABASE_NAME, locale]
            command += ["--auth=peer", "--encoding=UTF8", "--no-sync", "--no-instructions"]
            done = run_as(self.account, command, home=self.folder)
            if done.returncode == 0:
                break
            shutil.rmtree(half, ignore_errors=True)
        else:
            text = done.stdout.decode(errors="replace").strip()
            raise EmbeddedError(f"PostgreSQL's initdb failed:\n{text}")
        single: list[str | Path] = [self.programs / "postgres", "--single", "-D", half, "-c", "fsync=off", "postgres"]
        done = run_as(self.account, single, home=self.folder, stdin=f"CREATE DATABASE {DATABASE_NAME}\n".encode())
        if done.returncode != 0:
            text = done.stdout.decode(errors="replace").strip()
            raise EmbeddedError(f"PostgreSQL could not make its first database:\n{text}")
        half.rename(self.data)

    def _check_version(self) -> None:
        done = run_as(self.account, [self.programs / "postgres", "--version"], home=self.folder)
        program = done.stdout.decode(errors="replace").split()[-1].partition(".")[0]
        cluster = (self.data / "PG_VERSION").read_text().strip()
        if program != cluster:
            raise EmbeddedError(
                f"The data in {self.data} are PostgreSQL {cluster}'s and the program is version {program}: "
                "remove that folder (the demo can be made again), or go back to the earlier version."
            )

    def _clear_leftovers(self) -> None:
        """End a server that still runs here although its keeper is gone, and remove its pid file.

        We hold the keeper's lock, so this can't be another keeper's server. The kernel has told it to stop; it may
        need a moment. Only processes whose working folder is this one are ever signaled.
        """
        if not Path("/proc/self").exists():
            return
        start = time.monotonic()
        while running := self._processes():
            waited = time.monotonic() - start
            if waited > 2 * LEFTOVER_SECONDS:
                raise EmbeddedError(f"A PostgreSQL server (process {running[0]}) in {self.data} does not stop.")
            if waited > LEFTOVER_SECONDS:
                for pid in running:
                    _signal(pid, signal.SIGQUIT)
            time.sleep(0.1)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _processes(self) -> list[int]:
        """Return the processes whose working folder is the cluster's: PostgreSQL's own, all of them."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if (entry / "cwd").readlink() == self.data.resolve():
                    found.append(int(entry.name))
            except OSError:  # gone in the meantime, or another user's
                continue
        return found

    def _write(self, name: str, text: str) -> None:
        path = self.home / name
        path.write_text(text)
        path.chmod(0o644)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
