"""Pages against bare Django (bench/bare.py): CPU of this process, each page for its dearest viewer."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test.utils import override_settings
from django.urls import reverse

from bench import bare
from bench.measure import Figure, interleaved
from bench.people import session_key
from policies.models import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from accounts.models import User

ROUNDS = 60
# The roles whose pages differ. The dearest of them is the figure.
VIEWERS = ("insured", "practitioner", "policyholder", "agent")
EMPTY = "/bench/empty/"


@dataclass(frozen=True)
class Browser:
    """A signed-in browser, as the web server hands its requests to Django."""

    handler: WSGIHandler
    session: str

    def get(self, url: str) -> bytes:
        """Return the page. Raises RuntimeError where it isn't there."""
        path, _, query = url.partition("?")
        response: Any = self.handler(self._environ(path, query), _start_response)
        body = b"".join(response)
        response.close()
        if response.status_code != 200:
            raise RuntimeError(f"{url} answered {response.status_code}")
        return body

    def _environ(self, path: str, query: str) -> dict[str, Any]:
        return {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_ACCEPT": "text/html,application/xhtml+xml",
            "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
            "HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.9",
            "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
            "HTTP_COOKIE": f"{settings.SESSION_COOKIE_NAME}={self.session}",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
        }


def measure(names: list[str]) -> Iterator[Figure]:
    """Measure `page_empty`, `page_home`, `page_policies`, and `page_policy` of those named."""
    backends = [*settings.AUTHENTICATION_BACKENDS, bare.BACKEND]
    with override_settings(ROOT_URLCONF="bench.urls", ALLOWED_HOSTS=["*"], AUTHENTICATION_BACKENDS=backends):
        with override_settings(**bare.SETTINGS):
            bare_handler = WSGIHandler()
        handler = WSGIHandler()
        addresses: dict[str, Callable[[User], str]] = {
            "page_empty": lambda user: EMPTY,
            "page_home": lambda user: reverse("home"),
            "page_policies": lambda user: reverse("policies:list"),
            "page_policy": dearest_policy,
        }
        for name, address in addresses.items():
            if name in names:
                yield max((_figure(name, address, handler, bare_handler, who) for who in VIEWERS), key=_value)


def _start_response(_status: str, _headers: object, _error: object = None, /) -> Callable[[bytes], object]:
    """Return the web server's half of WSGI, which is not measured."""
    return bytes


def _value(figure: Figure) -> float:
    return figure.ratio


def dearest_policy(user: User) -> str:
    """Return the page of the policy with the most insureds that the user sees."""
    policies = Policy.objects.visible_to(user)
    counted = ((policy.terms.filter(coverages__isnull=False).count(), policy) for policy in policies[:50])
    return max(counted, key=lambda pair: pair[0])[1].get_absolute_url()


def _figure(
    name: str, address: Callable[[User], str], handler: WSGIHandler, bare_handler: WSGIHandler, viewer: str
) -> Figure:
    user = get_user_model().objects.get(username=viewer)
    browser, bare_browser = Browser(handler, session_key(user)), Browser(bare_handler, bare.make_session(user))
    url = address(user)
    bare.make_page(size=len(browser.get(EMPTY)))
    page = browser.get(url)
    queries: list[str] = []
    with connection.execute_wrapper(partial(_count, queries)):
        browser.get(url)
    medians = interleaved(
        {"page": partial(browser.get, url), "floor": partial(bare_browser.get, "/bench/bare/")}, rounds=ROUNDS
    )
    more = {"viewer": viewer, "queries": len(queries), "wall_ms": round(medians["page"].wall, 3), "bytes": len(page)}
    return Figure(name, medians["page"].cpu, medians["floor"].cpu, "ms", more)


def _count(queries: list[str], execute: Callable[..., object], sql: str, *rest: object) -> object:
    """For `connection.execute_wrapper`: note the statement and let it pass."""
    queries.append(sql)
    return execute(sql, *rest)
