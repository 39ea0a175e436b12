"""A certificate from the click to its bytes, against bare WeasyPrint laying out the same page."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import weasyprint
from django.conf import settings
from django.db import connection
from django.urls import reverse

from accounts.models import User
from bench.measure import Figure, cpu_of, once
from bench.people import session_key
from credentialing.certificates.rendering import certificate_html
from credentialing.models import Certificate
from embedded.addresses import BASE_DIR
from embedded.processes import die_with_parent
from policies.models import Coverage
from portal import workers

ROUNDS = 24
WARM_UP = 4
START_SECONDS = 60
_TOKEN = re.compile(r'name="(csrfmiddlewaretoken|idempotency_key)" value="([^"]+)"')


def measure(names: list[str]) -> Iterator[Figure]:
    """Yield the figure `coi_single` if it's named."""
    if "coi_single" in names:
        yield _single()


def _single() -> Figure:
    user = User.objects.get(username="policyholder")
    coverages = list(
        Coverage.objects.visible_to(user)
        .filter(term__status="bound", term__policy__status="active", ended_reason="")
        .order_by("pk")[:40]
    )
    port = _free_port()
    with _running(port) as pids:
        browser = Browser(port, session_key(user))
        walls: list[float] = []
        bare_walls: list[float] = []
        cpu = bare_cpu = 0.0
        for number in range(WARM_UP + ROUNDS):
            coverage = coverages[number % len(coverages)]
            # A new holder each round: the same snapshot would return the existing certificate.
            form = browser.form(reverse("credentialing:issue", args=[coverage.public_id]))
            form |= _holder(number)
            used = cpu_of(pids)
            start = time.perf_counter()
            pdf = browser.issue(reverse("credentialing:issue", args=[coverage.public_id]), form)
            wall = (time.perf_counter() - start) * 1000
            used = cpu_of(pids) - used
            if not pdf.startswith(b"%PDF-"):
                raise RuntimeError(f"The download isn't a PDF: {pdf[:80]!r}")
            html = certificate_html(Certificate.objects.latest("pk"))
            bare = once(partial(_bare, html))
            if number >= WARM_UP:
                walls.append(wall)
                bare_walls.append(bare.wall)
                cpu += used
                bare_cpu += bare.cpu
        connection.close()
    return Figure(
        "coi_single",
        statistics.median(walls),
        statistics.median(bare_walls),
        "ms",
        {
            "cpu_ms": round(cpu / ROUNDS, 1),
            "bare_cpu_ms": round(bare_cpu / ROUNDS, 1),
            "cpu_ratio": round(cpu / bare_cpu, 3),
            "rounds": ROUNDS,
        },
    )


def _bare(html: str) -> bytes:
    return bytes(weasyprint.HTML(string=html).write_pdf())


def _holder(number: int) -> dict[str, str]:
    return {
        "recipient": "new",
        "name": f"Benchmark Hospital {os.getpid()}-{number}",
        "address1": "1 Benchmark Street",
        "city": "Albany",
        "state": "NY",
        "zip": "12207",
    }


@dataclass
class Browser:
    """A minimal browser: one open connection, cookies, and the two hidden fields of a form."""

    port: int
    session: str

    def __post_init__(self) -> None:
        self._cookies = {settings.SESSION_COOKIE_NAME: self.session}
        self._http = http.client.HTTPConnection("localhost", self.port, timeout=60)

    def form(self, path: str) -> dict[str, str]:
        """Return the hidden fields of the form at `path`, over a new connection: the last one may have timed out."""
        self._http.close()
        _, _, body = self._send("GET", path)
        return dict(_TOKEN.findall(body.decode()))

    def issue(self, path: str, form: dict[str, str]) -> bytes:
        """Post the form, follow it, wait until the certificate is ready, and return the PDF's bytes."""
        status, location, body = self._send("POST", path, urlencode(form))
        if status != 302:
            raise RuntimeError(f"Issuing answered {status}: {body[:2000].decode(errors='replace')}")
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            status, _, page = self._send("GET", location)
            link = re.search(rb'href="([^"]+/pdf/)"', page)
            if link:
                return self._send("GET", link.group(1).decode())[2]
            time.sleep(0.02)
        raise RuntimeError("The certificate did not become ready")

    def _send(self, method: str, path: str, body: str | None = None) -> tuple[int, str, bytes]:
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
def _running(port: int) -> Iterator[list[int]]:
    """Run a web server and a `documents` worker as in production, and yield the processes whose CPU counts, PostgreSQL
    and Redis among them."""
    commands = {
        "web": ["gunicorn", "-c", str(BASE_DIR / "portal" / "gunicorn_conf.py"), "portal.wsgi:application"],
        "documents": ["celery", "-A", "portal.celery:app", "worker", "-Q", "documents", "-P", "solo", "-l", "WARNING",
                      "--without-gossip", "--without-mingle"],
    }  # fmt: skip
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
        _wait_until_ready(port)
        yield [*(process.pid for process in started), *_service_pids()]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with workers.connect() as redis, suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            if workers.working(redis, now=time.time())["documents"]:
                return
        time.sleep(0.1)
    raise RuntimeError("Web server and worker did not start; see bench-web.log and bench-documents.log")


def _service_pids() -> list[int]:
    """Return the process ids of PostgreSQL and Redis, as they report them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = int(cursor.fetchone()[0])
    postmaster = int(Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()[1])
    with workers.connect() as redis:
        return [postmaster, int(redis.info("server")["process_id"])]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
