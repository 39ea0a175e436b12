"""Every address is closed unless a list opens it; the walk is by the resolver."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import IntConverter

from accounts.models import AuthenticatorDevice, User
from core.converters import PublicIdConverter
from tests.helpers import give_password_only

SAMPLES: dict[type, str] = {IntConverter: "1", PublicIdConverter: "0a1b2c" + "_" * 16}


def addresses(
    patterns: list[URLPattern | URLResolver], prefix: str = "/", namespace: str = ""
) -> Iterator[tuple[str, str]]:
    """Every address of the portal with its name; what stands for a value is filled in with something well formed."""
    for pattern in patterns:
        text = str(pattern.pattern)
        for name, converter in getattr(pattern.pattern, "converters", {}).items():
            sample = SAMPLES.get(type(converter), "0a1b2c")
            text = re.sub(rf"<(\w+:)?{name}>", sample, text)
        if isinstance(pattern, URLResolver):
            inner = ":".join(part for part in (namespace, pattern.namespace or "") if part)
            yield from addresses(pattern.url_patterns, prefix + text, inner)
        elif "(?P" not in text:
            name = ":".join(part for part in (namespace, pattern.name or "") if part)
            yield prefix + text, name


ALL = sorted(set(addresses(get_resolver().url_patterns)))
CLOSED = [(address, name) for address, name in ALL if name not in settings.PUBLIC_URL_NAMES]


def test_the_walk_finds_the_portal() -> None:
    names = {name for _address, name in ALL}
    assert {"home", "accounts:sign-in", "admin:index", "admin:accounts_user_change", "policies:list"} <= names
    assert len(CLOSED) > 50


def test_the_public_list_names_only_what_exists() -> None:
    names = {name for _address, name in ALL}
    assert names >= settings.PUBLIC_URL_NAMES
    assert names >= settings.HALF_SIGNED_IN_URL_NAMES
    assert settings.SESSIONLESS_URL_NAMES <= settings.PUBLIC_URL_NAMES


@pytest.mark.django_db
def test_visitors_are_sent_to_sign_in_from_every_closed_address() -> None:
    client = Client()
    for address, name in CLOSED:
        for method in (client.get, client.post):
            answer = method(address)
            assert answer.status_code == 302, (address, name, answer.status_code)
            assert answer["Location"].startswith("/accounts/sign-in/"), (address, name)


@pytest.mark.django_db
def test_a_password_alone_opens_nothing_but_the_second_factor(ada: User, adas_app: AuthenticatorDevice) -> None:
    client = Client()
    give_password_only(client, ada)
    for address, name in [*CLOSED, ("/", "home")]:
        if name in settings.HALF_SIGNED_IN_URL_NAMES:
            continue
        for method in (client.get, client.post):
            answer = method(address)
            assert answer.status_code == 302, (address, name, answer.status_code)
            assert answer["Location"].startswith("/accounts/verify/"), (address, name)
