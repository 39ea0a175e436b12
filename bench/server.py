"""The portal as in production: web server and worker in processes of their own, and a minimal browser over HTTP."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from embedded.addresses import BASE_DIR
from embedded.processes import die_with_parent
from portal import workers

START_SECONDS = 60
_TOKEN = re.compile(r'name="(csrfmiddlewaretoken|idempotency_key)" value="([^"]+)"')


@dataclass
class Browser:
    """A minimal browser: one open connection, cookies, and the two hidden fields of a form."""

    port: int
    session: str = ""

    def __post_init__(self) -> None:
        self._cookies = {settings.SESSION_COOKIE_NAME: self.session} if self.session else {}
        self._http = http.client.HTTPConnection("localhost", self.port, timeout=60)

    def form(self, path: str) -> dict[str, str]:
        """Return the hidden fields of the form at `path`, over a new connection: the last one may have timed out."""
        self._http.close()
        _, _, body = self.send("GET", path)
        return dict(_TOKEN.findall(body.decode()))

    def send(self, method: str, path: str, body: str | None = None) -> tuple[int, str, bytes]:
        """Return the answer's status, where it redirects to, and its body."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Referer": f"http://localhost:{self.port}{path}",
            }
        self._http.request(method, path, body, headers)
        answer = self._http.getresponse()
        for header in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = header.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.headers.get("Location", ""), answer.read()


@contextmanager
def running(port: int, *, queues: Sequence[str] = ("documents",)) -> Iterator[list[int]]:
    """Run a web server and a worker of each queue as in production, and yield the processes whose CPU counts: these,
    PostgreSQL, and Redis."""
    worker = ["celery", "-A", "portal.celery:app", "worker", "-P", "solo", "-l", "WARNING"]
    worker += ["--without-gossip", "--without-mingle"]
    commands = {
        "web": ["gunicorn", "-c", str(BASE_DIR / "portal" / "gunicorn_conf.py"), "portal.wsgi:application"],
        **{queue: [*worker, "-Q", queue, "-n", f"{queue}@%h"] for queue in queues},
    }
    environment = os.environ | {"WEB_BIND": f"127.0.0.1:{port}", "WEB_PROCESSES": "1"}
    # One user issues far more here than a person would.
    environment |= {"CERTIFICATES_PER_USER": "100000", "NEW_HOLDERS_PER_USER": "100000"}
    started: list[subprocess.Popen[bytes]] = []
    try:
        for name, command in commands.items():
            log = Path(settings.DATA_DIR) / f"bench-{name}.log"
            with log.open("wb") as output:
                started.append(
                    subprocess.Popen(  # noqa: S603  # our own programs, no shell
                        [sys.executable, "-m", *command],
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        cwd=BASE_DIR,
                        env=environment,
                        preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509  # started from the only thread
                    )
                )
        _wait_until_ready(port, queues)
        yield [*(process.pid for process in started), *_service_pids()]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def _wait_until_ready(port: int, queues: Sequence[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with workers.connect() as redis, suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            working = workers.working(redis, now=time.time())
            if all(working[queue] for queue in queues):
                return
        time.sleep(0.1)
    raise RuntimeError("Web server and worker did not start; see their logs, bench-web.log and so on")


def _service_pids() -> list[int]:
    """Return the process ids of PostgreSQL and Redis, as they report them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = int(cursor.fetchone()[0])
    postmaster = int(Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()[1])
    with workers.connect() as redis:
        return [postmaster, int(redis.info("server")["process_id"])]


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
