"""Addresses of the services: from the environment, or of the embedded ones.

The embedded services' addresses depend only on the data folder, which also holds the Redis password. Settings can
name them without starting anything, and several processes agree on them without talking to each other.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, quote, unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 8000
# The embedded cluster's role and database.
DATABASE_NAME = "portal"
POSTGRES_PORT = 5432
# Each xdist worker has its own number; 0 is for the demo and for a single test process.
REDIS_DATABASES = 64


class Environment(Protocol):
    """The part of `environ.Env` that is used here."""

    @property
    def str(self) -> Callable[..., Any]: ...

    @property
    def int(self) -> Callable[..., Any]: ...

    @property
    def db_url_config(self) -> Callable[..., Any]: ...


@dataclass(frozen=True)
class ServiceAddresses:
    """Where PostgreSQL and Redis answer, in each client library's spelling."""

    database: dict[str, Any]
    redis_url: str
    broker_url: str
    embedded: frozenset[str] = frozenset()
    """Which of 'postgres' and 'redis' run embedded."""


def data_root() -> Path:
    """Return the folder for everything the portal writes: PORTAL_DATA_DIR, else `.data` in the checkout.

    A `.data` of another user (made by root, used by a plain user now, or the reverse) is left alone. The folder is
    then `.data-<uid>`, or one in the user's cache if the checkout isn't writable.
    """
    configured = os.environ.get("PORTAL_DATA_DIR")
    if configured:
        return Path(configured).absolute()
    uid = os.geteuid()
    for folder in (BASE_DIR / ".data", BASE_DIR / f".data-{uid}"):
        if folder.is_dir() and folder.stat().st_uid == uid:
            return folder
        if not folder.exists() and os.access(BASE_DIR, os.W_OK):
            return folder
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / f"portal-{_digest(str(BASE_DIR))}"


def demo_data_dir(port: int) -> Path:
    """Return the data folder of the demo on a port; demos on ports other than 8000 have their own folder inside it."""
    root = data_root()
    return root if port == DEFAULT_PORT else root / f"port-{port}"


def on_another_day() -> bool:
    """Whether the clock of this process has been moved (`make test TODAY=...`)."""
    return "FAKETIME" in os.environ


def test_data_dir() -> Path:
    """The data folder of the test run; a run on another day has its own, because its servers have another clock."""
    return data_root() / ("test-on-another-day" if on_another_day() else "test")


test_data_dir.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever pytest thinks of its name


def socket_dir(data_dir: Path) -> Path:
    """Return a short private folder for the sockets: a socket's path is limited to 107 bytes, too few for some
    checkouts."""
    parent = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())  # noqa: S108  # 0700, owner checked
    return parent / f"portal-{_digest(f'{os.geteuid()}:{data_dir.absolute()}')}"


def services_dir(data_dir: Path) -> Path:
    """Return the folder for locks, logs, the Redis password, and, if possible, the cluster."""
    return data_dir / "services"


def redis_socket(data_dir: Path) -> Path:
    """Where the embedded Redis listens."""
    return socket_dir(data_dir) / "redis.sock"


def redis_password(data_dir: Path) -> str:
    """Return the embedded Redis password, made on first use and kept in a file that only we can read.

    If we're root, the servers run as `nobody`. Without a password, any other process of that user could use this
    Redis. Raises OSError if the folder isn't writable.
    """
    path = services_dir(data_dir) / "redis.password"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, half = tempfile.mkstemp(prefix="redis.", dir=path.parent)  # readable by us alone
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
        # If several processes start at the same time, one of them sets the password.
        with suppress(FileExistsError):
            os.link(half, path)
        Path(half).unlink()
    return path.read_text()


def service_addresses(env: Environment, *, data_dir: Path, production: bool) -> ServiceAddresses:
    """Return the services' addresses from DATABASE_URL and REDIS_URL, or the embedded ones if these are unset.

    In production nothing is embedded: a missing address stays empty, and `portal.checks` refuses to start.
    DATABASE_POOL_SIZE above 0 gives each process a connection pool of that size (the web process uses its
    number of threads; workers have no pool, which costs a single-threaded worker more than it saves).
    DATABASE_PREPARE=0 is for a pooler that shares connections between transactions: prepared statements get lost there.
    """
    embedded = set()
    database_url = env.str("DATABASE_URL", default="").strip()
    database: dict[str, Any]
    if database_url:
        database = dict(env.db_url_config(database_url))
        if folder := socket_folder(database_url):
            database["HOST"] = folder
    else:
        database = {"ENGINE": "django.db.backends.postgresql", "NAME": "", "HOST": ""}
        if not production:
            embedded.add("postgres")
            database |= {"NAME": DATABASE_NAME, "USER": DATABASE_NAME, "PASSWORD": ""}
            database |= {"HOST": str(socket_dir(data_dir)), "PORT": str(POSTGRES_PORT)}
    pool_size = env.int("DATABASE_POOL_SIZE", default=0)
    if pool_size > 0:
        database = with_pool(database, pool_size)
    else:
        database["CONN_MAX_AGE"] = None
    database["CONN_HEALTH_CHECKS"] = True
    if env.int("DATABASE_PREPARE", default=1):
        # PostgreSQL keeps the plan of a fixed statement (core.statements) from its second use on a connection. Left to
        # choose, it would plan it again each time in a large book, for a millisecond each.
        options = database.get("OPTIONS", {})
        of_server = f"{options.get('options', '')} -c plan_cache_mode=force_generic_plan".strip()
        database["OPTIONS"] = options | {"prepare_threshold": 1, "options": of_server}

    redis_url = env.str("REDIS_URL", default="").strip()
    if not redis_url and not production:
        embedded.add("redis")
        number = env.int("PORTAL_REDIS_DATABASE", default=0)
        try:
            password = redis_password(data_dir)
        except OSError:  # nothing can start in such a folder; `client.start` says so
            password = ""
        redis_url = f"unix://:{password}@{redis_socket(data_dir)}?db={number}"
    return ServiceAddresses(
        database=database,
        redis_url=redis_url,
        broker_url=broker_url(redis_url),
        embedded=frozenset(embedded),
    )


def with_pool(database: dict[str, Any], size: int) -> dict[str, Any]:
    """Return the database's settings with a connection pool of that size for the process."""
    pool = {"min_size": min(2, size), "max_size": size, "timeout": 10}
    return database | {"OPTIONS": database.get("OPTIONS", {}) | {"pool": pool}, "CONN_MAX_AGE": 0}


def socket_folder(database_url: str) -> str:
    """Return the folder of PostgreSQL's socket if the address names one, as libpq writes it: `postgres://user@%2Frun%2Fpg/name`.

    Empty for a host. Read from the address as written: a parsed host has lost its capital letters.
    """
    host = urlsplit(database_url).netloc.rpartition("@")[2].partition(":")[0]
    return unquote(host) if host.lower().startswith("%2f") else ""


def broker_url(redis_url: str) -> str:
    """Return the same Redis, in kombu's spelling.

    redis-py uses `unix://user:secret@/path?db=1` (or the secret in the query), kombu
    `redis+socket://user:secret@/path?virtual_host=1`; over TCP both are the same.
    Raises ValueError for another scheme.
    """
    parts = urlsplit(redis_url)
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in parse_qs(parts.query):
        # Without it kombu accepts any certificate; redis-py checks certificates by default.
        return f"{redis_url}{'&' if parts.query else '?'}ssl_cert_reqs=required"
    if not redis_url or parts.scheme in {"redis", "rediss"}:
        return redis_url
    if parts.scheme != "unix":
        raise ValueError(f"REDIS_URL starts with '{parts.scheme}://'; use redis://, rediss://, or unix://.")
    query = parse_qs(parts.query)
    username = parts.username or quote(query.get("username", [""])[0], safe="")
    password = parts.password or quote(query.get("password", [""])[0], safe="")
    credentials = f"{username}:{password}@" if username or password else ""
    return f"redis+socket://{credentials}{parts.path}?virtual_host={query.get('db', ['0'])[0]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
