"""Logs: one JSON object a line, with the request's id and without anything personal.

What may never be in a log is in docs/security.md#pii: codes, passwords, tokens, seeds, dates of birth, full
numbers. Callers don't write them; `redact` is the second line of defense, for what libraries and exceptions say.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

REDACTED = "[redacted]"
# Keys whose values are never written, wherever they come from (compared without case, as whole words).
PERSONAL_KEYS = frozenset(
    (
        "address address1 address2 authorization birth code codes cookie cookies credential csrfmiddlewaretoken "
        "date_of_birth dob email first_name full_name last_name otp otp_token passcode password passwords phone "
        "phone_number pin recovery_code recovery_codes secret secrets seed session_key sessionid ssn to token tokens "
        "username zip"
    ).split()
)
# Whatever is longer is cut, however it came into the log. A traceback gets more: its frames are what one looks for.
LONGEST_VALUE = 2_000
LONGEST_TRACEBACK = 20_000

# Every pattern below runs over text that strangers write, while no other thread of the process runs: each must be
# linear in the length of the text. An attempt begins only where a run of letters begins, never at each of its letters.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+(?:@[\w-]+\.[\w.+-]+)+")
_PHONE = re.compile(r"(?<![\w.-])\+?\d?[\s.-]?\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}(?![\w-])|\+\d{8,15}(?!\d)")
# To the end of the exception's message: values may hold line breaks, and words that look like the next label.
_REST_OF_MESSAGE = r"(?s:.*?)(?=\n(?:Traceback \(most|The above exception was|During handling of the above)|\Z)"
# PostgreSQL repeats the row's values behind these words of its errors. `\n` with a backslash: as `repr` shows it.
_DATABASE_DETAIL = re.compile(
    r"((?:^|\\n)[ \t|]*(?:DETAIL|CONTEXT|PARAMETERS|Params?|QUERY|STATEMENT|LINE \d{1,9}):)" + _REST_OF_MESSAGE,
    re.MULTILINE | re.IGNORECASE,
)
# These repeat a value in the message itself: `InvalidDatetimeFormat: invalid input syntax for type date: "1975-03-02"`.
_DATA_ERRORS = "|".join(
    sorted(
        kind.__name__
        for kind in vars(psycopg.errors).values()
        if isinstance(kind, type) and issubclass(kind, psycopg.DataError)
    )
)
_DATABASE_VALUE = re.compile(
    rf"((?:^[ \t|]*(?:[a-z]{{1,20}}\.){{0,4}}(?:{_DATA_ERRORS}): |\b(?=[A-Z])(?:{_DATA_ERRORS})\((?=['\"])"
    rf"|\bsyntax error in tsquery: ))" + _REST_OF_MESSAGE,
    re.MULTILINE,
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_request_log = structlog.get_logger("portal.request")


def redact_text(text: str) -> str:
    """Return the text without email addresses, telephone numbers and the values that PostgreSQL's errors repeat."""
    for values in (_DATABASE_DETAIL, _DATABASE_VALUE):
        text = values.sub(rf"\1 {REDACTED}", text)
    return _PHONE.sub(REDACTED, _EMAIL.sub(REDACTED, text))


def redact(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Return a structlog processor: personal keys lose their value, texts what looks personal in them and what is too
    long."""
    return {key: value if key.startswith("_") else _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if key.lower() in PERSONAL_KEYS:
        return REDACTED
    if isinstance(value, dict):
        return {str(inner): _clean(str(inner), each) for inner, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    # Anything else would be written as its `repr`, which may hold as much as a text.
    text = value if isinstance(value, str) else repr(value)
    return redact_text(_cut(text, LONGEST_TRACEBACK if key == "exception" else LONGEST_VALUE))


def _cut(text: str, longest: int) -> str:
    """Return the beginning of the text, without the word that the cut goes through: half an address is not
    recognized."""
    if len(text) <= longest:
        return text
    *words, _ = text[:longest].rsplit(maxsplit=1)
    kept = words[0] if words else text[:longest]
    return f"{kept} … ({len(text) - len(kept)} more characters)"


def without_addresses(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Return a structlog processor: Django's messages about a request name its route, not its address.

    An address may carry a mailed link's token; Django writes it into `django.request` and `django.security`.
    """
    record = event.get("_record")
    request = getattr(record, "request", None)
    if isinstance(request, HttpRequest):
        status = getattr(record, "status_code", None)
        event["event"] = f"{status or 'problem'} at {route_of(request)}"
        fault = event.get("exc_info")
        if status and status < 500 and fault:
            # The client's fault, not ours: its kind is enough, and the message holds what the client sent.
            event["error"] = type(fault[1] if isinstance(fault, tuple) else fault).__name__
            event["exc_info"] = None
        event["method"] = request.method
        request_id = getattr(request, "request_id", None)
        if request_id:
            event.setdefault("request_id", request_id)
    return event


def logging_config(*, level: str, json: bool) -> dict[str, Any]:
    """Django's LOGGING: everything to standard error, as JSON or (tests) as plain lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_addresses,
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django gives these two handlers and levels of their own.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            # Every few seconds "sending" and "received"; what a task came to is said when it ends.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            # PDF and font libraries narrate their every step.
            "fontTools": {"level": "WARNING"},
            "weasyprint": {"level": "ERROR"},
        },
    }


def route_of(request: HttpRequest) -> str:
    """Return the URL pattern that answered, without the values in it; "unmatched" where none did."""
    match = request.resolver_match
    return f"/{match.route}" if match else "unmatched"


def view_name_of(request: HttpRequest) -> str:
    """Return the name of the view that answered, as in `accounts:sign-in`; the pattern where it has none."""
    match = request.resolver_match
    return (match.view_name or match.route) if match else "unmatched"


class RequestIdMiddleware:
    """Gives each request an id, binds it to every log line, returns it, and logs the request when it is done.

    The id is always ours: events are found by it, and a client that could choose it could borrow another one. What is
    in `X-Request-ID` behind a proxy of ours is logged beside it, if it looks like an id. The user is logged by primary
    key, the address by its route.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]  # what events and logs name a request by
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        offered = request.headers.get("X-Request-ID", "")
        if settings.TRUSTED_PROXY_HOPS and _REQUEST_ID.fullmatch(offered):
            structlog.contextvars.bind_contextvars(proxy_request_id=offered)
        start = time.perf_counter()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id
            _request_log.info(
                "request",
                method=request.method,
                view=view_name_of(request),
                status=response.status_code,
                ms=round((time.perf_counter() - start) * 1000, 1),
                # Only where the view asked who it is: a health check needs no session.
                user=getattr(getattr(request, "_cached_user", None), "pk", None),
            )
            return response
        finally:
            structlog.contextvars.clear_contextvars()
