"""Every log line is one JSON object with the request's id, and holds nothing personal."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.test import Client

from portal.logging import PERSONAL_KEYS, logging_config, redact_text

SECRETS = (
    "ana.nunez@clinic.example",
    "042917",
    "correct horse battery",
    "+15550100123",
    "1980-02-29",
    "(555) 010-0177",
)


class Written:
    """What the logs hold, as production writes them."""

    def __init__(self, stream: io.StringIO) -> None:
        self.stream = stream

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def assert_clean(self) -> None:
        for secret in SECRETS:
            assert secret not in self.stream.getvalue()


@pytest.fixture
def written() -> Iterator[Written]:
    stream = io.StringIO()
    config = logging_config(level="INFO", json=True)
    config["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(config)
    yield Written(stream)
    logging.config.dictConfig(settings.LOGGING)


def test_a_request_is_logged_once_by_view_with_the_id_that_the_answer_bears(client: Client, written: Written) -> None:
    answer = client.get("/healthz", {"email": "ana.nunez@clinic.example"})

    [line] = [line for line in written.lines() if line["logger"] == "portal.request"]
    assert line["request_id"] == answer["X-Request-ID"]
    assert (line["view"], line["method"], line["status"]) == ("healthz", "GET", 200)
    written.assert_clean()


@pytest.mark.parametrize(("offered", "kept"), [("a1b2c3d4-0001", True), ("x", False), ("bad id\nINFO forged", False)])
def test_an_id_from_a_proxy_is_kept_only_if_it_looks_like_one(client: Client, offered: str, kept: bool) -> None:
    answer = client.get("/healthz", headers={"x-request-id": offered})

    assert (answer["X-Request-ID"] == offered) is kept


def test_the_next_request_has_another_id(client: Client) -> None:
    assert client.get("/healthz")["X-Request-ID"] != client.get("/healthz")["X-Request-ID"]


@pytest.mark.django_db
def test_an_address_that_was_not_found_is_not_written_into_the_log(client: Client, written: Written) -> None:
    client.get("/reset/ana.nunez@clinic.example/042917/")

    assert written.lines()
    written.assert_clean()


def test_personal_keys_lose_their_values_at_any_depth(written: Written) -> None:
    log = structlog.get_logger("test")

    log.info(
        "signed in", email=SECRETS[0], code=SECRETS[1], form={"Password": SECRETS[2], "list": [{"phone": SECRETS[3]}]}
    )
    log.info("matched", date_of_birth=SECRETS[4])

    written.assert_clean()
    assert written.lines()[0]["form"]["Password"] == "[redacted]"


def refuse(detail: str) -> None:
    raise ValueError(f"duplicate key\nDETAIL:  Key (born, code)=({detail}) already exists.")


def test_texts_and_exceptions_lose_what_looks_personal(written: Written) -> None:
    try:
        refuse(f"{SECRETS[4]}, {SECRETS[1]}")
    except ValueError:
        logging.getLogger("library").exception("mail to %s bounced, called %s", SECRETS[0], SECRETS[5])

    written.assert_clean()
    [line] = written.lines()
    assert line["level"] == "error"
    assert "ValueError" in line["exception"]


@pytest.mark.parametrize(
    "harmless",
    [
        "2026-11-22T00:15:07.123456Z",
        "portal.embedded.keeper 0123456789abcdef",
        "took 1234567 ms",
        "MPL-204817-2026",
        "10.20.30.40",
    ],
)
def test_ids_times_and_figures_stay(harmless: str) -> None:
    assert redact_text(harmless) == harmless


@pytest.mark.parametrize(
    "key", ["password", "code", "token", "seed", "date_of_birth", "email", "phone", "secret", "ssn"]
)
def test_what_security_forbids_is_among_the_personal_keys(key: str) -> None:
    assert key in PERSONAL_KEYS
