"""Where a request comes from, whatever the proxies in front write."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from core import clients
from core.clients import client_ip, network_key


def asked_from(**headers: str) -> str | None:
    return client_ip(RequestFactory().get("/", **headers))


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:51432", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("evil, 203.0.113.9:1", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("unknown", None),
        ("_hidden", None),
        ("[", None),
        (":", None),
    ],
)
def test_an_address_is_read_with_port_brackets_or_zone(settings: Any, written: str, address: str | None) -> None:
    settings.TRUSTED_PROXY_HOPS = 1

    assert asked_from(HTTP_X_FORWARDED_FOR=written) == address
    assert network_key(address)


def test_what_a_client_writes_is_not_believed_without_a_proxy(settings: Any) -> None:
    settings.TRUSTED_PROXY_HOPS = 0

    assert asked_from(HTTP_X_FORWARDED_FOR="198.51.100.1", REMOTE_ADDR="203.0.113.9") == "203.0.113.9"


@pytest.mark.parametrize(("production", "alarms"), [(True, 1), (False, 0)])
def test_staff_hear_once_an_hour_that_no_address_can_be_read_in_production(
    settings: Any, monkeypatch: pytest.MonkeyPatch, production: bool, alarms: int
) -> None:
    settings.PRODUCTION, settings.TRUSTED_PROXY_HOPS = production, 1
    told: list[str] = []
    monkeypatch.setattr(clients, "alert_staff", lambda subject, body: told.append(subject))
    monkeypatch.setattr(clients, "_quiet_until", [0.0])

    for _ in range(3):
        assert asked_from(HTTP_X_FORWARDED_FOR="unknown", REMOTE_ADDR="") is None
    assert asked_from(HTTP_X_FORWARDED_FOR="203.0.113.9", REMOTE_ADDR="") == "203.0.113.9"

    assert len(told) == alarms
