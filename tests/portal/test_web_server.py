"""What gunicorn itself does with requests, before and behind the portal: a real server with our configuration."""

from __future__ import annotations

import http.client
import os
import re
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from embedded.addresses import BASE_DIR
from tests.programs import ending_with_us

CONFIGURATION = BASE_DIR / "portal" / "gunicorn_conf.py"
START_SECONDS = 60


class Server:
    """A running gunicorn, and what it has written."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self.log = process, log

    @property
    def port(self) -> int:
        """Where it listens; it chose the port itself."""
        return int(self._waited_for(r"Listening at: http://127\.0\.0\.1:(\d+)"))

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        """One request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        connection.request("GET", path, headers={name.replace("__", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    def send(self, raw: bytes) -> bytes:
        """Return the answer to bytes that may be no request."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=START_SECONDS) as connection:
            connection.sendall(raw)
            return connection.recv(65536)

    def _waited_for(self, pattern: str) -> str:
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit:
            if found := re.search(pattern, self.log.read_text()):
                return found.group(1)
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"gunicorn did not start:\n{self.log.read_text()}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("web") / "log"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "WEB_BIND": "127.0.0.1:0",
        "WEB_PROCESSES": "1",
        # No pool: nothing here asks the database.
        "DATABASE_POOL_SIZE": "0",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            ending_with_us([sys.executable, "-m", "gunicorn", "-c", str(CONFIGURATION), "portal.wsgi:application"]),
            cwd=BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(process, log)
    try:
        assert server.get("/healthz").status == 200
        yield server
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def test_the_log_holds_neither_address_nor_query_nor_headers_of_a_request(server: Server) -> None:
    server.get(
        "/healthz?q=Zebulon-searched", User__Agent="Agent-of-Zebulon", Referer="https://x.test/?Zebulon-came-from"
    )

    text = server.log.read_text()
    assert "Zebulon" not in text
    assert "127.0.0.1 - -" not in text
    assert "gunicorn.access" not in text
    assert "view=healthz" in text


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nBad Zebulon Header\r\n\r\n",
        b"Zebulon /healthz?Zebulon HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: Zebulon\r\n\r\n",
    ],
)
def test_what_isnt_a_request_is_refused_without_a_word_of_it_in_the_log(server: Server, raw: bytes) -> None:
    answer = server.send(raw)

    assert re.match(rb"HTTP/1\.1 [45]\d\d", answer)
    text = server.log.read_text()
    assert "Zebulon" not in text
    assert "ip=" not in text
    assert "can't be read" in text


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO", "Script-Name"])
def test_no_header_says_where_the_portal_is_mounted_or_which_page_is_meant(server: Server, name: str) -> None:
    assert server.get("/healthz", **{name: "/evil"}).status == 200
    assert server.get("/static/metrics", **{name: "/static"}).status != 200


def configuration(monkeypatch: pytest.MonkeyPatch, cores: int, **environment: str) -> dict[str, Any]:
    """Return what gunicorn reads from our file, on a machine with so many cores."""
    for name in ("WEB_PROCESSES", "WEB_KEEPALIVE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores))
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "max 100000")
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: str(settings.DATA_DIR))
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    return runpy.run_path(str(CONFIGURATION))


@pytest.mark.parametrize(("cores", "processes"), [(1, 1), (2, 2), (8, 8), (64, 8)])
def test_each_core_gets_a_process_as_far_as_the_database_has_connections(
    monkeypatch: pytest.MonkeyPatch, cores: int, processes: int
) -> None:
    assert configuration(monkeypatch, cores)["workers"] == processes


def test_the_number_of_processes_and_the_keep_alive_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    found = configuration(monkeypatch, 4, WEB_PROCESSES="3", WEB_KEEPALIVE="10")

    assert (found["workers"], found["keepalive"]) == (3, 10)


def test_an_idle_connection_outlives_the_proxys_own_sixty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configuration(monkeypatch, 1)["keepalive"] > 60
