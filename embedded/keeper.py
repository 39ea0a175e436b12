"""The keeper: the process that owns the embedded PostgreSQL and Redis of one data folder.

Started by `embedded.client.start`, never by hand. It lives as long as any process uses the services: users hold
a shared lock on a file, which the kernel releases however they end. When the keeper gets that lock exclusively, no
user is left, and it stops both servers and ends. If the keeper is killed, the kernel ends the servers (see
`processes.die_with_parent`).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from embedded.addresses import REDIS_DATABASES, redis_password, redis_socket, services_dir, socket_dir
from embedded.binaries import postgres_bin, redis_server
from embedded.locks import KEEPER_LOCK, USERS_LOCK, lock_file, possible_homes, ready_file
from embedded.postgres import Cluster
from embedded.processes import Account, EmbeddedError, can_use, service_account, spawn_as
from embedded.supervision import Child

POLL_SECONDS = 0.1
LOCK_SECONDS = 2


@dataclass
class Keeper:
    """Both servers of one data folder."""

    data_dir: Path
    stopping: bool = False
    servers: list[Child] = field(default_factory=list)
    account: Account = field(default_factory=service_account)

    def start(self) -> None:
        """Prepare the folders, make the cluster on first use, start both servers, and wait until they answer."""
        home = self.home()
        spare = home / "programs"
        sockets = socket_dir(self.data_dir)
        cluster = Cluster(home, postgres_bin(self.account, spare), self.account, sockets)
        cluster.prepare()
        private_dir(sockets, self.account)
        postgres_log, redis_log = self.log("postgres"), self.log("redis")
        redis = redis_server(self.account, spare)
        redis_path, password = redis_socket(self.data_dir), redis_password(self.data_dir)
        self.servers = [
            Child(
                "PostgreSQL",
                start=lambda: spawn_as(
                    self.account, cluster.command(), log=postgres_log, death_signal=signal.SIGINT, home=home
                ),
                ready=cluster.is_ready,
                # Fast, immediate, and KILL; TERM would wait for clients to leave.
                stop_signals=(signal.SIGINT, signal.SIGQUIT, signal.SIGKILL),
                log=postgres_log,
            ),
            Child(
                "Redis",
                start=lambda: spawn_as(
                    self.account,
                    [redis, "-"],
                    log=redis_log,
                    death_signal=signal.SIGKILL,
                    home=home,
                    stdin=redis_configuration(redis_path, sockets, password),
                ),
                ready=lambda: redis_answers(redis_path, password),
                stop_signals=(signal.SIGTERM, signal.SIGKILL),
                log=redis_log,
            ),
        ]
        for server in self.servers:
            server.launch()
        for server in self.servers:
            server.wait_ready()
        ready_file(self.data_dir).touch()

    def home(self) -> Path:
        """Return the first possible home that the servers' user can write to."""
        homes = possible_homes(self.data_dir)
        if not self.account.other:
            return homes[0]
        for home in homes:
            home.mkdir(parents=True, exist_ok=True)
            trial = home / "postgres"
            trial.mkdir(mode=0o700, exist_ok=True)
            os.chown(trial, self.account.uid, self.account.gid)
            if can_use(self.account, trial):
                return home
            if not any(trial.iterdir()):
                trial.rmdir()
        raise EmbeddedError(
            f"The user '{self.account.name}', which runs PostgreSQL, can enter neither {homes[0]} nor "
            f"{homes[1]}: set PORTAL_DATA_DIR to a folder below one that is open to all, or DATABASE_URL and REDIS_URL."
        )

    def log(self, name: str) -> Path:
        """Return the server's log; each start empties it."""
        path = services_dir(self.data_dir) / f"{name}.log"
        path.write_bytes(b"")
        return path

    def watch(self, users: int) -> None:
        """Keep the servers running until nothing uses them, or until told to stop."""
        while not self.stopping:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                for server in self.servers:
                    server.revive()
                time.sleep(POLL_SECONDS)
            else:
                # Held until this process ends: a newcomer waits, and then starts its own keeper.
                return

    def stop(self) -> None:
        """Stop both servers and remove the sockets."""
        ready_file(self.data_dir).unlink(missing_ok=True)
        for server in reversed(self.servers):
            server.stop()
        shutil.rmtree(socket_dir(self.data_dir), ignore_errors=True)


def private_dir(folder: Path, account: Account) -> None:
    """Make an empty folder that only the account (and root) can enter; never use one that another user made."""
    if folder.is_symlink() or (folder.exists() and folder.lstat().st_uid not in {os.geteuid(), account.uid}):
        raise EmbeddedError(f"{folder} belongs to another user: remove it and start again.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    if account.other:
        os.chown(folder, account.uid, account.gid)


def redis_configuration(path: Path, folder: Path, password: str) -> bytes:
    """Redis without a port or a disk: whatever must last is in PostgreSQL.

    Redis reads it from standard input: everyone can see a command line, and a file would have to be readable by the
    very user whose other processes mustn't know the password.
    """
    options: dict[str, str | Path] = {
        "port": "0",
        "unixsocket": path,
        "unixsocketperm": "700",
        "requirepass": password,
        "save": "",
        "appendonly": "no",
        "databases": str(REDIS_DATABASES),
        "dir": folder,
        "daemonize": "no",
        "logfile": "",
        "maxmemory-policy": "noeviction",
    }
    return "".join(f'{name} "{value}"\n' for name, value in options.items()).encode()


def redis_answers(path: Path, password: str) -> bool:
    """Whether a Redis with this password answers PING at the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            with connection.makefile("rb") as answers:
                return answers.readline().startswith(b"+OK") and answers.readline().startswith(b"+PONG")
        except OSError:
            return False


def take_lock(descriptor: int) -> bool:
    """Take the keeper's lock; a client checking for a keeper may hold it for a moment."""
    limit = time.monotonic() + LOCK_SECONDS
    while time.monotonic() < limit:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def say(word: str) -> None:
    """Tell the process that started us, if it's still there."""
    with suppress(BrokenPipeError):
        print(word, flush=True)


def main(data_dir: Path) -> int:
    """Run to the end; print `ready`, or `failed:` and a sentence, on standard output."""
    # The servers' user must be able to read these files, whatever our own umask is.
    os.umask(0o022)
    keeper_lock = lock_file(data_dir, KEEPER_LOCK)
    if not take_lock(keeper_lock):
        say(f"failed: another process keeps the services in {data_dir}")
        return 1
    ready_file(data_dir).unlink(missing_ok=True)
    users = lock_file(data_dir, USERS_LOCK)
    try:
        keeper = Keeper(data_dir)
    except EmbeddedError as error:
        say(f"failed: {error}")
        return 1

    def stop(*_: object) -> None:
        keeper.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        keeper.start()
    except (EmbeddedError, OSError) as error:
        keeper.stop()
        say(f"failed: {error}")
        return 1
    say("ready")
    keeper.watch(users)
    keeper.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
