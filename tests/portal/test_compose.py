"""docker-compose.yml and the Dockerfile: the commands that they name run as they are, in production mode, and a user
signs in through them. No container engine is needed: what differs is only where paths and addresses lead."""

from __future__ import annotations

import contextlib
import html
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import pytest
import redis
import yaml
from django.conf import settings as django_settings
from django.db import connection

from core import system
from embedded.addresses import BASE_DIR
from embedded.processes import moved_clock
from portal import probe, workers
from tests.programs import ending_with_us
from tests.vendor import StandIn, stand_in
from tools.make_secrets import make_secrets

HOST = "portal.example"
PASSWORD = "quiet-Harbor-lantern-42"
# Seconds until a test that waits for a program gives up.
PATIENCE = 300
# What an operator writes into .env, as the example has it.
EXAMPLE = BASE_DIR / "docker" / "example.env"
OPERATOR = dict(line.split("=", 1) for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#"))
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<rest>[^}]*))?\}")


def interpolate(text: str, values: dict[str, str]) -> str:
    """As Compose does it: ${NAME}, ${NAME:-default}, ${NAME:?what to do}."""

    def value(match: re.Match[str]) -> str:
        if found := values.get(match["name"]):
            return found
        assert match["kind"] != "?", match["rest"]
        return match["rest"] or ""

    return VARIABLE.sub(value, text)


COMPOSE: dict[str, Any] = yaml.safe_load(interpolate((BASE_DIR / "docker-compose.yml").read_text(), OPERATOR))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (BASE_DIR / "Dockerfile").read_text()


# ---- what the files say ----------------------------------------------------------------------------------------------


def test_every_queue_has_a_worker_and_there_is_one_schedule() -> None:
    served = [
        service["command"][service["command"].index("-Q") + 1]
        for service in OURS.values()
        if "-Q" in service["command"]
    ]

    assert sorted(served) == sorted(django_settings.CELERY_TASK_QUEUES_NAMES)
    assert [name for name, service in OURS.items() if "beat" in service["command"]] == ["beat"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_service_has_a_health_check_and_comes_back_by_itself(name: str) -> None:
    service = SERVICES[name]

    if name == "migrate":
        assert service["restart"] == "on-failure"
    else:
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(set(OURS) - {"migrate"}))
def test_nothing_of_ours_starts_before_the_tables_are_up_to_date(name: str) -> None:
    assert OURS[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_no_secret_is_in_the_file_and_each_one_is_made(tmp_path: Path) -> None:
    empty = make_secrets(tmp_path / "secrets")
    made = {path.name for path in (tmp_path / "secrets").iterdir()}

    assert {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()} == made
    assert empty == ["email_url", "twilio_auth_token"]
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if variable.endswith("_FILE"):
                assert Path(value).name in service["secrets"]
            else:
                assert not re.search("SECRET|PASSWORD|TOKEN|KEY", variable)


def test_secrets_are_made_once_and_never_halves_of_a_pair(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    make_secrets(tmp_path)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / "redis_conf").unlink()
    with pytest.raises(SystemExit, match="redis_url is there without its counterpart"):
        make_secrets(tmp_path)


def test_the_database_and_redis_are_reached_by_sockets_alone() -> None:
    for name in ("postgres", "redis"):
        assert "ports" not in SERVICES[name]
        assert SERVICES[name]["network_mode"] == "none"


def test_the_image_takes_its_system_packages_from_the_one_list() -> None:
    (command,) = re.findall(r"python -m core\.system (\w+)", DOCKERFILE)

    assert {name for name, need in system.needs().items() if command in need.commands} >= {"pango"}
    assert "apt-get install" not in DOCKERFILE


def test_the_probes_look_where_the_workers_sign() -> None:
    assert probe.GONE_SECONDS == workers.GONE_SECONDS
    assert probe.SIGNS.format("codes") == workers.key("codes")


@pytest.mark.skipif(
    subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0
    if shutil.which("docker")
    else True,
    reason="The client of Docker Compose was not found: apt-get install docker-compose-plugin",
)
def test_compose_itself_finds_nothing_wrong(tmp_path: Path) -> None:
    shutil.copy(BASE_DIR / "docker-compose.yml", tmp_path)
    shutil.copy(EXAMPLE, tmp_path / ".env")
    make_secrets(tmp_path / "secrets")

    done = subprocess.run(
        ["docker", "compose", "config", "--quiet"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


# ---- what they start -------------------------------------------------------------------------------------------------


@dataclass
class Stack:
    """The services of docker-compose.yml as processes of this machine."""

    folder: Path
    port: int
    places: dict[str, str]
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def environment_of(self, name: str) -> dict[str, str]:
        """Return the image's environment and the service's, with paths and addresses that lead to this machine."""
        image = dict(
            re.findall(
                r"(\w+)=(\S+)(?: \\)?$", DOCKERFILE[DOCKERFILE.index("ENV PATH") :].split("\n\n")[0], re.MULTILINE
            )
        )
        image.pop("PATH", None)
        assert OURS[name]["env_file"] == [".env"]
        given = image | OPERATOR | {key: str(value) for key, value in OURS[name].get("environment", {}).items()}
        return self.environment | {key: self._here(value) for key, value in given.items()}

    def run(self, name: str) -> None:
        """Run a job to its end."""
        done = subprocess.run(
            OURS[name]["command"],
            cwd=BASE_DIR,
            env=self.environment_of(name),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def start(self, name: str) -> None:
        """Start a service in its own session; it ends with this process."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                ending_with_us(OURS[name]["command"]),
                cwd=BASE_DIR,
                env=self.environment_of(name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_healthy(self, name: str) -> bool:
        """Return the service's own health check, run as Compose would."""
        kind, *command = OURS[name]["healthcheck"]["test"]
        assert kind == "CMD"
        done = subprocess.run(command, cwd=BASE_DIR, env=self.environment_of(name), capture_output=True, check=False)
        return done.returncode == 0

    def wait_healthy(self, name: str) -> None:
        """Until the health check passes."""
        until(lambda: self.processes[name].poll() is not None or self.is_healthy(name))
        log = (self.folder / f"{name}.log").read_text()
        assert self.processes[name].poll() is None, f"{name} ended: {log}"

    def ask_to_stop(self, name: str) -> None:
        """Ask it to end, as Compose does."""
        self.processes[name].terminate()

    def ended(self, name: str) -> int:
        """Wait until it has ended, and return its exit code."""
        process = self.processes.pop(name)
        try:
            return process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise

    def _here(self, value: str) -> str:
        for there, here in self.places.items():
            if value.startswith(there):
                return here + value.removeprefix(there)
        return value


def until(condition: Callable[[], object]) -> object:
    """Wait until something is true, and return that."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.25)
    raise AssertionError("It did not come about in time")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        return int(probe_socket.getsockname()[1])


@pytest.fixture
def database(db: None) -> Iterator[str]:
    """Yield a database of the stack's own, empty; its address as DATABASE_URL spells it."""
    given = connection.get_connection_params()
    name = f"compose_{os.getpid()}"
    server = {key: given[key] for key in ("host", "port", "user", "password") if given.get(key)}
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        secret = f":{quote(server['password'], safe='')}" if server.get("password") else ""
        port = f":{server['port']}" if server.get("port") else ""
        yield f"postgres://{server['user']}{secret}@{quote(server['host'], safe='')}{port}/{name}"
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def redis_url() -> Iterator[str]:
    """Numbers of Redis that no other test uses: those of the workers count from 1."""
    own = int(os.environ.get("PORTAL_REDIS_DATABASE", "0"))
    url = re.sub(r"db=\d+", f"db={15 - own}", django_settings.REDIS_URL)
    assert url != django_settings.REDIS_URL
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


@pytest.fixture
def vendor() -> Iterator[StandIn]:
    """Where the codes go."""
    with stand_in() as vendor:
        yield vendor


@pytest.fixture
def stack(tmp_path: Path, database: str, redis_url: str, vendor: StandIn) -> Iterator[Stack]:
    """Yield the image's static files, and nothing started yet; whatever is started ends with the test."""
    secrets, port = tmp_path / "secrets", free_port()
    make_secrets(secrets)
    for name, text in {"database_url": database, "redis_url": redis_url, "twilio_auth_token": "t0ken"}.items():
        (secrets / name).chmod(0o644)
        (secrets / name).write_text(f"{text}\n")
    (secrets / "email_url").chmod(0o644)
    (secrets / "email_url").write_text(f"filemail:///{tmp_path / 'mails'}\n")
    for name in ("data", "feed", "collected"):
        (tmp_path / name).mkdir()
    stack = Stack(
        tmp_path,
        port,
        {
            "/run/secrets": str(secrets),
            "/app/collected": str(tmp_path / "collected"),
            "/data": str(tmp_path / "data"),
            "/feed": str(tmp_path / "feed"),
            "0.0.0.0:8000": f"127.0.0.1:{port}",
        },
        {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TWILIO_BASE_URL": vendor.address,
            "WEB_PROCESSES": "1",
            **moved_clock(),
        },
    )
    yield stack
    for process in stack.processes.values():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@dataclass
class Browser:
    """A browser behind a proxy that ends TLS: Secure cookies are kept, and the proxy says https."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[http.client.HTTPResponse, str]:
        """One request; the response and its text. Redirects are not followed."""
        headers = {
            "Host": HOST,
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "203.0.113.9",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        body = None
        if form is not None:
            body = urlencode(form)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"https://{HOST}{path}"}
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with contextlib.closing(client):
            client.request(method, path, body, headers)
            response = client.getresponse()
            text = response.read().decode()
        for line in response.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                assert morsel["secure"]
                assert name.startswith("__Host-")
                self.cookies[name] = morsel.value
        return response, text

    def open(self, path: str) -> tuple[str, str]:
        """Return a page, and where one ends up: redirects within the portal are followed."""
        response, text = self.ask("GET", path)
        while response.status in {301, 302}:
            path = response.headers["Location"]
            response, text = self.ask("GET", path)
        assert response.status == 200, (path, response.status, text[:500])
        return path, text

    def send(self, path: str, page: str, **form: str) -> tuple[str, str]:
        """Send a form of that page, with its token and hidden fields; then as `open`."""
        hidden = {
            html.unescape(name): html.unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
        }
        response, text = self.ask("POST", path, hidden | form)
        assert response.status == 302, (path, response.status, re.sub(r"<[^>]+>|\s+", " ", text)[:800])
        return self.open(response.headers["Location"])


def make_account(stack: Stack) -> None:
    """Ana's account, as an operator makes the first one."""
    script = (
        "from accounts.models import User\n"
        f"User.objects.create_user('ana', email='ana@portal.example', password='{PASSWORD}', first_name='Ana')\n"
    )
    done = subprocess.run(
        ["python", "manage.py", "shell", "-c", script],
        cwd=BASE_DIR,
        env=stack.environment_of("migrate"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_commands_of_compose_bring_up_a_portal_that_a_user_signs_in_to(stack: Stack, vendor: StandIn) -> None:
    # The image: its own line, word for word.
    (line,) = re.findall(r"RUN (set -a .+?collectstatic --noinput)", DOCKERFILE, re.DOTALL)
    built = subprocess.run(
        ["sh", "-c", line.replace("\\\n", "")],
        cwd=BASE_DIR,
        env=stack.environment | {"STATIC_ROOT": str(stack.folder / "collected")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    # The jobs, then the services.
    stack.run("migrate")
    make_account(stack)
    services = [name for name in OURS if name != "migrate"]
    assert not any(stack.is_healthy(name) for name in ("web", "beat"))
    for name in services:
        stack.start(name)
    for name in services:
        stack.wait_healthy(name)

    ana = Browser(stack.port)
    response, text = ana.ask("GET", "/readyz")
    assert response.status == 200, text
    insecure = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=120)
    insecure.request("GET", "/", headers={"Host": HOST})
    assert insecure.getresponse().headers["Location"] == f"https://{HOST}/"
    insecure.close()
    # Ana signs in: password, then a code by text message, which the worker for codes sends.
    path, page = ana.open("/accounts/sign-in/")
    style = re.search(r'href="(/static/css/site\.[0-9a-f]+\.css)"', page)
    assert style is not None
    assert ana.ask("GET", style[1])[0].status == 200
    path, page = ana.send(path, page, username="ana", password=PASSWORD)
    path, page = ana.send(path, page, method="text")
    path, page = ana.send(path, page, phone="(202) 555-0123")
    until(lambda: vendor.requests)
    (code,) = re.findall(r"\b\d{6}\b", vendor.requests[0][1]["Body"])
    path, page = ana.send(path, page, code=code)
    assert path == "/accounts/mfa/setup/done/"
    # The worker for the rest mails the owner what was changed.
    mails = stack.folder / "mails"
    until(lambda: mails.is_dir() and any("ana@portal.example" in each.read_text() for each in mails.iterdir()))
    path, page = ana.open("/policies/")
    assert path == "/policies/"
    assert "Ana" in page
    response, _ = ana.ask("GET", "/policies/")
    assert "max-age=31536000" in response.headers["Strict-Transport-Security"]
    # They end when they are asked to.
    for name in services:
        stack.ask_to_stop(name)
    assert {name: stack.ended(name) for name in services} == dict.fromkeys(services, 0)
    log = "".join(path.read_text() for path in stack.folder.glob("*.log"))
    assert "Traceback" not in log
    assert PASSWORD not in log
    assert code not in log
    for secret in (stack.folder / "secrets").iterdir():
        if text := secret.read_text().strip():
            assert text not in log
