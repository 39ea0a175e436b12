"""The watch over secrets sees every place that it says it sees (tests/leaks.py)."""

from __future__ import annotations

import pytest
import structlog
from django.test import Client
from redis import Redis

from accounts.models import AuthenticatorDevice, TrustedDevice, User
from core.queue import enqueue
from tests.leaks import Watch, look_into_redis


@pytest.fixture
def seen(the_watch: Watch) -> Watch:
    """Return the watch, which forgets at the end what these tests leak on purpose."""
    return the_watch


def leaks_of(seen: Watch, own_redis: Redis) -> list[str]:
    """Return the leaks so far, and forget them."""
    look_into_redis(seen, own_redis)
    found = seen.leaks()
    seen.clear()
    return found


def test_a_secret_in_the_log_is_found(seen: Watch, own_redis: Redis) -> None:
    structlog.get_logger("portal.test").info("request", path=f"/x/{TrustedDevice.new_token()}")
    assert leaks_of(seen, own_redis) == ["What accounts.models.sessions.TrustedDevice.new_token gave is in the log."]


def test_a_secret_in_a_tasks_message_is_found_and_so_is_one_in_redis(seen: Watch, own_redis: Redis) -> None:
    enqueue("core.tasks.send_mail", AuthenticatorDevice.new_seed())
    assert {each.rpartition(" is in ")[2] for each in leaks_of(seen, own_redis)} == {"a task's message.", "Redis."}


def test_a_secret_in_redis_is_found(seen: Watch, own_redis: Redis) -> None:
    own_redis.set("kept", AuthenticatorDevice.new_seed())
    assert leaks_of(seen, own_redis) == ["What accounts.models.devices.AuthenticatorDevice.new_seed gave is in Redis."]


@pytest.mark.django_db
def test_a_secret_in_an_address_is_found(seen: Watch, own_redis: Redis) -> None:
    Client().get(f"/accounts/sign-in/?next=/{TrustedDevice.new_token()}/")
    assert "What accounts.models.sessions.TrustedDevice.new_token gave is in an address." in leaks_of(seen, own_redis)


@pytest.mark.django_db
def test_a_mailed_link_may_have_its_token_in_its_address(seen: Watch, own_redis: Redis) -> None:
    Client().get(f"/accounts/link/{TrustedDevice.new_token()}/")
    assert leaks_of(seen, own_redis) == []


@pytest.mark.django_db
def test_a_password_that_was_set_is_noted(seen: Watch, own_redis: Redis) -> None:
    User(username="ada").set_password("violet-harbor-tram-91")
    structlog.get_logger("portal.test").info("violet-harbor-tram-91")
    assert leaks_of(seen, own_redis) == ["What accounts.models.users.User.set_password gave is in the log."]


def test_digits_of_a_time_are_no_code(seen: Watch, own_redis: Redis) -> None:
    seen.note("123456", "a test")
    seen.saw("the log", "2026-11-24T00:00:00.123456Z 8f123456aaaabbbbccccdddd00001111 a1234567")
    assert leaks_of(seen, own_redis) == []
    seen.note("123456", "a test")
    seen.saw("the log", "code=123456")
    assert leaks_of(seen, own_redis) == ["What a test gave is in the log."]
