"""What readers and people who sign in notice of a load of the feed: the 95th percentile beside that of an idle portal.

Both are measured over HTTP on the same web server: first while nothing else runs, then from the first to the last
moment of a load in a process of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from urllib.parse import urlencode

import pyotp
from django.conf import settings
from django.db import connection
from django.urls import reverse

from accounts.models import AuthenticatorDevice, User
from bench import feed
from bench.measure import Figure
from bench.people import session_key
from bench.server import Browser, free_port, running
from core.models import Throttle
from embedded.addresses import BASE_DIR
from policies.models import Policy

NAMES = ("page_under_load", "sign_in_under_load")
SOURCE = "readers"
READERS = ("insured", "policyholder", "agent")
PASSWORD = "violet-harbor-tram-91"  # noqa: S105  # of accounts that the benchmark makes
# Seconds of the idle figure, and between two requests: somebody reads the page.
IDLE_SECONDS = 40
PAUSE = 0.1
# Of so many requests, one is a sign-in.
SIGN_IN_EACH = 5


def measure(names: list[str]) -> Iterator[Figure]:
    """Yield `page_under_load` and `sign_in_under_load` of those named."""
    if not set(NAMES) & set(names):
        return
    package = Path(settings.DATA_DIR) / "bench-readers"
    policies, rows = feed.write_book(package)
    manifest = json.loads((package / "manifest.json").read_text())
    (package / "manifest.json").write_text(json.dumps(manifest | {"source": SOURCE}))
    with running(port := free_port()):
        visitors = _Visitors(port)
        visitors.visit(until=_after(5))
        idle = visitors.visit(until=_after(IDLE_SECONDS))
        load = _begin(package)
        begun = time.monotonic()
        loaded = visitors.visit(until=lambda: load.poll() is not None)
        seconds = time.monotonic() - begun
    if load.returncode:
        raise RuntimeError(f"The package was not loaded: {load.returncode}")
    connection.close()
    for name, kind in zip(NAMES, ("page", "sign_in"), strict=True):
        if name in names:
            more = {
                "p50_ms": round(statistics.median(loaded[kind]), 1),
                "idle_p50_ms": round(statistics.median(idle[kind]), 1),
                "requests": len(loaded[kind]),
                "idle_requests": len(idle[kind]),
                "load_s": round(seconds, 1),
                "policies": policies,
                "rows": rows,
            }
            yield Figure(name, _p95(loaded[kind]), _p95(idle[kind]), "ms", more)


def _p95(walls: list[float]) -> float:
    return statistics.quantiles(walls, n=20)[-1]


def _after(seconds: float) -> Callable[[], bool]:
    """Return what says whether so many seconds have passed."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def _begin(package: Path) -> subprocess.Popen[bytes]:
    """Begin the load of a source that has no row yet, in a process of its own."""
    known = ",".join([*settings.FEED_KNOWN_SOURCES, SOURCE])
    return subprocess.Popen(  # noqa: S603  # our own command
        [sys.executable, "manage.py", "load_feed", str(package)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd=BASE_DIR,
        env=os.environ | {"FEED_KNOWN_SOURCES": known},
    )


class _Visitors:
    """People of each role who open home, their policies, and one of them; and others who sign in meanwhile."""

    def __init__(self, port: int) -> None:
        self._port = port
        pages: list[tuple[Browser, str]] = []
        for name in READERS:
            user = User.objects.get(username=name)
            browser = Browser(port, session_key(user))
            policy = Policy.objects.visible_to(user).order_by("pk")[0]
            pages += [(browser, url) for url in (reverse("home"), reverse("policies:list"), policy.get_absolute_url())]
        self._pages = cycle(pages)
        username = "bench-signs-in"
        found = User.objects.filter(username=username).first()
        self._user = found or User.objects.create_user(username, f"{username}@bench.example", PASSWORD)

    def visit(self, *, until: Callable[[], bool]) -> dict[str, list[float]]:
        """Go on until told to stop; return the milliseconds of each page and of each sign-in."""
        walls: dict[str, list[float]] = {"page": [], "sign_in": []}
        number = 0
        while not until():
            number += 1
            if number % SIGN_IN_EACH:
                browser, url = next(self._pages)
                walls["page"].append(_timed(partial(_read, browser, url)))
            else:
                walls["sign_in"].append(self._sign_in())
            time.sleep(PAUSE)
        return walls

    def _sign_in(self) -> float:
        """Return the milliseconds that password and code take together. No limit is near, and no code is used twice."""
        Throttle.objects.all().delete()
        AuthenticatorDevice.objects.filter(user=self._user).delete()
        seed = AuthenticatorDevice.new_seed()
        AuthenticatorDevice.objects.create(user=self._user, confirmed=True, name="Benchmark", seed=seed)
        browser, page = Browser(self._port), reverse("accounts:sign-in")
        form = browser.form(page) | {"username": self._user.username, "password": PASSWORD}
        wall = _timed(lambda: _post(browser, page, form))
        _, verify, _ = browser.send("GET", reverse("accounts:verify"))
        form = browser.form(verify) | {"code": pyotp.TOTP(seed).now()}
        return wall + _timed(lambda: _post(browser, verify, form))


def _read(browser: Browser, url: str) -> None:
    status, _, _ = browser.send("GET", url)
    if status != 200:
        raise RuntimeError(f"{url} answered {status}")


def _post(browser: Browser, url: str, form: dict[str, str]) -> None:
    status, _, body = browser.send("POST", url, urlencode(form))
    if status != 302:
        raise RuntimeError(f"{url} answered {status}: {body[:2000].decode(errors='replace')}")


def _timed(call: Callable[[], None]) -> float:
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1000
