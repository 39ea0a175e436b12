"""/healthz, /readyz and /metrics tell operators the truth and strangers nothing."""

import json
import threading
import time
from unittest import mock

import pytest
import redis
from django.conf import settings
from django.db import OperationalError
from django.test import Client, override_settings

from portal import health, workers


@pytest.fixture(autouse=True)
def _nothing_found_yet() -> None:
    health.forget()


def test_healthz_answers_without_database_or_session(client: Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert not answer.cookies


@pytest.mark.django_db
def test_readyz_is_ready_and_names_what_else_is_down(client: Client) -> None:
    with workers.connect() as connection:
        workers.sign(connection, name="codes@here", queues=["codes"], now=time.time())

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "down": {
            "worker:default": "not heard of",
            "worker:documents": "not heard of",
            "worker:batches": "not heard of",
            "feed": "never loaded",
        },
    }


@pytest.mark.django_db
def test_a_worker_that_was_not_heard_of_for_long_counts_as_gone(client: Client) -> None:
    with workers.connect() as connection:
        workers.sign(connection, name="codes@here", queues=["codes"], now=time.time() - workers.GONE_SECONDS - 1)

    assert client.get("/readyz").json()["down"]["worker:codes"] == "not heard of"


@pytest.mark.django_db
def test_readyz_stays_ready_without_redis(client: Client) -> None:
    with override_settings(REDIS_URL="unix:///nowhere/redis.sock"):
        answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["down"]["redis"] == "no answer"


def test_readyz_fails_without_the_database(client: Client) -> None:
    with mock.patch("portal.health.connection.cursor", side_effect=OperationalError("gone")):
        answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert answer.json()["down"]["database"] == "no answer"


@pytest.mark.django_db
def test_strangers_learn_from_readyz_whether_it_is_ready_and_no_more(client: Client) -> None:
    with mock.patch("portal.health.workers.connect", side_effect=AssertionError("asked Redis for a stranger")):
        for stranger in ({"REMOTE_ADDR": "203.0.113.9"}, {"HTTP_X_FORWARDED_FOR": "203.0.113.9"}, {"REMOTE_ADDR": ""}):
            answer = client.get("/readyz", **stranger)
            assert (answer.status_code, answer.json()) == (200, {"ready": True})


@pytest.mark.django_db
def test_readyz_tells_who_bears_the_token_what_is_down(client: Client) -> None:
    with override_settings(METRICS_TOKEN="right-token"):
        told = client.get("/readyz", headers={"authorization": "Bearer right-token"}, REMOTE_ADDR="203.0.113.9")
        assert "worker:codes" in told.json()["down"]
        assert client.get("/readyz", headers={"authorization": "Bearer wrong"}).json() == {"ready": True}
        assert client.get("/readyz").json() == {"ready": True}


@pytest.mark.django_db
def test_however_many_ask_readyz_it_looks_once_in_two_seconds(client: Client) -> None:
    with mock.patch("portal.health.workers.connect", wraps=workers.connect) as asked:
        for _ in range(20):
            assert client.get("/readyz").status_code == 200

    assert asked.call_count == 1


def test_a_probe_that_hangs_holds_one_caller_and_the_others_take_the_last_finding() -> None:
    looking, go_on, findings = threading.Event(), threading.Event(), iter(["first", "second"])

    def probe() -> str:
        finding = next(findings)
        if finding == "second":
            looking.set()
            go_on.wait(120)
        return finding

    lately = health.Lately(probe, seconds=0)
    assert lately.now() == "first"
    slow: list[str] = []
    one = threading.Thread(target=lambda: slow.append(lately.now()))
    one.start()
    assert looking.wait(120)
    assert lately.now() == "first"
    go_on.set()
    one.join(120)
    assert slow == ["second"]


@pytest.mark.django_db
def test_metrics_count_requests_by_view_and_tell_what_waits(client: Client) -> None:
    client.get("/healthz")
    with redis.Redis.from_url(settings.REDIS_URL) as connection:
        connection.rpush("documents", "a", "b")

    text = client.get("/metrics").content.decode()

    assert 'portal_requests_total{method="GET",status="200",view="healthz"}' in text
    assert 'portal_queue_depth{queue="documents"} 2.0' in text
    assert 'portal_workers{queue="codes"} 0.0' in text


@pytest.mark.django_db
def test_metrics_without_redis_say_so(client: Client) -> None:
    with override_settings(REDIS_URL="unix:///nowhere/redis.sock"):
        assert "portal_redis_up 0.0" in client.get("/metrics").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 404), ({"authorization": "Bearer wrong"}, 404), ({"authorization": "Bearer right-token"}, 200)],
)
def test_metrics_ask_for_the_token_where_one_is_set(client: Client, headers: dict[str, str], status: int) -> None:
    with override_settings(METRICS_TOKEN="right-token"):
        assert client.get("/metrics", headers=headers).status_code == status


@pytest.mark.django_db
def test_metrics_without_a_token_are_for_this_machine_alone(client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 404
    assert client.get("/metrics", headers={"x-forwarded-for": "203.0.113.9"}).status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200


@pytest.mark.django_db
def test_metrics_tell_what_workers_have_counted(client: Client) -> None:
    why = {"way": "plain", "why": "glyph"}
    field = json.dumps(["portal_papers", why])
    with workers.connect() as connection:
        connection.delete(workers.COUNTED)
        with mock.patch.object(workers, "counted", side_effect=[{field: 2.0}, {field: 2.0}, {field: 5.0}]):
            told = workers.tell(connection, {})
            told = workers.tell(connection, told)
            workers.tell(connection, told)

    body = client.get("/metrics").content.decode()

    assert 'portal_workers_papers_total{way="plain",why="glyph"} 5.0' in body


def test_a_worker_counts_the_portals_own() -> None:
    health.REQUESTS.labels("here", "GET", "200").inc()
    own = json.dumps(["portal_requests", {"view": "here", "method": "GET", "status": "200"}])
    assert workers.counted()[own] >= 1
    assert all(json.loads(field)[0].startswith("portal_") for field in workers.counted())
