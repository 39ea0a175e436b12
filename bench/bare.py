"""Bare: what every page is measured against. A Django view behind the standard session, auth, and messages middleware.

Its session is Django's own in the same database, its user is the portal's, and its page is static text of the empty
page's size with the user's name, the messages, and a form's token in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import Engine, RequestContext, Template

if TYPE_CHECKING:
    from accounts.models import User

BACKEND = "django.contrib.auth.backends.ModelBackend"
SETTINGS = {
    "SESSION_ENGINE": "bench.bare",
    "MIDDLEWARE": [
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
}
ENGINE = Engine(
    context_processors=[
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]
)
ALIVE = "{% csrf_token %}{{ user.username }}{% for message in messages %}{{ message }}{% endfor %}"
_templates: list[Template] = []


class BareSession(AbstractBaseSession):
    """Django's session as it comes, in a table of the benchmark's own."""

    class Meta:
        app_label = "bench"


class SessionStore(db.SessionStore):
    """Django's session engine for the database."""

    @classmethod
    def get_model_class(cls) -> type[AbstractBaseSession]:
        return BareSession


def make_page(*, size: int) -> None:
    """Make the template: so many characters of static text, and what a page of Django's asks for."""
    _templates[:] = [Template(f"<!doctype html><p>{'x' * size}</p>{ALIVE}", engine=ENGINE)]


def make_session(user: User) -> str:
    """Return the key of a new session of this user."""
    if BareSession._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(BareSession)
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = BACKEND
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return str(store.session_key)


def page(request: HttpRequest) -> HttpResponse:
    """Return the bare page, for a signed-in user only."""
    status = 200 if request.user.is_authenticated else 401
    return HttpResponse(_templates[0].render(RequestContext(request)), status=status)
