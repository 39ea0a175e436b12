"""A certificate from the click to its bytes, against bare WeasyPrint laying out the same page."""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlencode

import weasyprint
from django.db import connection
from django.urls import reverse

from accounts.models import User
from bench.measure import Figure, cpu_of, once
from bench.people import session_key
from bench.server import START_SECONDS, Browser, free_port, running
from credentialing.certificates.rendering import certificate_html
from credentialing.models import Certificate
from policies.models import Coverage

ROUNDS = 24
WARM_UP = 4


def measure(names: list[str]) -> Iterator[Figure]:
    """Yield the figure `coi_click` if it's named."""
    if "coi_click" in names:
        yield _single()


def _single() -> Figure:
    user = User.objects.get(username="policyholder")
    coverages = list(
        Coverage.objects.visible_to(user)
        .filter(term__status="bound", term__policy__status="active", ended_reason="")
        .order_by("pk")[:40]
    )
    port = free_port()
    with running(port) as pids:
        browser = Issuer(port, session_key(user))
        walls: list[float] = []
        bare_walls: list[float] = []
        cpu = bare_cpu = 0.0
        for number in range(WARM_UP + ROUNDS):
            coverage = coverages[number % len(coverages)]
            # A new holder each round: the same snapshot would return the existing certificate.
            form = browser.form(reverse("credentialing:issue", args=[coverage.public_id]))
            form |= {"recipient": "new", **holder(str(number))}
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
        "coi_click",
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


def holder(name: str) -> dict[str, str]:
    """Return what is typed for a holder that nobody has issued to."""
    return {
        "name": f"Benchmark Hospital {os.getpid()}-{name}",
        "address1": "1 Benchmark Street",
        "city": "Albany",
        "state": "NY",
        "zip": "12207",
    }


class Issuer(Browser):
    """A browser that issues certificates."""

    def issue(self, path: str, form: dict[str, str]) -> bytes:
        """Post the form, follow it, wait until the certificate is ready, and return the PDF's bytes."""
        status, location, body = self.send("POST", path, urlencode(form))
        if status != 302:
            raise RuntimeError(f"Issuing answered {status}: {body[:2000].decode(errors='replace')}")
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            status, _, page = self.send("GET", location)
            link = re.search(rb'href="([^"]+/pdf/)"', page)
            if link:
                return self.send("GET", link.group(1).decode())[2]
            time.sleep(0.02)
        raise RuntimeError("The certificate did not become ready")
