"""The embedded services: they start, can be shared, and leave nothing behind however their user ends."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import LiteralString

import environ
import psycopg
import pytest
import redis

from embedded.addresses import (
    BASE_DIR,
    POSTGRES_PORT,
    broker_url,
    data_root,
    demo_data_dir,
    redis_password,
    redis_socket,
    service_addresses,
    services_dir,
    socket_dir,
    socket_folder,
)
from embedded.locks import possible_homes

USE = """
import signal, sys, time
from pathlib import Path
from embedded.client import start
from embedded.processes import end_with_parent
end_with_parent(signal.SIGKILL)
start(Path(sys.argv[1]))
print("up", flush=True)
time.sleep(600)
"""


class User:
    """A process of its own that uses the services of a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USE, str(data_dir)],
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def is_up(self) -> bool:
        assert self.process.stdout is not None
        return self.process.stdout.readline() == "up\n"

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        assert self.process.stdout is not None
        self.process.send_signal(number)
        self.process.wait(120)
        self.process.stdout.close()


class Place:
    """A folder that everybody can enter (pytest's own can't be, by the servers' user), and who uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.users: list[User] = []

    def user(self, data_dir: Path | None = None) -> User:
        self.users.append(User(data_dir or self.folder))
        return self.users[-1]


@pytest.fixture
def place() -> Iterator[Place]:
    """Gone after the test, with every process in it."""
    with tempfile.TemporaryDirectory(prefix="portal-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        place = Place(folder)
        yield place
        for user in place.users:
            if user.process.poll() is None:
                user.end()
        assert gone(folder)


@pytest.fixture
def folder(place: Place) -> Path:
    return place.folder


def processes_of(data_dir: Path) -> list[str]:
    """Return the command lines of all processes that name the folder, or its sockets, or work in it."""
    found = []
    marks = (str(data_dir), str(socket_dir(data_dir)))
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            work = str((entry / "cwd").readlink())
        except OSError:
            continue
        if any(mark in line or work.startswith(mark) for mark in marks):
            found.append(line)
    return found


def gone(data_dir: Path) -> bool:
    """Whether all of the folder's processes end by themselves."""
    for _ in range(2400):
        if not processes_of(data_dir):
            return True
        time.sleep(0.05)
    return False


def query(data_dir: Path, sql: LiteralString) -> object:
    host = str(socket_dir(data_dir))
    with psycopg.connect(host=host, port=POSTGRES_PORT, user="portal", dbname="portal") as connection:
        cursor = connection.execute(sql)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def pings(data_dir: Path) -> bool:
    with redis.Redis(unix_socket_path=str(redis_socket(data_dir)), password=redis_password(data_dir)) as client:
        return bool(client.ping())


def test_redis_wants_a_password_that_nobody_else_can_read(place: Place, folder: Path) -> None:
    """Where root runs the tests, the servers' user is `nobody`, as other processes of the machine may be."""
    assert place.user().is_up()
    with (
        redis.Redis(unix_socket_path=str(redis_socket(folder))) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()
    file = services_dir(folder) / "redis.password"
    assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (os.geteuid(), 0o600)
    assert len(redis_password(folder)) == 64
    assert not [line for line in processes_of(folder) if redis_password(folder) in line], "ps shows it to everybody"


def test_processes_that_come_first_together_agree_on_the_password(tmp_path: Path) -> None:
    say = (
        "import sys; from pathlib import Path; from embedded.addresses import redis_password; "
        "print(redis_password(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", say, str(tmp_path)]
    first = [subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert {process.communicate()[0].strip() for process in first} == {redis_password(tmp_path)}
    assert [path.name for path in services_dir(tmp_path).iterdir()] == ["redis.password"]


def test_the_first_user_starts_both_servers_and_its_end_stops_them(place: Place, folder: Path) -> None:
    user = place.user()
    assert user.is_up()
    assert query(folder, "SELECT current_setting('server_encoding')") == "UTF8"
    assert pings(folder)

    user.end(signal.SIGTERM)

    assert gone(folder)
    assert not socket_dir(folder).exists()


def test_a_killed_user_leaves_no_process_behind_and_the_next_start_works(place: Place, folder: Path) -> None:
    first = place.user()
    assert first.is_up()
    query(folder, "CREATE TABLE kept AS SELECT 7 AS number")

    first.end(signal.SIGKILL)

    assert gone(folder)
    second = place.user()
    assert second.is_up()
    assert query(folder, "SELECT number FROM kept") == 7


def keeper_of(folder: Path) -> int:
    """Return the keeper's process, read as `ps` would, which a bare machine lacks."""
    ending = f"\0embedded.keeper\0{folder}\0".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if (process / "cmdline").read_bytes().endswith(ending):
                return int(process.name)
    raise LookupError(f"No keeper has {folder}")


def test_a_killed_keeper_takes_both_servers_with_it_and_the_next_start_clears_up(place: Place, folder: Path) -> None:
    user = place.user()
    assert user.is_up()
    keeper = keeper_of(folder)

    os.kill(keeper, signal.SIGKILL)
    user.end()

    assert gone(folder)
    again = place.user()
    assert again.is_up()
    assert pings(folder)


def test_a_server_that_dies_is_started_again(place: Place, folder: Path) -> None:
    user = place.user()
    assert user.is_up()
    postmaster = int((services_dir(folder) / "postgres/data/postmaster.pid").read_text().splitlines()[0])

    os.kill(postmaster, signal.SIGKILL)

    for _ in range(2400):
        try:
            assert query(folder, "SELECT 1") == 1
            break
        except psycopg.OperationalError:
            time.sleep(0.05)
    else:
        pytest.fail("PostgreSQL did not come back")


def test_two_users_share_one_cluster_and_the_last_one_stops_it(place: Place, folder: Path) -> None:
    first, second = place.user(), place.user()
    assert first.is_up()
    assert second.is_up()

    first.end(signal.SIGTERM)

    assert query(folder, "SELECT 1") == 1
    assert pings(folder)
    second.end(signal.SIGTERM)
    assert gone(folder)


def test_an_interrupted_initdb_is_made_again(place: Place, folder: Path) -> None:
    half = services_dir(folder) / "postgres" / "half"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("16\n")

    user = place.user()

    assert user.is_up()
    assert not half.exists()


def test_a_data_folder_of_161_characters_works_beside_another(place: Place, folder: Path) -> None:
    long = folder / "long"
    long = long / ("d" * (161 - len(str(long)) - 1))
    assert len(str(long)) == 161
    users = [place.user(long), place.user()]

    assert [user.is_up() for user in users] == [True, True]
    query(long, "CREATE TABLE only_here AS SELECT 1 AS number")
    assert query(folder, "SELECT to_regclass('only_here')") is None


def test_sockets_in_a_folder_of_somebody_else_are_refused(folder: Path, tmp_path: Path) -> None:
    planted = socket_dir(folder)
    planted.symlink_to(tmp_path)
    try:
        user = subprocess.run(
            [sys.executable, "-c", USE, str(folder)],
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        planted.unlink()

    assert user.returncode != 0
    assert f"{planted} belongs to another user" in user.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root's servers run as another user, who may be shut out")
def test_where_the_servers_user_is_shut_out_cluster_and_programs_lie_elsewhere(place: Place, folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    elsewhere = possible_homes(closed)[1]
    try:
        user = place.user(closed)
        assert user.is_up()
        assert query(closed, "SELECT current_setting('data_directory')") == str(elsewhere / "postgres" / "data")
        assert pings(closed)
        assert not (services_dir(closed) / "postgres").exists()
        user.end(signal.SIGTERM)
        assert gone(closed)
    finally:
        shutil.rmtree(elsewhere, ignore_errors=True)


def test_only_the_user_who_started_the_cluster_gets_in(place: Place, folder: Path) -> None:
    user = place.user()
    assert user.is_up()
    mode = socket_dir(folder).stat().st_mode & 0o777

    assert mode == 0o700
    with pytest.raises(psycopg.OperationalError, match="Peer authentication failed"):
        psycopg.connect(host=str(socket_dir(folder)), port=POSTGRES_PORT, user="postgres", dbname="postgres")


@pytest.mark.parametrize(
    ("ours", "kombus"),
    [
        ("unix:///run/redis.sock?db=3", "redis+socket:///run/redis.sock?virtual_host=3"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
        ("unix://:s%40crt@/run/r.sock?db=1", "redis+socket://:s%40crt@/run/r.sock?virtual_host=1"),
        ("unix:///run/r.sock?db=1&password=s@crt", "redis+socket://:s%40crt@/run/r.sock?virtual_host=1"),
        ("redis://cache.example:6379/2", "redis://cache.example:6379/2"),
        ("rediss://:x@cache.example:6380/0", "rediss://:x@cache.example:6380/0?ssl_cert_reqs=required"),
        ("", ""),
    ],
)
def test_kombu_gets_its_own_spelling_of_an_address(ours: str, kombus: str) -> None:
    assert broker_url(ours) == kombus


@pytest.mark.parametrize(
    ("address", "folder"),
    [
        ("postgres://portal@%2Frun%2FPortal/portal", "/run/Portal"),
        ("postgres://portal:s%40crt@%2Frun%2Fpostgresql:5433/portal", "/run/postgresql"),
        ("postgres://portal:x@%2frun%2fpostgresql/portal?connect_timeout=3", "/run/postgresql"),
        ("postgres://portal:x@db.example:5432/portal", ""),
    ],
)
def test_the_folder_of_postgresqls_socket_is_read_as_it_is_written(
    address: str, folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    database = service_addresses(environ.FileAwareEnv(), data_dir=tmp_path, production=True).database

    assert socket_folder(address) == folder
    assert database["HOST"] == (folder or "db.example")
    assert database["NAME"] == "portal"


def test_kombu_reads_the_address_as_redis_py_does() -> None:
    from kombu import Connection

    ours = "unix://portal:s%40crt@/run/portal/redis.sock?db=3"
    read = redis.Redis.from_url(ours).connection_pool.connection_kwargs
    channel = Connection(broker_url(ours)).transport.Channel
    meant = channel._connparams  # the method that kombu builds a connection's parameters with

    class Bare(channel):  # type: ignore[misc, valid-type]
        """A channel that has not connected."""

        def __init__(self, connection: object) -> None:
            self.connection = connection

        def __del__(self) -> None:
            """Nothing was opened."""

    class Virtual:
        """What a channel asks of its connection."""

        client = Connection(broker_url(ours))
        default_port = 6379

    said = meant(Bare(Virtual()))
    for name in ("path", "db", "username", "password"):
        assert said[name] == read[name]


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="amqp"):
        broker_url("amqp://broker.example")


def test_addresses_of_others_win_and_production_embeds_nothing(tmp_path: Path) -> None:
    import environ

    env = environ.Env()
    env.ENVIRON = {
        "DATABASE_URL": "postgres://portal:x@db.example:5433/book",
        "REDIS_URL": "redis://r.example/1",
    }
    theirs = service_addresses(env, data_dir=tmp_path, production=False)
    assert (theirs.database["HOST"], theirs.database["PORT"], theirs.database["NAME"]) == (
        "db.example",
        5433,
        "book",
    )
    assert theirs.embedded == frozenset()

    env.ENVIRON = {}
    none = service_addresses(env, data_dir=tmp_path, production=True)
    assert (none.database["NAME"], none.redis_url, none.embedded) == ("", "", frozenset())


def test_only_the_web_process_pools_its_connections(tmp_path: Path) -> None:
    import environ

    env = environ.Env()
    env.ENVIRON = {"DATABASE_POOL_SIZE": "8"}
    assert service_addresses(env, data_dir=tmp_path, production=False).database["OPTIONS"]["pool"]["max_size"] == 8
    env.ENVIRON = {}
    assert "pool" not in service_addresses(env, data_dir=tmp_path, production=False).database["OPTIONS"]


def test_plans_are_kept_for_all_values_unless_connections_are_shared(tmp_path: Path) -> None:
    import environ

    env = environ.Env()
    address = "postgres://portal@db.example/portal?options=-c%20statement_timeout%3D9s"
    env.ENVIRON = {"DATABASE_URL": address}
    kept = service_addresses(env, data_dir=tmp_path, production=True).database["OPTIONS"]
    assert kept["options"] == "-c statement_timeout=9s -c plan_cache_mode=force_generic_plan"
    env.ENVIRON = {"DATABASE_URL": address, "DATABASE_PREPARE": "0"}
    shared = service_addresses(env, data_dir=tmp_path, production=True).database["OPTIONS"]
    assert shared == {"options": "-c statement_timeout=9s"}


def test_demos_on_other_ports_have_data_of_their_own() -> None:
    assert demo_data_dir(8000) == data_root()
    assert demo_data_dir(8001) != demo_data_dir(8002)
    assert len({socket_dir(demo_data_dir(port)) for port in (8000, 8001, 8002)}) == 3
