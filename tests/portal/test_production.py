"""Production starts only when it is safe, and the demo's parts are in demo mode only."""

import json
import os
import re
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string
from kombu import Connection

from core.system import needs
from credentialing.sending.webhooks import READERS
from demo.outbox import DemoEmailBackend, DemoGateway
from embedded.addresses import BASE_DIR, broker_url
from embedded.processes import moved_clock
from portal.celery import app
from portal.checks import MAIL_SERVICES, refuse_unsafe

SAFE = {
    "PORTAL_MODE": "production",
    "SECRET_KEY": "kq3-Vd9_xW1zRb7TnY5uLp2sGh8JfM4cXa6oEi0wQvBtNyKd",
    "HASH_KEY": "7Hn2pLs9-Qw4eRt6yUi8oPa0sDf1gHj3",
    "FIELD_KEYS": "1:Zx9cVb7nMa5sDf3gHj1kLq2wEr4tYu6i",
    "DATABASE_URL": "postgres://portal:x@db.portal.test/portal?sslmode=verify-full",
    "REDIS_URL": "rediss://:x@redis.portal.test/0",
    "ALLOWED_HOSTS": "portal.test",
    "PUBLIC_URL": "https://portal.test",
    "TWILIO_ACCOUNT_SID": "AC0",
    "TWILIO_AUTH_TOKEN": "t",
    "TWILIO_FROM": "+15550100100",
    "STAFF_ALERT_EMAILS": "staff@portal.test",
    "DEFAULT_FROM_EMAIL": "portal@portal.test",
    "SUPPORT_WEB_EMAIL": "web@portal.test",
    "SUPPORT_SERVICE_EMAIL": "service@portal.test",
    "SUPPORT_RISK_EMAIL": "risk@portal.test",
}
SAFE["SECRET_KEY"] += "Ff5"


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Return a command in a process of its own, with nothing of ours in its environment."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env={"PATH": os.environ["PATH"], **moved_clock(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_with_everything_set_passes_the_deployment_checks() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **SAFE)

    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    if needs()["harfbuzz-subset"].missing:
        assert re.findall(r"\((\w+\.[A-Z]\d+)\)", said) == ["portal.I001"], "a remark, nothing to stop for"
    else:
        assert "no issues" in said


def test_production_is_the_default_and_names_everything_that_is_missing() -> None:
    done = manage("check")

    assert done.returncode != 0
    for name in ("SECRET_KEY", "HASH_KEY", "FIELD_KEYS", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "PUBLIC_URL"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_on_a_machine_without_production_a_command_says_how_to_use_the_demos_data() -> None:
    done = manage("shell")

    assert done.returncode != 0
    assert done.stderr.strip() == (
        "PORTAL_MODE isn't set. For the demo's data, run: PORTAL_MODE=demo python manage.py shell"
    )


def test_settings_that_choose_a_mode_themselves_are_left_alone() -> None:
    done = manage("version", DJANGO_SETTINGS_MODULE="tests.settings")

    assert done.returncode == 0, done.stderr


def a_database(**change: object) -> dict[str, object]:
    """PostgreSQL on another machine."""
    there = {"HOST": "db.portal.test", "PASSWORD": "x", "OPTIONS": {"sslmode": "verify-full"}}
    return {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "portal", **there, **change}}


@pytest.fixture
def safe_values() -> dict[str, object]:
    return {
        "SECRET_KEY": SAFE["SECRET_KEY"],
        "HASH_KEY": SAFE["HASH_KEY"],
        "FIELD_KEYS": [SAFE["FIELD_KEYS"]],
        "DATABASES": a_database(),
        "REDIS_URL": SAFE["REDIS_URL"],
        "ALLOWED_HOSTS": ["portal.test"],
        "PUBLIC_URL": SAFE["PUBLIC_URL"],
        "OTP_WEBAUTHN_RP_ID": "portal.test",
        "DEBUG": False,
        "SMS_GATEWAY": "accounts.twilio_gateway.TwilioGateway",
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "TWILIO_ACCOUNT_SID": "AC0",
        "TWILIO_AUTH_TOKEN": "t",
        "TWILIO_FROM": "+15550100100",
        "FILES_BUCKET": "",
        "ACCEL_REDIRECT_PREFIX": "",
        "MAIL_SERVICE": "",
        "MAIL_REPORTS_SECRET": "",
    }


def test_safe_values_are_accepted(safe_values: dict[str, object]) -> None:
    refuse_unsafe(safe_values)


@pytest.mark.parametrize(
    "change",
    [
        {"REDIS_URL": "unix:///run/redis/redis.sock?db=0"},
        {"REDIS_URL": "redis://:x@127.0.0.1:6379/0"},
        {"DATABASES": a_database(HOST="/run/postgresql", PASSWORD="", OPTIONS={})},
        {"DATABASES": a_database(HOST="", PASSWORD="", OPTIONS={})},
        {"DATABASES": a_database(HOST="localhost", OPTIONS={})},
        {"DATABASES": a_database(OPTIONS={"sslmode": "require"})},
        {"MAIL_SERVICE": "postmark", "MAIL_REPORTS_SECRET": "reports:Vn3xkqPb8sYw2LmRtZc5HdJ7"},
    ],
)
def test_services_by_socket_or_with_password_on_this_machine_are_accepted(
    safe_values: dict[str, object], change: dict[str, object]
) -> None:
    refuse_unsafe(safe_values | change)


def test_whatever_comes_from_a_file_loses_the_line_break_behind_it(tmp_path: Path) -> None:
    environment = dict(SAFE, METRICS_TOKEN="m3trics", EMAIL_URL="smtp://mail.portal.test:25")
    for name in [name for name in environment if name != "PORTAL_MODE"]:
        (tmp_path / name).write_text(f" {environment.pop(name)}\r\n\n")
        environment[f"{name}_FILE"] = str(tmp_path / name)
    script = (
        "from django.conf import settings\n"
        "print([settings.TWILIO_AUTH_TOKEN, settings.TWILIO_ACCOUNT_SID, settings.METRICS_TOKEN, settings.EMAIL_HOST,\n"
        "       settings.PUBLIC_URL, settings.REDIS_URL, settings.DATABASES['default']['NAME'],\n"
        "       settings.SECRET_KEY[-3:]])"
    )
    done = manage("shell", "-v", "0", "-c", script, **environment)

    assert done.stdout.strip() == str(
        ["t", "AC0", "m3trics", "mail.portal.test", "https://portal.test", SAFE["REDIS_URL"], "portal", "Ff5"]
    )


def test_a_secrets_file_that_is_not_there_is_named_in_one_sentence() -> None:
    done = manage("check", **SAFE | {"HASH_KEY_FILE": "/no/such"})

    assert "HASH_KEY_FILE names a file that can't be read" in done.stderr
    assert done.returncode != 0


def test_nothing_that_comes_from_redis_is_run() -> None:
    assert "redis" not in settings.CACHES["default"]["BACKEND"].lower()
    assert (app.conf.task_serializer, app.conf.accept_content) == ("json", ["json"])
    assert app.conf.worker_enable_remote_control is False


def test_celery_asks_redis_for_a_good_certificate_as_the_portal_does() -> None:
    for address in (SAFE["REDIS_URL"], SAFE["REDIS_URL"] + "?ssl_cert_reqs=required"):
        assert Connection(broker_url(address)).ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "insecure-demo-secret_key-not-for-production-and-long"}, "SECRET_KEY is a default"),
        ({"SECRET_KEY": "django-insecure-" + "0123456789abcdef" * 4}, "SECRET_KEY is a default"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": "ab" * 40}, "SECRET_KEY is too weak"),
        ({"HASH_KEY": ""}, "HASH_KEY is missing"),
        ({"HASH_KEY": "insecure-test-hash_key-not-for-production"}, "HASH_KEY is a default"),
        ({"FIELD_KEYS": []}, "FIELD_KEYS is missing"),
        ({"FIELD_KEYS": ["2:insecure-demo-x-not-for-production"]}, "FIELD_KEYS is a default"),
        ({"FIELD_KEYS": [SAFE["FIELD_KEYS"], "0:old"]}, "FIELD_KEYS is too weak"),
        ({"HASH_KEY": SAFE["SECRET_KEY"]}, "must differ"),
        ({"DATABASES": {"default": {"ENGINE": "", "NAME": ""}}}, "DATABASE_URL is missing"),
        ({"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}}}, "no PostgreSQL"),
        ({"REDIS_URL": ""}, "REDIS_URL is missing"),
        ({"REDIS_URL": "redis://:x@redis.portal.test/0"}, "REDIS_URL is not encrypted"),
        ({"REDIS_URL": "rediss://redis.portal.test/0"}, "REDIS_URL has no password"),
        ({"REDIS_URL": "redis://localhost:6379/0"}, "REDIS_URL has no password"),
        ({"REDIS_URL": "rediss://:x@redis.portal.test/0?ssl_cert_reqs=none"}, "good certificate"),
        ({"REDIS_URL": "memory://"}, "REDIS_URL must start with"),
        ({"DATABASES": a_database(PASSWORD="")}, "DATABASE_URL has no password"),
        ({"DATABASES": a_database(OPTIONS={})}, "DATABASE_URL is not encrypted"),
        ({"DATABASES": a_database(OPTIONS={"sslmode": "prefer"})}, "DATABASE_URL is not encrypted"),
        ({"ALLOWED_HOSTS": []}, "ALLOWED_HOSTS is missing"),
        ({"ALLOWED_HOSTS": ["*"]}, "allows any host"),
        ({"PUBLIC_URL": ""}, "PUBLIC_URL must be"),
        ({"PUBLIC_URL": "http://portal.test"}, "PUBLIC_URL must be"),
        ({"OTP_WEBAUTHN_RP_ID": "example.test"}, "PASSKEY_HOST must be"),
        ({"OTP_WEBAUTHN_RP_ID": "rtal.test"}, "PASSKEY_HOST must be"),
        ({"DEBUG": True}, "DEBUG is on"),
        ({"SMS_GATEWAY": "demo.outbox.DemoGateway"}, "SMS_GATEWAY is the demo's"),
        ({"EMAIL_BACKEND": "demo.outbox.DemoEmailBackend"}, "EMAIL_BACKEND is the demo's"),
        ({"TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN is missing"),
        ({"FILES_BUCKET": "files", "ACCEL_REDIRECT_PREFIX": "/_private/"}, "FILES_BUCKET keeps them in a bucket"),
        ({"MAIL_SERVICE": "carrier-pigeon"}, "MAIL_SERVICE must be one of"),
        ({"MAIL_REPORTS_SECRET": "reports:too-short"}, "MAIL_REPORTS_SECRET must be"),
        ({"MAIL_REPORTS_SECRET": "Vn3xkqPb8sYw2LmRtZc5HdJ7Vn3xkqPb8sYw2LmRtZc5HdJ7"}, "MAIL_REPORTS_SECRET must be"),
    ],
)
def test_what_is_unsafe_is_refused_by_name_and_without_its_value(
    safe_values: dict[str, object], change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        refuse_unsafe(safe_values | change)

    assert complaint in str(refusal.value)
    for value in change.values():
        if isinstance(value, str) and len(value) > 8 and not value.startswith(("http", "portal.")):
            assert value not in str(refusal.value)


def test_what_a_mail_service_asks_for_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token-from-a-file\n")
    asks = "from django.conf import settings; print(settings.EMAIL_BACKEND, sorted(settings.ANYMAIL.items()))"
    done = manage(
        "shell",
        "-c",
        asks,
        **SAFE,
        MAIL_SERVICE="postmark",
        MAIL_REPORTS_SECRET="reports:Vn3xkqPb8sYw2LmRtZc5HdJ7",
        ANYMAIL_POSTMARK_SERVER_TOKEN_FILE=str(token),
    )
    assert done.returncode == 0, done.stderr
    assert "anymail.backends.postmark.EmailBackend" in done.stdout
    assert "('POSTMARK_SERVER_TOKEN', 'a-token-from-a-file')" in done.stdout
    assert "('WEBHOOK_SECRET', 'reports:Vn3xkqPb8sYw2LmRtZc5HdJ7')" in done.stdout


def test_the_services_that_may_send_are_those_whose_reports_we_read() -> None:
    assert set(MAIL_SERVICES) == set(READERS)
    for path in READERS.values():
        assert callable(import_string(path))


def test_the_demo_starts_in_demo_mode_only() -> None:
    done = manage("shell", "-c", "from django.core.management import call_command; call_command('demo')", **SAFE)

    assert done.returncode != 0
    assert "Unknown command: 'demo'" in done.stderr


@pytest.mark.parametrize("address", ["/demo/outbox/", "/demo/outbox.json", "/demo/style/", "/demo/explore/agent/"])
def test_the_demos_addresses_do_not_exist_outside_demo_mode(address: str, client: Client, db: None) -> None:
    assert client.get(address).status_code in {302, 404}
    with pytest.raises(NoReverseMatch):
        reverse("demo:outbox")


def test_production_has_no_address_and_no_template_of_the_demos() -> None:
    script = (
        "import django, json; django.setup()\n"
        "from django.conf import settings\n"
        "from django.urls import get_resolver, resolve, Resolver404\n"
        "found = []\n"
        "for path in ('/demo/outbox/', '/demo/outbox.json', '/demo/style/', '/demo/explore/agent/', '/demo/code/x/'):\n"
        "    try:\n"
        "        resolve(path); found.append(path)\n"
        "    except Resolver404:\n"
        "        continue\n"
        "from django.template.loader import get_template\n"
        "hooks = [get_template(name) for name in ('portal/_explore.html', 'accounts/_code_hint.html')]\n"
        "found += [hook.origin.name for hook in hooks if hook.render({}).strip()]\n"
        "names = settings.PUBLIC_URL_NAMES | settings.HALF_SIGNED_IN_URL_NAMES\n"
        "print(json.dumps([found, [n for n in names if n.startswith('demo:')]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=BASE_DIR,
        env={"PATH": os.environ["PATH"], **moved_clock(), "DJANGO_SETTINGS_MODULE": "portal.settings", **SAFE},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], []]


@pytest.mark.parametrize("sender", [DemoEmailBackend, DemoGateway])
def test_the_demos_senders_refuse_to_work_in_production(sender: type) -> None:
    with override_settings(PRODUCTION=True), pytest.raises(ImproperlyConfigured, match="can't be used in production"):
        sender()
