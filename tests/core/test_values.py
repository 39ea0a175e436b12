"""Dates, money, how both are shown, clients' addresses, panels, and forms sent twice."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import IntegrityError
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from core import areas
from core.apps import CoreConfig
from core.clients import client_ip, network_key
from core.dates import STATE_ZONES, in_force_on, local_today, zone_for_state
from core.idempotency import IdempotentForm, create_once
from core.money import dollars, whole_dollars
from core.panels import Panel, panels_for


def test_a_period_includes_its_start_and_not_its_end() -> None:
    start, end = dt.date(2026, 3, 1), dt.date(2027, 3, 1)
    assert not in_force_on(start, end, dt.date(2026, 2, 28))
    assert in_force_on(start, end, dt.date(2026, 3, 1))
    assert in_force_on(start, end, dt.date(2027, 2, 28))
    assert not in_force_on(start, end, dt.date(2027, 3, 1))
    assert in_force_on(start, None, dt.date(2099, 1, 1))


def test_today_depends_on_the_state() -> None:
    with time_machine.travel("2026-03-02 06:30:00+00:00", tick=False):
        assert local_today("NY") == dt.date(2026, 3, 2)
        assert local_today("CA") == dt.date(2026, 3, 1)
        assert local_today("hi") == dt.date(2026, 3, 1)
        assert local_today("GU") == dt.date(2026, 3, 2)
        assert local_today() == dt.date(2026, 3, 2)


def test_every_state_has_a_zone_that_exists() -> None:
    assert len(STATE_ZONES) == 56
    assert {zone_for_state(state).key for state in STATE_ZONES}
    assert zone_for_state("ZZ") == ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1240", "$1,240.00"),
        ("-5", "-$5.00"),
        ("0.005", "$0.01"),
        ("1234567.891", "$1,234,567.89"),
        ("-0.001", "$0.00"),
    ],
)
def test_money_is_shown_in_dollars_and_cents(amount: str, text: str) -> None:
    assert dollars(Decimal(amount)) == text


def test_limits_are_shown_without_cents_unless_there_are_any() -> None:
    assert whole_dollars(1_000_000) == "$1,000,000"
    assert whole_dollars(Decimal("1000000.50")) == "$1,000,000.50"


def show(text: str, **values: object) -> str:
    return Template(text).render(Context(values))


def test_templates_show_values_alike_everywhere() -> None:
    moment = dt.datetime(2026, 3, 1, 21, 5, tzinfo=dt.UTC)
    assert show("{{ v|dollars }}", v=Decimal("12.5")) == "$12.50"
    assert show("{{ v|whole_dollars }}", v=Decimal(3000000)) == "$3,000,000"
    assert show("{{ v|day }} {{ v|day_long }}", v=dt.date(2026, 3, 1)) == "Mar 1, 2026 March 1, 2026"
    with timezone.override("America/Chicago"):
        assert show("{{ v|moment }}", v=moment) == "Mar 1, 2026, 3:05 p.m. CST"
        assert show("{{ v|clock }}", v=moment) == "3:05 p.m. CST"
    assert show("{{ v|iso }}", v=moment) == "2026-03-01T21:05:00+00:00"
    assert show("{{ v|iso }}", v=dt.date(2026, 3, 1)) == "2026-03-01"
    assert show("{{ v|in_fours }}", v="ABCDEFGHIJ") == "ABCD EFGH IJ"
    with time_machine.travel(moment, tick=False):
        assert show("{{ v|seconds_left }}", v=dt.datetime(2026, 3, 1, 21, 6, tzinfo=dt.UTC)) == "60"
        assert show("{{ v|seconds_left }}", v=dt.datetime(2026, 3, 1, 21, 4, tzinfo=dt.UTC)) == "0"
    for name in ("dollars", "whole_dollars", "day", "day_long", "iso", "moment", "clock"):
        assert show("{{ v|" + name + " }}", v=None) == ""


@pytest.mark.parametrize(
    ("hops", "forwarded", "expected"),
    [
        (0, "203.0.113.1", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.1", "203.0.113.1"),
        (1, "6.6.6.6, 203.0.113.1", "203.0.113.1"),
        (2, "6.6.6.6, 203.0.113.1, 10.0.0.1", "203.0.113.1"),
        (2, "203.0.113.1", "192.0.2.1"),
        (1, "garbage", None),
        (1, "::ffff:203.0.113.1", "203.0.113.1"),
        (1, "2001:db8::7", "2001:db8::7"),
    ],
)
def test_the_clients_address_is_read_from_the_trusted_hop_only(
    settings: Settings, hops: int, forwarded: str, expected: str | None
) -> None:
    settings.TRUSTED_PROXY_HOPS = hops
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_ip(request) == expected


def test_an_ipv6_customer_is_one_network() -> None:
    assert network_key("2001:db8:1:2:aaaa::1") == network_key("2001:db8:1:2:bbbb::9") == "2001:db8:1:2::/64"
    assert network_key("203.0.113.1") == "203.0.113.1"
    assert network_key(None) == "unknown"


def first(user: object, *, policy: object = None) -> list[Panel]:
    return [Panel(title="B", slot="home", lines=("later",), order=20), Panel(title="C", slot="policy", lines=("x",))]


def second(user: object, *, policy: object = None) -> list[Panel]:
    return [Panel(title="A", slot="home", template="x.html", context={"user": user}, order=10)]


PROVIDERS = [first, second]


def test_panels_of_all_areas_come_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CoreConfig, "panels", f"{__name__}.PROVIDERS")
    monkeypatch.setattr(areas, "areas", lambda: [apps.get_app_config("core")])
    assert [panel.title for panel in panels_for("ada", "home")] == ["A", "B"]
    assert [panel.title for panel in panels_for("ada", "policy", policy=1)] == ["C"]


@pytest.mark.parametrize("body", [{}, {"lines": ("x",), "template": "x.html"}])
def test_a_panel_has_lines_or_a_template(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="lines or a template"):
        Panel(title="A", slot="home", **body)  # type: ignore[arg-type]


def test_a_form_carries_its_key_from_first_showing_on() -> None:
    shown = IdempotentForm()
    key = shown["idempotency_key"].value()
    assert f'value="{key}"' in str(shown["idempotency_key"])
    assert IdempotentForm({"idempotency_key": str(key)}).is_valid()
    assert not IdempotentForm({"idempotency_key": "x"}).is_valid()
    assert not IdempotentForm({}).is_valid()


class Kept:
    """A queryset of one row at most, as far as `create_once` looks at it."""

    def __init__(self) -> None:
        self.rows: list[Group] = []

    def filter(self, **_conditions: object) -> Kept:
        return self

    def first(self) -> Group | None:
        return self.rows[0] if self.rows else None


@pytest.mark.django_db
def test_the_same_key_gives_the_same_row_even_when_another_request_wins_the_race() -> None:
    kept, key = Kept(), uuid.uuid4()

    def create() -> Group:
        kept.rows.append(Group.objects.create(name="made"))
        return kept.rows[0]

    assert create_once(kept, key=key, create=create)[1] is True  # type: ignore[type-var, arg-type]
    assert create_once(kept, key=key, create=create) == (kept.rows[0], False)  # type: ignore[type-var, arg-type]

    racing = Kept()

    def lose() -> Group:
        racing.rows.append(kept.rows[0])
        return Group.objects.create(name="made")

    assert create_once(racing, key=key, create=lose) == (kept.rows[0], False)  # type: ignore[type-var, arg-type]

    def break_another_rule() -> Group:
        return Group.objects.create(name="made")

    with pytest.raises(IntegrityError):
        create_once(Kept(), key=key, create=break_another_rule)  # type: ignore[type-var, arg-type]
