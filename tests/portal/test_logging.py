"""Every log line is one JSON object with the request's id, and holds nothing personal."""

import io
import json
import logging
import logging.config
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection
from django.test import Client, override_settings
from hypothesis import given
from hypothesis import strategies as st

from portal.logging import LONGEST_TRACEBACK, LONGEST_VALUE, PERSONAL_KEYS, logging_config, redact, redact_text

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


def test_an_id_that_the_client_chose_never_becomes_the_requests_own(client: Client, written: Written) -> None:
    answer = client.get("/healthz", headers={"x-request-id": "a1b2c3d4-0001"})

    assert answer["X-Request-ID"] != "a1b2c3d4-0001"
    assert "a1b2c3d4-0001" not in written.stream.getvalue()


@pytest.mark.parametrize(("offered", "logged"), [("a1b2c3d4-0001", True), ("x", False), ("bad id\nINFO forged", False)])
def test_an_id_from_a_proxy_of_ours_is_logged_beside_it_if_it_looks_like_one(
    client: Client, written: Written, offered: str, logged: bool
) -> None:
    with override_settings(TRUSTED_PROXY_HOPS=1):
        answer = client.get("/healthz", headers={"x-request-id": offered})

    [line] = written.lines()
    assert line["request_id"] == answer["X-Request-ID"] != offered
    assert (line.get("proxy_request_id") == offered) is logged
    assert logged or offered not in written.stream.getvalue()


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
        "embedded.keeper 0123456789abcdef",
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


# What a stranger may repeat in a header to make a pattern start over at each of its letters.
SHAPES = (
    *("a", "a.", "a+", "a@", "a@b", "a@b.", "a@b.c+", "1", "1-", "+1", "(", "555-010-", " ", "\n", " \n", "|", "\\n"),
    *(
        "DETAIL",
        "DETAIL:\n",
        "\nDETAIL: a",
        "DataError('",
        "DataError: ",
        "\nDataError: a",
        "\nTraceback (most",
        "x.y.",
    ),
)


def seconds(text: str) -> float:
    """Return the least processor time of five tries."""
    tries = []
    for _ in range(5):
        began = time.thread_time()
        redact_text(text)
        tries.append(time.thread_time() - began)
    return min(tries)


@pytest.mark.parametrize("shape", SHAPES)
def test_redaction_of_a_text_four_times_as_long_costs_about_four_times_as_much(shape: str) -> None:
    text = shape * 8_000

    # A pattern that starts over at each letter costs sixteen times as much.
    assert seconds(text) / seconds(text[: len(text) // 4]) < 9


@given(st.text(alphabet="ab.+-@_ é\n", max_size=40))
def test_everything_in_an_address_is_redacted_wherever_it_begins(text: str) -> None:
    left = redact_text(text)

    assert not re.search(r"[\w.+-]+@[\w-]+\.[\w.-]+", left.replace("[redacted]", " "))


@pytest.mark.parametrize(("key", "longest"), [("header", LONGEST_VALUE), ("exception", LONGEST_TRACEBACK)])
def test_a_long_value_is_cut_and_says_by_how_much(key: str, longest: int) -> None:
    line = redact(None, "info", {key: "word " * 10_000, "list": ["y" * 50_000]})

    assert longest - 10 < len(line[key]) < longest + 40
    assert re.search(r"… \(\d+ more characters\)$", line[key])
    assert len(line["list"][0]) < LONGEST_VALUE + 40


def test_no_half_of_an_address_is_left_where_a_value_is_cut() -> None:
    text = "x " * (LONGEST_VALUE // 2 - 5) + SECRETS[0]

    assert "ana" not in redact(None, "info", {"header": text})["header"]


def test_what_isnt_text_is_searched_too(written: Written) -> None:
    structlog.get_logger("test").info("odd", error=ValueError(SECRETS[0]), raw=SECRETS[5].encode(), kept=[1, None, 2.5])

    written.assert_clean()
    assert written.lines()[0]["kept"] == [1, None, 2.5]


@pytest.mark.parametrize("value", ["x" * 8_000, "ana.nunez", "(555) 010-0177"])
@pytest.mark.django_db
def test_a_host_that_isnt_ours_is_refused_without_being_written_into_the_log(
    client: Client, written: Written, value: str
) -> None:
    answer = client.get("/policies/", headers={"host": value})

    assert answer.status_code == 400
    assert value not in written.stream.getvalue()
    assert "DisallowedHost" in written.stream.getvalue()
    assert "Traceback" not in written.stream.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT %s::date",
        "SELECT ('Jane Doe, 1975-03-02' || %s)::numeric",
        "SELECT to_date(%s, 'YYYY-MM-DD')",
        "SELECT to_tsquery('simple', %s)",
    ],
)
def test_errors_of_the_database_lose_the_values_that_they_repeat(written: Written, statement: str) -> None:
    value = "it's\nJane Doe & 042917 | 1975-03-02"
    with pytest.raises(DatabaseError) as caught, connection.cursor() as cursor:
        cursor.execute(statement, [value])

    logging.getLogger("library").error("it failed", exc_info=caught.value)
    logging.getLogger("library").error("Task failed: %r", caught.value)

    text = written.stream.getvalue()
    assert type(caught.value).__name__ in text
    for each in ("Jane Doe", "1975-03-02", "042917"):
        assert each not in text


@pytest.mark.django_db
def test_a_row_with_line_breaks_is_redacted_to_its_end_and_what_follows_stays(written: Written) -> None:
    value = "line one\nline two, Jane Doe\nHINT:  Jane Doe, 1975-03-02"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE noted (note text, number integer NOT NULL)")
    with pytest.raises(IntegrityError) as caught, connection.cursor() as cursor:
        cursor.execute("INSERT INTO noted VALUES (%s, NULL)", [value])

    logging.getLogger("library").error("it failed", exc_info=caught.value)

    text = written.stream.getvalue()
    for each in ("line two", "Jane Doe", "1975-03-02"):
        assert each not in text
    assert "NotNullViolation" in text
    assert "django.db.utils.IntegrityError" in text
