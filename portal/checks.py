"""Reasons for production not to start: missing or default secrets, and parts of the demo
(docs/security.md#secrets)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from core.system import needs

# Django's own minimum (security.W009), and 256 bits as text for the others.
SECRET_KEY_LENGTH = 50
KEY_LENGTH = 32
DEMO_PREFIX = "demo."
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
# The values of libpq's sslmode that refuse an unencrypted connection.
ENCRYPTED = frozenset(("require", "verify-ca", "verify-full"))
# Those whose reports `credentialing.sending.webhooks` reads.
MAIL_SERVICES = ("brevo", "mailersend", "mailgun", "mailjet", "mailtrap", "postmark", "sendgrid", "sparkpost")
NEEDED_TO_SEND_CODES = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")


def refuse_unsafe(values: Mapping[str, Any]) -> None:
    """Raise ImproperlyConfigured with all reasons at once; called at the end of the settings in production.

    `values` are the settings by name. The message names settings, never their values.
    """
    problems = list(_problems(values))
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise ImproperlyConfigured(
            f"The portal does not start in production like this:\n{lines}\n"
            "(For a command on this machine's demo or test data set PORTAL_MODE to demo or test.)"
        )


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    yield from _secret_problems(values)
    yield from _address_problems(values)
    yield from _service_problems(values)
    if values["DEBUG"]:
        yield "DEBUG is on"
    for name in ("SMS_GATEWAY", "EMAIL_BACKEND"):
        if str(values[name]).startswith(DEMO_PREFIX):
            yield f"{name} is the demo's"
    for name in NEEDED_TO_SEND_CODES:
        if not values[name]:
            yield f"{name} is missing: without it no code can be sent"
    if (service := values["MAIL_SERVICE"]) and service not in MAIL_SERVICES:
        yield f"MAIL_SERVICE must be one of {', '.join(MAIL_SERVICES)}"
    if values["FILES_BUCKET"] and values["ACCEL_REDIRECT_PREFIX"]:
        yield "ACCEL_REDIRECT_PREFIX is for files in a folder, and FILES_BUCKET keeps them in a bucket: set one"
    secret = values["MAIL_REPORTS_SECRET"]
    if secret and (":" not in secret or len(secret) < KEY_LENGTH):
        yield f"MAIL_REPORTS_SECRET must be user:password, with at least {KEY_LENGTH} random characters"


def _secret_problems(values: Mapping[str, Any]) -> Iterator[str]:
    secrets = {"SECRET_KEY": [values["SECRET_KEY"]], "HASH_KEY": [values["HASH_KEY"]]}
    secrets["FIELD_KEYS"] = [pair.partition(":")[2] or pair for pair in values["FIELD_KEYS"]] or [""]
    for name, candidates in secrets.items():
        length = SECRET_KEY_LENGTH if name == "SECRET_KEY" else KEY_LENGTH
        for secret in candidates:
            if not secret:
                yield f"{name} is missing (set it, or {name}_FILE to a file that holds it)"
            elif secret.startswith(("insecure-", "django-insecure-")):
                yield f"{name} is a default of the demo or the tests"
            elif len(secret) < length or len(set(secret)) < 10:
                yield f"{name} is too weak: it needs at least {length} random characters"
    known = [secret for candidates in secrets.values() for secret in candidates if secret]
    if len(known) != len(set(known)):
        yield "SECRET_KEY, HASH_KEY and FIELD_KEYS must differ from each other"


def _address_problems(values: Mapping[str, Any]) -> Iterator[str]:
    database = values["DATABASES"]["default"]
    if not database["NAME"]:
        yield "DATABASE_URL is missing"
    elif database["ENGINE"] != "django.db.backends.postgresql":
        yield "DATABASE_URL names no PostgreSQL"
    if not values["REDIS_URL"]:
        yield "REDIS_URL is missing"
    if not values["ALLOWED_HOSTS"]:
        yield "ALLOWED_HOSTS is missing: name the portal's host"
    elif "*" in values["ALLOWED_HOSTS"]:
        yield "ALLOWED_HOSTS allows any host: name the portal's"
    address = urlsplit(values["PUBLIC_URL"])
    passkeys = values["OTP_WEBAUTHN_RP_ID"]
    if address.hostname and not f".{address.hostname}".endswith(f".{passkeys}"):
        yield "PASSKEY_HOST must be PUBLIC_URL's host or a parent domain of it"
    if address.scheme != "https" or not address.hostname or address.path not in {"", "/"}:
        yield "PUBLIC_URL must be the portal's address, as in https://portal.example"


def _service_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield settings that let others into Redis or PostgreSQL (docs/security.md#services)."""
    redis_url = values["REDIS_URL"]
    redis = urlsplit(redis_url)
    if redis.scheme in {"redis", "rediss"}:
        if not redis.password:
            yield "REDIS_URL has no password: add one, or use a socket (unix:///path/redis.sock)"
        if redis.scheme == "redis" and redis.hostname not in LOOPBACK:
            yield "REDIS_URL is not encrypted on its way to another machine: use rediss://, or a socket"
        if parse_qs(redis.query).get("ssl_cert_reqs", ["required"])[0].lower().removeprefix("cert_") != "required":
            yield "REDIS_URL does not ask for a good certificate: leave ssl_cert_reqs out"
    elif redis_url and redis.scheme != "unix":
        yield "REDIS_URL must start with unix://, redis://, or rediss://"
    database = values["DATABASES"]["default"]
    host = database.get("HOST") or ""
    if host and not host.startswith("/"):
        if not database.get("PASSWORD"):
            yield "DATABASE_URL has no password: add one, or use a socket"
        if host not in LOOPBACK and database.get("OPTIONS", {}).get("sslmode") not in ENCRYPTED:
            yield (
                "DATABASE_URL is not encrypted on its way to another machine: "
                "add ?sslmode=verify-full (or require), or use a socket"
            )


def missing_pango() -> str:
    """One sentence on what to install if WeasyPrint's libraries are missing; empty if they're installed."""
    pango = needs()["pango"]
    return pango.sentence if pango.missing else ""


@checks.register(checks.Tags.compatibility)
def check_pango(**_kwargs: object) -> list[checks.CheckMessage]:
    """Report an error if certificates can't be rendered on this machine."""
    missing = missing_pango()
    return [checks.Error(missing, id="portal.E001")] if missing else []


@checks.register(checks.Tags.compatibility, deploy=True)
def check_subset(**_kwargs: object) -> list[checks.CheckMessage]:
    """Warn if each PDF costs more than it needs to (`manage.py check --deploy`)."""
    subset = needs()["harfbuzz-subset"]
    return [checks.Info(subset.sentence, id="portal.I001")] if subset.missing else []


@checks.register(checks.Tags.security, deploy=True)
def check_example_addresses(**_kwargs: object) -> list[checks.CheckMessage]:
    """Warn if staff alerts or support would go to an example address (`manage.py check --deploy`)."""
    addresses = {"STAFF_ALERT_EMAILS": settings.STAFF_ALERT_EMAILS, "DEFAULT_FROM_EMAIL": [settings.DEFAULT_FROM_EMAIL]}
    addresses |= {f"SUPPORT_{topic.upper()}_EMAIL": [contact["email"]] for topic, contact in settings.SUPPORT.items()}
    return [
        checks.Warning(f"{name} is an example's address.", hint=f"Set {name}.", id="portal.W001")
        for name, found in addresses.items()
        if any(address.endswith(".example") for address in found)
    ]
