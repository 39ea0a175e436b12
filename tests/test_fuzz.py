"""No address, parameter, header, or form field ends in a fault of ours, whatever is sent, and no matter who sends it.

The addresses come from the resolver, the fields from the pages' own forms, the parameters from their forms and links.
The suite tries a sample; `python -m tools.fuzz` tries everything and prints the slowest requests.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from credentialing import views
from tests.pages import Page
from tests.test_access_matrix import ROWS, book, client_of, names

__all__ = ["book"]
pytestmark = pytest.mark.django_db

# The other strangers of the access matrix get what one of these gets.
VIEWERS = ("anonymous", "half", "insured", "policyholder", "agent", "staff")
# How many requests the suite makes for each viewer; 0: all that there are.
SAMPLE = int(os.environ.get("PORTAL_FUZZ", "120"))
SLOWEST = 15

# As bytes that are in an address percent-encoded. gunicorn takes lines up to 4 kB and headers up to 8 kB.
JUNK: dict[str, bytes] = {
    "nul": b"a\0b",
    "invalid UTF-8": b"\xff\xfe\xc3(",
    "lone surrogate": b"\xed\xa0\x80",
    "escaped surrogate": b"\\ud800",
    "empty": b"",
    "text": b"abc",
    "no ASCII": "ñ—😀".encode(),
    "huge number": b"9" * 30,
    "endless number": b"9" * 5_000,
    "negative": b"-1",
    "number": b"0",
    "float": b"1e309",
    "date": b"0000-99-99",
    "quotes": b"'\"\\;--",
    "operators": b":*&|!()<->%s{}{{",
    "brackets": b"[" * 1_500,
    "line breaks": b"a\r\nX-Evil: 1\r\n\r\nb",
    "path": b"../../../../etc/passwd",
    "letters": b"x" * 3_900,
}
MEGABYTE = b"x" * 1_000_000
MANY = urlencode([(f"f{number}", "1") for number in range(5_000)]).encode()
DEEP = b"[" * 100_000
PARAMETERS = {"next": "/", "q": "a", "after": "", "before": "", "status": "", "why": "", "challenge": "x", "page": "1"}
HEADERS = (
    *("User-Agent", "Referer", "HX-Current-URL", "HX-Request", "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-ID"),
    *("Accept", "Accept-Language", "Authorization", "Range", "If-None-Match", "If-Modified-Since", "Origin", "Host"),
    *("X-Twilio-Signature", "X-CSRFToken", "X-HTTP-Method-Override", "Content-Type", "Content-Encoding"),
)
COOKIES = ("session", "csrf", "device", "messages", "sessionid")
# Every address gets all headers at once, these get each alone too.
ONE_BY_ONE = {"home", "accounts:sign-in", "policies:list", "credentialing:home", "readyz", "metrics", "admin:index"}
# Pages without a form that takes these.
MORE: dict[str, dict[str, str]] = {
    "admin:autocomplete": {"app_label": "policies", "model_name": "membership", "field_name": "user", "term": "a"},
    "admin:jsi18n": {},
}


@dataclass
class Case:
    """One request; `said` names it in a failure. There are many, so a long body is made when it's sent."""

    said: str
    method: str
    address: str
    body: bytes | Callable[[], bytes] = b""
    content_type: str = "application/x-www-form-urlencoded"
    headers: dict[str, str] = field(default_factory=dict)


@cache
def escaped(junk: bytes) -> str:
    return quote(junk, safe="")


def with_field(rest: bytes, name: str, junk: bytes) -> bytes:
    """Return a form with one more field."""
    return rest + f"&{quote(name)}={escaped(junk)}".encode()


def addresses(viewer: str, book: SimpleNamespace) -> Iterator[tuple[str, list[str]]]:
    """Every name of an address with arguments that lead somewhere; admin's whole for staff, its door for others."""
    for name, row in ROWS.items():
        yield name, row.args(book) if row.args else []
    if viewer != "staff":
        yield "admin:index", []
        yield "admin:login", []
        yield "admin:feed_run_upload", []
        return
    rows = {}
    for model in admin.site._registry:
        first = model._default_manager.first()
        rows[f"{model._meta.app_label}_{model._meta.model_name}"] = str(first.pk) if first else "1"
    for name in names(get_resolver().url_patterns):
        if name.startswith("admin:"):
            key = next((key for key in rows if name.startswith(f"admin:{key}_")), "")
            yield name, [rows.get(key, "policies")]


def spelled(name: str, arguments: list[str]) -> tuple[str, list[str]]:
    """Return the address, and the arguments that it takes; empty where it can't be spelled."""
    for taken in ([], arguments, [*arguments, "1"], ["policies", "1"]):
        try:
            return reverse(name, args=taken), taken
        except NoReverseMatch:
            continue
    return "", []


def cases_of_address(name: str, address: str, taken: list[str]) -> Iterator[Case]:
    """Junk in the path, in headers and cookies, in parameters that many pages know, and as a body of another kind."""
    for kind, junk in JUNK.items():
        for argument in taken:
            odd = address.replace(f"/{argument}/", f"/{escaped(junk) or '%20'}/", 1)
            yield Case(f"path: {kind}", "GET", odd)
            yield Case(f"path: {kind}", "POST", odd)
        text = junk.decode("latin-1").replace("\r", "").replace("\n", "")
        cookies = "; ".join(f'{cookie}="{text}"' for cookie in COOKIES)
        yield Case(f"cookies: {kind}", "GET", address, headers={"Cookie": cookies})
        yield Case(f"headers: {kind}", "GET", address, headers={name: text for name in HEADERS if name != "Host"})
        for header in HEADERS if name in ONE_BY_ONE else ():
            yield Case(f"{header}: {kind}", "GET", address, headers={header: text})
        for parameter in PARAMETERS | MORE.get(name, {}):
            query = urlencode({**MORE.get(name, {}), parameter: ""}) + escaped(junk)
            yield Case(f"?{parameter}: {kind}", "GET", f"{address}?{query}")
    for content_type in ("application/json", "multipart/form-data; boundary=b", "multipart/form-data", "text/xml", ""):
        for body in (DEEP, b"", MEGABYTE, b"\0\xff", b"--b\r\n\r\n--b--"):
            yield Case(f"{content_type} of {len(body)} bytes", "POST", address, body, content_type)
    for method in ("POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
        yield Case(f"method {method}", method, address)
    yield Case("5,000 fields", "POST", address, MANY)


def cases_of_page(page: Page) -> Iterator[Case]:
    """Junk in each parameter of the page's links and forms, and in each field of its forms, one at a time."""
    for parameter, usual in page.parameters.items():
        for kind, junk in JUNK.items():
            others = urlencode({name: value for name, value in page.parameters.items() if name != parameter})
            yield Case(f"?{parameter}: {kind}", "GET", f"{page.address}?{others}&{parameter}={escaped(junk)}")
            yield Case(
                f"?{parameter}: {kind}, alone", "GET", f"{page.address}?{escaped(parameter.encode())}={escaped(junk)}"
            )
        yield Case(f"?{parameter} twice", "GET", f"{page.address}?{urlencode([(parameter, usual), (parameter, 'x')])}")
    for form in page.forms:
        if form.method != "post" or not form.action.startswith("/"):
            continue
        yield Case("form as it is", "POST", form.action, urlencode(form.fields).encode())
        for name in form.fields:
            rest = urlencode({other: value for other, value in form.fields.items() if other != name}).encode()
            for kind, junk in {**JUNK, "a megabyte": MEGABYTE}.items():
                yield Case(f"field {name}: {kind}", "POST", form.action, partial(with_field, rest, name, junk))
            yield Case(f"field {name}: missing", "POST", form.action, rest)
            file = (
                f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="a\\0.zip"\r\n\r\nPK\3\4\r\n--b--\r\n'
            )
            yield Case(f"field {name}: a file", "POST", form.action, file.encode(), "multipart/form-data; boundary=b")


@dataclass
class Browser:
    """A viewer whose every request leaves everything as it was."""

    cookies: dict[str, str]
    seconds: list[tuple[float, str]] = field(default_factory=list)

    def send(self, case: Case) -> Any:
        client = Client(raise_request_exception=False)
        client.cookies.load(self.cookies)
        headers = dict(case.headers)
        if "Cookie" in headers:
            client.cookies.clear()
            kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers["Cookie"] = f"{kept}; {headers['Cookie']}"
        began = time.perf_counter()
        with transaction.atomic():
            body = case.body() if callable(case.body) else case.body
            answer = client.generic(
                case.method, case.address, body, content_type=case.content_type, headers=headers or None
            )
            transaction.set_rollback(True)
        self.seconds.append((time.perf_counter() - began, f"{case.method} {case.address[:60]} {case.said}"))
        return answer


def every_case(
    viewer: str, browser: Browser, book: SimpleNamespace, *, of: Container[str] | None = None
) -> Iterator[Case]:
    """All that this viewer may try; `of` names the addresses, unless it's all of them."""
    for name, arguments in addresses(viewer, book):
        if of is not None and name not in of:
            continue
        address, taken = spelled(name, arguments)
        if not address:
            continue
        yield from cases_of_address(name, address, taken)
        answer = browser.send(Case("as it is", "GET", address))
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            yield from cases_of_page(Page(address, answer.content.decode()))


@pytest.mark.parametrize("viewer", VIEWERS)
def test_nothing_that_anybody_sends_ends_in_a_fault_of_ours(
    viewer: str, book: SimpleNamespace, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.METRICS_TOKEN = ""
    place = {"BACKEND": "core.storage.PrivateFileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "private": place, "default": place}
    monkeypatch.setattr(views, "WAIT_SECONDS", 0)
    client = client_of(viewer, book)
    browser = Browser({name: cookie.value for name, cookie in client.cookies.items()})

    cases = list(every_case(viewer, browser, book))
    everything = len(cases)
    if SAMPLE:
        cases = random.Random(0).sample(cases, min(SAMPLE, everything))  # noqa: S311  # a sample, no secret
    faults = [f"{answer.status_code} {case.method} {case.address[:200]} {case.said}" for case in cases
              if (answer := browser.send(case)).status_code >= 500]  # fmt: skip

    slowest = sorted(browser.seconds, reverse=True)[:SLOWEST]
    print(f"\n{viewer}: {len(cases)} of {everything} requests; the slowest:")
    print("\n".join(f"{seconds * 1000:8.0f} ms  {said}" for seconds, said in slowest))
    assert faults == []


def test_the_fuzz_finds_the_fields_of_forms_and_the_parameters_of_lists(book: SimpleNamespace) -> None:
    browser = Browser({name: cookie.value for name, cookie in client_of("staff", book).cookies.items()})
    tried = {
        "admin:policies_membership_add",
        "admin:feed_run_upload",
        "admin:autocomplete",
        "accounts:mfa-setup-text",
        "policies:list",
        "credentialing:issue",
    }
    found = {
        f"{case.method} {case.address.partition('?')[0]} {case.said}"
        for case in every_case("staff", browser, book, of=tried)
    }

    expected = {
        "POST /admin/policies/membership/add/ field user: text",
        "POST /admin/feed/run/upload/ field package: a file",
        "POST /accounts/mfa/setup/text/ field phone: nul",
        "GET /policies/ ?q: nul",
        "GET /policies/ User-Agent: invalid UTF-8",
        "GET /admin/autocomplete/ ?term: nul",
        f"POST /credentialing/issue/{book.coverage.public_id}/ method POST",
    }
    assert expected - found == set()


@pytest.fixture(autouse=True)
def _no_log() -> Iterator[None]:
    """Log nothing: a traceback for each refusal takes longer than the refusal."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
