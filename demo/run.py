"""Running the demo: services, data, workers and web server, all of them children of this process."""

from __future__ import annotations

import gc
import http.client
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TextIO, TypeVar

import redis
from django.conf import settings
from django.db import connections

from core.pdf import prepare_fonts
from core.templatetags.show import day_long
from demo import programs
from demo.changes import make_change_samples
from demo.claims import make_claims_samples
from demo.data import ExampleError, load_example
from demo.explore import make_twins
from demo.forms import publish as publish_forms
from demo.news import make_news
from demo.samples import make_samples
from demo.static import collect_static
from demo.tables import OlderDataError, migrate
from demo.users import DEMO_PASSWORD, DemoUser, make_users
from embedded import client
from embedded.addresses import BASE_DIR
from embedded.forking import Job
from embedded.processes import EmbeddedError
from embedded.supervision import Child, Process
from portal import workers
from portal.faq.shipping import load, shipped

REFRESH_SECONDS = 3600
Answer = TypeVar("Answer")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopDemo(BaseException):
    """Somebody asked the demo to stop; no error, and nothing that `except Exception` should catch."""


@dataclass
class Demo:
    """One demo on one port, from its first line of progress to its last process."""

    port: int
    policies: int
    out: TextIO
    children: list[Child] = field(default_factory=list)
    jobs: list[Job[Any]] = field(default_factory=list)

    def run(self) -> None:
        """Start everything, print the addresses, and keep it running until INT or TERM."""
        for number in SIGNALS:
            # Ours even where the shell has set INT to be ignored, as it does for a command in the background.
            signal.signal(number, _stop)
        try:
            self._start()
            self._watch()
        except StopDemo:
            self.say("\nStopping.")
        finally:
            _ignore_signals()
            self._stop_all()

    def say(self, line: str) -> None:
        """Print a line for the person who started the demo."""
        print(line, file=self.out, flush=True)

    @contextmanager
    def step(self, done: str) -> Iterator[None]:
        """Print what was done and how long it took."""
        start = time.monotonic()
        yield
        self.say(f"{time.monotonic() - start:6.1f} s  {done}")

    def _start(self) -> None:
        """Do what doesn't depend on each other beside each other, in forked children."""
        began = time.monotonic()
        files = self._beside("faces are made, style sheets and scripts collected", make_files)
        with self.step("PostgreSQL and Redis answer, and the programs are imported"):
            client.start(settings.DATA_DIR, meanwhile=self.import_programs)
        # What is imported by now stays, and stays in memory that all children share.
        gc.freeze()
        gc.enable()
        tables = self._beside("the database is up to date", migrate)
        files.result()
        self.children = [self._worker(queue) for queue in settings.CELERY_TASK_QUEUES_NAMES]
        for child in self.children:
            child.launch()
        tables.result()
        accounts = self._beside("the made-up carrier's book is loaded, and its people have their accounts", self._fill)
        for child in (self._beat(), self.web()):
            self.children.append(child)
            child.launch()
        users = accounts.result()
        with self.step("workers and web server answer"):
            for child in self.children:
                child.wait_ready()
        # The workers make the files while the visitor looks at the first page.
        self._beside("a few certificates and claims histories are issued", _make_papers).result()
        self.say(welcome(self.port, users, time.monotonic() - began))

    def import_programs(self) -> None:
        """Import once what all programs need; each of them is then forked."""
        programs.import_programs()

    def start_program(self, command: list[str], log: Path, environment: dict[str, str]) -> Process:
        """Start a program and return its process."""
        return programs.fork_program(command, log, environment)

    def _beside(self, done: str, work: Callable[[], Answer]) -> Job[Answer]:
        """Start a step beside what this process does."""

        def step() -> Answer:
            with self.step(done):
                return work()

        return self._apart(step)

    def _apart(self, work: Callable[[], Answer]) -> Job[Answer]:
        """Start work in a child of its own: this process itself keeps no connection open, so it can always fork."""

        def in_child() -> Answer:
            client.leave()
            try:
                return work()
            finally:
                connections.close_all()

        job = Job(in_child, raises=(ExampleError, EmbeddedError, OlderDataError))
        self.jobs.append(job)
        return job

    def _fill(self) -> list[DemoUser]:
        """Load the book, make the accounts and the news, and return the users."""
        book = load_example(self.policies)
        if book.has_aged:
            self.say(
                f"          It was written for {day_long(book.today)}. To have one written for today, add --fresh."
            )
        users = make_users()
        make_twins()
        make_news()
        load(shipped())
        publish_forms()
        return users

    def _watch(self) -> None:
        refresh_at = time.monotonic() + REFRESH_SECONDS
        while True:
            time.sleep(0.5)
            self.look_after()
            if time.monotonic() > refresh_at:
                refresh_at = time.monotonic() + REFRESH_SECONDS
                self._refresh()

    def look_after(self) -> None:
        """Start again what has ended; called twice a second."""
        client.ensure_running(settings.DATA_DIR)
        for child in self.children:
            if child.revive():
                self.say(f"{child.name} ended and is started again (see {child.log})")

    def _refresh(self) -> None:
        """Load new data daily, as a carrier would: a demo that runs for days must not go stale."""
        try:
            self._apart(partial(load_example, self.policies)).result()
        except (ExampleError, EmbeddedError) as error:
            self.say(f"The made-up carrier's book could not be brought up to date: {error}")

    def _stop_all(self) -> None:
        for job in self.jobs:
            job.stop()
        for child in self.children:
            child.ask_to_stop()
        for child in self.children:
            child.stop()
        client.stop(settings.DATA_DIR)

    def _worker(self, queue: str) -> Child:
        """One process for each queue, without a pool: a rendering that takes long never delays a code."""
        options = ("-Q", queue, "-n", f"{queue}@%h", "-P", "solo", "--without-gossip", "--without-mingle")
        return self._child(
            f"worker for {queue}",
            ["celery", "-A", "portal.celery:app", "worker", *options, "-l", "INFO"],
            ready=partial(_worker_serves, queue),
            # They would look at the same models once more in each worker.
            CELERY_SKIP_CHECKS="1",
        )

    def _beat(self) -> Child:
        """Return beat, with its schedule in memory: all its tasks look at rows and run again soon."""
        options = ("-S", "celery.beat:Scheduler", "--pidfile=", "-l", "INFO")
        return self._child("beat", ["celery", "-A", "portal.celery:app", "beat", *options], ready=lambda: True)

    def web(self) -> Child:
        """Return the web server, as in production but with one process."""
        return self._child(
            "web server",
            ["gunicorn", "-c", str(BASE_DIR / "portal" / "gunicorn_conf.py"), "portal.wsgi:application"],
            ready=partial(web_answers, self.port),
            WEB_BIND=",".join(f"{host}:{self.port}" for host in loopback_addresses()),
            WEB_PROCESSES=str(programs.web_processes()),
            DATABASE_POOL_SIZE=str(settings.WEB_THREADS),
        )

    def _child(self, name: str, command: list[str], *, ready: Callable[[], bool], **environment: str) -> Child:
        folder = Path(settings.DATA_DIR) / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"{name.replace(' ', '-')}.log"
        log.write_bytes(b"")
        return Child(
            name,
            start=partial(self.start_program, command, log, environment),
            ready=ready,
            stop_signals=(signal.SIGTERM, signal.SIGKILL),
            stop_seconds=8,
            log=log,
        )


def make_files() -> None:
    """Make the paper's faces, which the documents worker reads at its start, and collect the static files."""
    prepare_fonts()
    collect_static()


def _make_papers() -> int:
    """Make the samples that people find on their first visit; returns how many papers."""
    papers = make_samples() + make_claims_samples()
    make_change_samples()
    return papers


def loopback_addresses() -> list[str]:
    """Return what `localhost` may mean here: 127.0.0.1, and [::1] where the machine has it."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return ["127.0.0.1"]
    return ["127.0.0.1", "[::1]"]


def port_is_free(port: int) -> bool:
    """Whether the demo could listen there."""
    for host in loopback_addresses():
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host.strip("[]"), port))
            except OSError:
                return False
    return True


def welcome(port: int, users: list[DemoUser], seconds: float) -> str:
    """Return the last words of a start: where to go, and as whom."""
    width = max(len(user.username) for user in users)
    rows = "\n".join(f"  {user.username:<{width}}  {user.description}" for user in users)
    return (
        f"\nReady after {seconds:.0f} s: http://localhost:{port}\n\n"
        f"{rows}\n\n"
        f"  Their password is {DEMO_PASSWORD}. All people and policies are made up.\n"
        f"  Codes and emails: http://localhost:{port}/demo/outbox/\n"
        f"  Logs: {Path(settings.DATA_DIR) / 'logs'}\n"
        "  Ctrl-C stops everything.\n"
    )


def _stop(_number: int, _frame: object) -> None:
    # Once is enough: a second signal must not interrupt the stopping.
    _ignore_signals()
    raise StopDemo


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _worker_serves(queue: str) -> bool:
    try:
        with workers.connect() as connection:
            return workers.working(connection, now=time.time())[queue] > 0
    except redis.RedisError:
        return False


def web_answers(port: int) -> bool:
    """Whether the web server on this machine answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
