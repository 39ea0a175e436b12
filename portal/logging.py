"""Logs: one JSON object a line, with the request's id and without anything personal.

What may never stand in a log is in SECURITY's row "PII": codes, passwords, tokens, seeds, dates of birth, full
numbers. Callers don't write them; `redact` is the second line of defence, for what libraries and exceptions say.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
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
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_PHONE = re.compile(r"(?<![\w.-])\+?\d?[\s.-]?\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}(?![\w-])|\+\d{8,15}(?!\d)")
# PostgreSQL repeats the row's values in these lines of its errors.
_DATABASE_DETAIL = re.compile(r"^(\s*(?:DETAIL|CONTEXT|PARAMETERS|Params?):).*$", re.MULTILINE | re.IGNORECASE)
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_request_log = structlog.get_logger("portal.request")


def redact_text(text: str) -> str:
    """The text without email addresses, telephone numbers and the values that PostgreSQL's errors repeat."""
    text = _DATABASE_DETAIL.sub(rf"\1 {REDACTED}", text)
    return _PHONE.sub(REDACTED, _EMAIL.sub(REDACTED, text))


def redact(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A structlog processor: personal keys lose their value, and texts what looks personal in them."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if key.lower() in PERSONAL_KEYS:
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {str(inner): _clean(str(inner), each) for inner, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_clean("", each) for each in value]
    return value


def without_addresses(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A structlog processor: Django's messages about a request name its route, not its address.

    An address may carry a mailed link's token; Django writes it into `django.request` and `django.security`.
    """
    record = event.get("_record")
    request = getattr(record, "request", None)
    if isinstance(request, HttpRequest):
        event["event"] = f"{getattr(record, 'status_code', 'problem')} at {route_of(request)}"
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
    """The URL pattern that answered, without the values in it; "unmatched" where none did."""
    match = request.resolver_match
    return f"/{match.route}" if match else "unmatched"


def view_name_of(request: HttpRequest) -> str:
    """The name of the view that answered, as in `accounts:sign-in`; the pattern where it has none."""
    match = request.resolver_match
    return (match.view_name or match.route) if match else "unmatched"


class RequestIdMiddleware:
    """Gives each request an id, binds it to every log line, returns it, and logs the request when it is done.

    An id that a proxy of ours has set in `X-Request-ID` is kept if it looks like one. The user is logged by
    primary key, the address by its route.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-ID", "")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]  # what events and logs name a request by
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
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
