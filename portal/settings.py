"""Settings of the portal.

Production is the default: whatever is missing or left at a default value stops the start (see `portal.checks`).
The demo and the tests opt out by `PORTAL_MODE=demo` and `PORTAL_MODE=test`. Every secret may also come from a file,
named by the same variable with `_FILE` behind it.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
import environ
from csp.constants import NONE, SELF

from embedded.addresses import data_root, service_addresses
from portal import hours
from portal.checks import refuse_unsafe
from portal.environment import Environment, anymail_settings
from portal.logging import logging_config
from portal.sisters import INVENTED_SISTERS, sister_portals

# Lets `ModelAdmin[Policy]` and the like be written at run time too.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")

MODE: str = env.str("PORTAL_MODE", default="production")
if MODE not in {"production", "demo", "test"}:
    raise environ.ImproperlyConfigured(f"PORTAL_MODE is '{MODE}'; it may be production, demo or test.")
DEMO = MODE == "demo"
TESTING = MODE == "test"
PRODUCTION = MODE == "production"
# `manage.py dev` alone sets it.
DEBUG: bool = DEMO and env.bool("PORTAL_DEBUG", default=False)

DATA_DIR = Path(env.str("PORTAL_DATA_DIR", default=str(BASE_DIR / ".data"))) if PRODUCTION else data_root()


def _secret(name: str) -> str:
    """Return a secret from the environment or its file; demo and tests fall back to a value that production refuses."""
    fallback = "" if PRODUCTION else f"insecure-{MODE}-{name.lower()}-not-for-production"
    return str(env.str(name, default=fallback)).strip()


# FIELD_KEYS: `id:key` pairs separated by commas, newest first. HASH_KEY: for keyed hashes; a new one needs a reload.
SECRET_KEY = _secret("SECRET_KEY")
FIELD_KEYS: list[str] = [part for part in _secret("FIELD_KEYS").split(",") if part]
HASH_KEY = _secret("HASH_KEY")

# The brand is a setting; the carrier of the demo is invented.
BRAND: dict[str, Any] = {
    "name": env.str("BRAND_NAME", default="Larkfield Mutual"),
    "legal_name": env.str("BRAND_LEGAL_NAME", default="Larkfield Mutual Insurance Company"),
    "portal_name": env.str("BRAND_PORTAL_NAME", default="Larkfield Portal"),
    # The mark on certificates, an SVG or PNG file; empty prints none. The lark is for the invented carrier alone.
    "mark": env.str(
        "BRAND_MARK", default="" if env.str("BRAND_NAME", default="") else f"{BASE_DIR}/static/img/mark.svg"
    ),
}
# Whom to call, by topic (S-46). A desk's `open` is its week in the carrier's zone, as `hours.week_of` reads it; `hours`
# says the same in words.
_weekdays = "Mon-Fri 08:00-18:00"
SUPPORT: dict[str, dict[str, str]] = {
    "web": {
        "title": "Web support",
        "topics": "accounts, sign-in codes, locked accounts, missing policies or documents, technical problems",
        "phone": env.str("SUPPORT_WEB_PHONE", default="(860) 555-0140"),
        "email": env.str("SUPPORT_WEB_EMAIL", default="websupport@portal.example"),
        "open": env.str("SUPPORT_WEB_OPEN", default=_weekdays),
    },
    "service": {
        "title": "Customer service",
        "topics": "billing, missing seminars, coverage, credentialing, general questions",
        "phone": env.str("SUPPORT_SERVICE_PHONE", default="(860) 555-0150"),
        "email": env.str("SUPPORT_SERVICE_EMAIL", default="service@portal.example"),
        "open": env.str("SUPPORT_SERVICE_OPEN", default=_weekdays),
    },
    "risk": {
        "title": "Risk management",
        "topics": "registering for seminars, risk management resources",
        "phone": env.str("SUPPORT_RISK_PHONE", default="(860) 555-0160"),
        "email": env.str("SUPPORT_RISK_EMAIL", default="risk@portal.example"),
        "open": env.str("SUPPORT_RISK_OPEN", default="Mon-Thu 08:30-17:00, Fri 08:30-16:00"),
    },
}
# What the zone of these hours is called, and the days on which every desk is closed.
SUPPORT_ZONE = env.str("SUPPORT_ZONE", default="Eastern")
SUPPORT_HOLIDAYS: list[str] = env.list(
    "SUPPORT_HOLIDAYS", default=["01-01", "05-mon-last", "07-04", "09-mon-1", "11-thu-4", "12-25"]
)
for _desk in SUPPORT.values():
    _desk["hours"] = hours.in_words(_desk["open"], zone=SUPPORT_ZONE)
# What a request to support can be about: the desk that answers it, and the words of the choice.
SUPPORT_TOPICS: dict[str, tuple[str, str]] = {
    "accounts": ("web", "My account or signing in"),
    "missing": ("web", "A missing policy or document"),
    "technical": ("web", "A problem with the website"),
    "billing": ("service", "Billing or payments"),
    "coverage": ("service", "Coverage or policy changes"),
    "credentialing": ("service", "Certificates and credentialing"),
    "seminars": ("service", "Missing seminars or credits"),
    "general": ("service", "Something else"),
    "registration": ("risk", "Registering for a seminar"),
    "resources": ("risk", "Risk management resources"),
}
# By when staff answer, and how much a user may write in an hour.
SUPPORT_ANSWER_WITHIN = dt.timedelta(hours=env.int("SUPPORT_ANSWER_HOURS", default=48))
SUPPORT_REQUESTS_PER_USER = env.int("SUPPORT_REQUESTS_PER_USER", default=10)
SUPPORT_REPLIES_PER_USER = env.int("SUPPORT_REPLIES_PER_USER", default=20)
# How many change requests a user may begin, and send, in an hour (S-32).
CHANGE_REQUESTS_PER_USER = env.int("CHANGE_REQUESTS_PER_USER", default=60)
# After how many days a draft that nobody touched is deleted.
CHANGE_DRAFT_DAYS = env.int("CHANGE_DRAFT_DAYS", default=90)
# Portals of sister divisions (S-18): name, address, and what for; a JSON list of objects with `name`, `url`, `for`.
SISTER_PORTALS: list[dict[str, str]] = sister_portals(
    env.str("SISTER_PORTALS", default="" if PRODUCTION else INVENTED_SISTERS)
)
# Each process keeps what is published for everyone (FAQ, notices of visitors, maintenance) for so long.
PUBLISHED_SECONDS = 5
# How the log names maintenance that isn't of one area.
WHOLE_PORTAL = "whole portal"
# How long a process relies on what it knows of maintenance.
MAINTENANCE_SECONDS = 5
# Closes the portal on this machine while it exists, whatever the database says (`manage.py maintenance on --here`).
MAINTENANCE_FILE = Path(env.str("MAINTENANCE_FILE", default=str(DATA_DIR / "maintenance.json")))
MAINTENANCE_RETRY_AFTER = dt.timedelta(minutes=env.int("MAINTENANCE_RETRY_MINUTES", default=15))
# Pages of the carrier's own site that the footer leads to, each where its address is set.
LEGAL_PAGES: dict[str, str] = {
    "Privacy": env.str("PRIVACY_URL", default=""),
    "Terms of use": env.str("TERMS_URL", default=""),
    "Accessibility": env.str("ACCESSIBILITY_URL", default=""),
}
STAFF_ALERT_EMAILS: list[str] = env.list("STAFF_ALERT_EMAILS", default=[SUPPORT["web"]["email"]])

# Addresses and proxies.
PUBLIC_URL = env.str("PUBLIC_URL", default="" if PRODUCTION else "http://localhost:8000")
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "testserver"]
)
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# How many proxies of ours are in front; the client's address is read that many hops from the right, never further.
TRUSTED_PROXY_HOPS = env.int("TRUSTED_PROXY_HOPS", default=1 if PRODUCTION else 0)

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "feed",
    "billing",
    "credentialing",
    "seminars",
    "claims",
    "policies",
    "accounts",
    "core",
    "portal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "csp",
    "django_filters",
    "django_htmx",
    "django_otp",
    "django_otp_webauthn",
    "lucide",
    "pgtrigger",
]
if not PRODUCTION:
    INSTALLED_APPS += ["demo", "bench"]

MIDDLEWARE = [
    # Every answer has an id and these headers, a refusal's and a style sheet's too. None of them reads a body.
    "portal.logging.RequestIdMiddleware",
    "core.middleware.OriginMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "portal.headers.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.health.MetricsMiddleware",
    "portal.requests.ReadableRequestMiddleware",
    "portal.requests.BodyLimitMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.compression.PageCompressionMiddleware",
    "portal.maintenance.middleware.MaintenanceMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.UserMiddleware",
    "accounts.middleware.SessionLimitsMiddleware",
    "accounts.middleware.DefaultDenyMiddleware",
    "accounts.middleware.NoStoreMiddleware",
    "policies.middleware.ReachMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # The last one: within a look of staff it calls the view itself.
    "accounts.looking.LookMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # The demo's templates fill the hooks that are empty in production.
        "DIRS": [*([BASE_DIR / "demo" / "templates"] if DEMO else []), BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.site",
            ],
            "builtins": ["core.templatetags.ui", "core.templatetags.kit", "core.templatetags.show"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Services: PostgreSQL and Redis run as children of this process where no address is set (never in production).
_services = service_addresses(env, data_dir=DATA_DIR, production=PRODUCTION)
DATABASES: dict[str, dict[str, Any]] = {"default": _services.database}
REDIS_URL = _services.redis_url
# Which of "postgres" and "redis" `manage.py` and the tests start themselves.
EMBEDDED_SERVICES = _services.embedded
# Threads of one web process; the connection pool is sized to them.
WEB_THREADS = env.int("WEB_THREADS", default=8)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Nothing shares a cache: what Django's would read from Redis it would unpickle, that is, run.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# Celery: rows are the state, so no result backend; beat re-enqueues what got lost.
CELERY_BROKER_URL = _services.broker_url
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
# Messages are data, never code; and someone who reaches Redis may not stop or slow down a worker by a broadcast.
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_QUEUES_NAMES = ("codes", "default", "documents", "batches")
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_DB_REUSE_MAX = 100_000
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    # A request must not hang on a broker that is down: one try, and the row is handed over later.
    "max_retries": 0,
    "socket_connect_timeout": 2,
    "socket_timeout": 30,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True

# Who may sign in, and how (docs/security.md#codes).
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.UsernameBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    # Only for accounts taken over from former systems; Argon2 replaces their hashes at the first sign-in.
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "accounts.hashers.BCryptPasswordHasher",
    "accounts.hashers.ScryptPasswordHasher",
    "accounts.hashers.CryptPBKDF2SHA1Hasher",
    "accounts.hashers.CryptPBKDF2SHA256Hasher",
    "accounts.hashers.CryptPBKDF2SHA512Hasher",
    "accounts.hashers.CryptScryptHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "accounts.passwords.MaximumLengthValidator"},
    {"NAME": "accounts.passwords.BreachedPasswordValidator"},
    {"NAME": "accounts.passwords.ContextWordsValidator"},
]
# A large list of breached passwords: a file of SHA-1 hashes, sorted (docs/operators.md).
BREACHED_PASSWORDS_FILE = env.str("BREACHED_PASSWORDS_FILE", default="")
CSRF_FAILURE_VIEW = "accounts.views.stale_page"
# Messages wait in the session: a cookie of their own would be one more thing to protect.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "home"
SESSION_ENGINE = "accounts.sessions"
SESSION_IDLE = dt.timedelta(minutes=env.int("SESSION_IDLE_MINUTES", default=15))
SESSION_IDLE_WARNING = dt.timedelta(minutes=env.int("SESSION_WARNING_MINUTES", default=2))
SESSION_ABSOLUTE = dt.timedelta(hours=env.int("SESSION_ABSOLUTE_HOURS", default=12))
SESSION_COOKIE_AGE = int(SESSION_ABSOLUTE.total_seconds())
REMEMBER_DEVICE = dt.timedelta(days=env.int("REMEMBER_DEVICE_DAYS", default=30))
STEP_UP_AFTER = dt.timedelta(minutes=env.int("STEP_UP_MINUTES", default=20))
# Invitations of colleagues: how long one works, and how many an administrator sends a day.
INVITATION_LIFE = dt.timedelta(days=env.int("INVITATION_DAYS", default=7))
INVITATIONS_PER_DAY = env.int("INVITATIONS_PER_DAY", default=20)
# How long staff may view the portal as a customer sees it.
VIEW_AS_LIFE = dt.timedelta(minutes=env.int("VIEW_AS_MINUTES", default=15))
SIGN_IN_FAILURES = env.int("SIGN_IN_FAILURES", default=5)
SIGN_IN_COOL_OFF = dt.timedelta(minutes=env.int("SIGN_IN_COOL_OFF_MINUTES", default=15))
SIGN_IN_WINDOW = dt.timedelta(minutes=15)
SIGN_IN_NETWORK_FAILURES = env.int("SIGN_IN_NETWORK_FAILURES", default=10)
SIGN_IN_NETWORK_WINDOW = dt.timedelta(minutes=1)
# Failures a minute from an IPv4 /16 or an IPv6 /48; sign-in forms a minute from one network, whatever becomes of them.
SIGN_IN_WIDE_NETWORK_FAILURES = env.int("SIGN_IN_WIDE_NETWORK_FAILURES", default=100)
SIGN_IN_NETWORK_FORMS = env.int("SIGN_IN_NETWORK_FORMS", default=120)
# After the password: how long the portal waits for a code.
CODE_WAIT = dt.timedelta(minutes=10)
# Wrong codes in a row: the cool-off, and the number after which staff must switch the method on again.
CODE_FAILURES = 5
CODE_COOL_OFF = dt.timedelta(minutes=15)
CODE_FAILURES_OFF = 100
CODE_FAILURES_PERIOD = dt.timedelta(days=30)
# Mails about wrong codes after a right password.
CODE_NOTICES_A_DAY = 3
# Mails about sign-ins from a browser or network that the account never used, and how long such a place is known.
UNFAMILIAR_NOTICES_A_DAY = env.int("UNFAMILIAR_NOTICES_A_DAY", default=3)
FAMILIAR_FOR = dt.timedelta(days=env.int("FAMILIAR_DAYS", default=400))
# Downloads of the account's activity by one user.
ACTIVITY_EXPORTS_AN_HOUR = env.int("ACTIVITY_EXPORTS_AN_HOUR", default=10)
# Calendars by a private address: fetches of one, and tries of one network with addresses that aren't in effect.
CALENDAR_FETCHES_AN_HOUR = env.int("CALENDAR_FETCHES_AN_HOUR", default=60)
CALENDAR_TRIES_AN_HOUR = env.int("CALENDAR_TRIES_AN_HOUR", default=30)
# A password without a second factor is void after this: the first to know it could set up theirs.
FACTORLESS_PASSWORD_LIFE = dt.timedelta(days=7)
# A password that was taken over from a former system, and never used here, is void after this.
TAKEN_OVER_PASSWORD_LIFE = dt.timedelta(days=env.int("TAKEN_OVER_PASSWORD_DAYS", default=90))
# While there are such passwords, a refusal takes at least so long: their hashes take longer or shorter than our own.
# It's longer than the slowest one that is read (`accounts.hashers`); a slow machine needs more.
EVEN_REFUSAL = dt.timedelta(milliseconds=env.int("EVEN_REFUSAL_MS", default=750))
# Links by mail: how long one works.
ACTIVATION_LINK_LIFE = dt.timedelta(hours=env.int("ACTIVATION_HOURS", default=24))
RESET_LINK_LIFE = dt.timedelta(minutes=env.int("RESET_MINUTES", default=30))
CONFIRM_EMAIL_LINK_LIFE = dt.timedelta(hours=env.int("CONFIRM_EMAIL_HOURS", default=24))
LOCK_LINK_LIFE = dt.timedelta(hours=env.int("LOCK_LINK_HOURS", default=240))
# A forgotten password: wrong codes until the code of one request is void; requests for one name or email, from one
# network, and mails to one account.
RESET_CODE_TRIES = 5
# Registrations, forgotten passwords, and forgotten usernames together, an hour, from one IPv4 /16 or IPv6 /48.
REQUESTS_PER_WIDE_NETWORK = env.int("REQUESTS_PER_WIDE_NETWORK", default=300)
RESETS_PER_NAME = (3, dt.timedelta(minutes=15))
RESETS_PER_NETWORK = (20, dt.timedelta(hours=1))
RESETS_PER_ACCOUNT = (5, dt.timedelta(hours=1))
# Codes typed from the mail, right or wrong, from one network.
RESET_CODES_PER_NETWORK = (30, dt.timedelta(minutes=15))
# A forgotten username: requests for one policy number, and from one network.
USERNAMES_PER_POLICY = (5, dt.timedelta(hours=1))
USERNAMES_PER_NETWORK = (10, dt.timedelta(hours=1))
# Recovery codes of one set.
RECOVERY_CODES = 10
# A reset of the second factor by staff takes effect after this, if the owner doesn't stop it; one that nobody approves
# lapses.
FACTOR_RESET_DELAY = dt.timedelta(hours=env.int("FACTOR_RESET_HOURS", default=24))
FACTOR_RESET_LAPSES = dt.timedelta(days=7)
# Former names, emails, phones, and addresses of accounts: staff look at the recent ones before they lift a lock.
RECENT_CHANGES = dt.timedelta(days=30)
DETAIL_CHANGES_KEPT = dt.timedelta(days=365)
# Passkeys belong to one host name for good: after a change, nobody can use theirs. Browsers take no IP address.
OTP_WEBAUTHN_CREDENTIAL_MODEL = "accounts.Passkey"
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False
OTP_WEBAUTHN_RP_ID = env.str("PASSKEY_HOST", default=urlsplit(PUBLIC_URL).hostname or "")
OTP_WEBAUTHN_RP_NAME = BRAND["portal_name"]
OTP_WEBAUTHN_ALLOWED_ORIGINS = [PUBLIC_URL.rstrip("/")]
# How long a browser has for an answer.
PASSKEY_CHALLENGE_LIFE = dt.timedelta(minutes=5)
PASSKEY_CHALLENGES = (30, dt.timedelta(minutes=10))
# Registration: how many an hour from one network, for one policy, and of one name; how long the link to the address on
# file works, how long the code of a letter, and how long what was asked stays in admin.
REGISTRATIONS_AN_HOUR = env.int("REGISTRATIONS_AN_HOUR", default=5)
REGISTRATION_LINK_LIFE = dt.timedelta(hours=env.int("REGISTRATION_LINK_HOURS", default=24))
REGISTRATION_CODE_LIFE = dt.timedelta(days=env.int("REGISTRATION_CODE_DAYS", default=21))
REGISTRATIONS_KEPT = dt.timedelta(days=env.int("REGISTRATIONS_KEPT_DAYS", default=60))
# Codes by text message: how long one lives, how soon another may be asked for, and how many go out at most.
TEXT_CODE_LIFE = dt.timedelta(minutes=10)
# Codes by call are shorter to write down, so they live half as long, have three tries, and switch off sooner.
VOICE_CODE_LIFE = dt.timedelta(minutes=5)
VOICE_CODE_TRIES = 3
VOICE_FAILURES_OFF = 20
CODE_DIGITS = {"text": 6, "voice": 5}
RESEND_AFTER = dt.timedelta(seconds=60)
CODES_PER_USER = (5, dt.timedelta(minutes=15))
CODES_PER_NUMBER = (10, dt.timedelta(minutes=5))
CODES_PER_NETWORK = (25, dt.timedelta(minutes=5))
# Of the whole portal: someone who makes us send for their own profit, or to run up our bill, is stopped here.
TEXTS_PER_HOUR = env.int("TEXTS_PER_HOUR", default=2_000)
CALLS_PER_HOUR = env.int("CALLS_PER_HOUR", default=500)
# Where codes are sent to: the regions (ISO 3166) whose telephone numbers are accepted.
PHONE_REGIONS: list[str] = env.list("PHONE_REGIONS", default=["US", "PR", "VI", "GU", "AS", "MP", "CA"])
SMS_GATEWAY = "demo.outbox.DemoGateway" if not PRODUCTION else "accounts.twilio_gateway.TwilioGateway"
TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", default="")
TWILIO_AUTH_TOKEN = env.str("TWILIO_AUTH_TOKEN", default="")
TWILIO_FROM = env.str("TWILIO_FROM", default="")
# The number that calls; empty: the one that sends texts.
TWILIO_CALL_FROM = env.str("TWILIO_CALL_FROM", default="")
# Lets the client be pointed at a stand-in of the vendor's API; empty: the vendor itself.
TWILIO_BASE_URL = env.str("TWILIO_BASE_URL", default="")

# Everything else needs a signed-in user who has given a second factor (default deny). Names as `namespace:name`.
PUBLIC_URL_NAMES = {
    "home",
    "healthz",
    "readyz",
    "metrics",
    "manifest",
    "accounts:sign-in",
    "accounts:sign-out",
    "accounts:open-link",
    "accounts:activate",
    # Pages of links by mail, and the meter of every form with a new password: throttled per network.
    "accounts:lock",
    "accounts:confirm-email",
    "accounts:password-strength",
    "accounts:forgot-password",
    "accounts:reset-code",
    "accounts:trouble",
    "accounts:forgot-username",
    "accounts:username-sent",
    "accounts:reset",
    "accounts:register",
    "accounts:register-sent",
    "accounts:register-open",
    "accounts:register-code",
    "accounts:register-finish",
    "accounts:twilio-status",
    # A private address with 256 random bits; wrong ones are throttled per network.
    "accounts:calendar-feed",
    "support",
    "faq",
    "faq-entry",
    "forms",
    "form",
    # Throttled per network, and altogether.
    "verify:form",
    "verify:code",
    "verify:file",
    "verify:receipt",
    # A link in a mail, with 128 random bits.
    "verify:mailed",
    "credentialing:mail-reports",
    # Behind a link and a password; wrong ones are throttled per link and network, and altogether.
    "packet:link",
    "packet:unlock",
    "packet:contents",
    "packet:item",
    "packet:all",
    "packet:close",
    # Behind a link and a code; wrong codes are throttled per part and network.
    "policies:part-link",
    "policies:part-open",
    "policies:part-code",
    "policies:part-verify",
    "policies:part-new-link",
    "policies:part-answers",
    "policies:part-autosave",
    "policies:part-sign",
    "policies:part-close",
    "policies:invitation-link",
    "policies:invitation",
    "policies:invitation-join",
}

if DEMO:
    PUBLIC_URL_NAMES |= {
        "demo:explore",
        "demo:outbox",
        "demo:outbox-json",
        "demo:attachment",
        "demo:report",
        "demo:style",
    }
# What works without asking who is there: probes, the manifest, and webhooks that carry a signature of their own.
SESSIONLESS_URL_NAMES = {
    "healthz",
    "readyz",
    "metrics",
    "manifest",
    "accounts:twilio-status",
    "accounts:calendar-feed",
    "credentialing:mail-reports",
}
# What works for everyone while the portal is closed for maintenance: staff sign in, and a session ends in order.
OPEN_IN_MAINTENANCE_NAMESPACES = {"admin", "demo"}
OPEN_IN_MAINTENANCE_URL_NAMES = {
    "accounts:sign-in",
    "accounts:sign-out",
    "accounts:session-time",
    "accounts:stay-signed-in",
}
# What a session may do that has given its password and no second factor yet.
HALF_SIGNED_IN_URL_NAMES = {
    "accounts:sign-in",
    "accounts:sign-out",
    "accounts:verify",
    "accounts:verify-ways",
    "accounts:verify-recovery",
    "accounts:verify-device",
    "accounts:verify-passkey",
    "accounts:verify-passkey-options",
    "accounts:send-code",
    "accounts:code-status",
    "accounts:session-time",
    "accounts:stay-signed-in",
    "accounts:mfa-setup",
    "accounts:mfa-setup-authenticator",
    "accounts:mfa-setup-text",
    "accounts:mfa-setup-call",
    "accounts:mfa-setup-code",
}
if DEMO:
    HALF_SIGNED_IN_URL_NAMES |= {"demo:code"}

# The feed.
FEED_WATCH_DIR = env.str("FEED_WATCH_DIR", default="")
# Of a package: packed, and all of its files unpacked.
FEED_MAX_BYTES = env.int("FEED_MAX_BYTES", default=2 * 1024**3)
FEED_MAX_UNPACKED_BYTES = env.int("FEED_MAX_UNPACKED_BYTES", default=20 * 1024**3)
FEED_STALE_AFTER = dt.timedelta(hours=env.int("FEED_STALE_AFTER_HOURS", default=84))
# Sources that came once and are not expected again (a book taken over); their age isn't an alarm.
FEED_SOURCES_AT_REST: list[str] = env.list("FEED_SOURCES_AT_REST", default=[])
# Sources whose first package may be applied without a person's decision; any other is held.
FEED_KNOWN_SOURCES: list[str] = env.list("FEED_KNOWN_SOURCES", default=[] if PRODUCTION else ["core", "benchmark"])
# A held package that nobody decides about is dropped after this, and its upload deleted.
FEED_HELD_FOR = dt.timedelta(days=env.int("FEED_HELD_DAYS", default=14))
# Findings of a run quote the carrier's values, so they are deleted after this; their counts stay.
FEED_FINDINGS_KEPT = dt.timedelta(days=env.int("FEED_FINDINGS_KEPT_DAYS", default=90))
# A package that would retire or cancel more than this is held for a person's decision (shares of a source's rows).
FEED_RETIRE_SHARE = Decimal(env.str("FEED_RETIRE_SHARE", default="0.05"))
FEED_CANCEL_SHARE = Decimal(env.str("FEED_CANCEL_SHARE", default="0.01"))
# A package that would send this many notices to third parties (holders of certificates) is held, too.
FEED_HOLD_NOTICES_FROM = env.int("FEED_HOLD_NOTICES_FROM", default=25)
# S-35: with a stale feed no certificate is issued until fresh data has come.
STALE_FEED_BLOCKS_CERTIFICATES = env.bool("STALE_FEED_BLOCKS_CERTIFICATES", default=True)
FEED_AS_OF = "feed.freshness.as_of"
# Each process keeps the answer for so long.
FEED_AS_OF_SECONDS = 5

# Writing companies (ids of the feed, or *) of whose policies a new mailing address or phone counts at once.
CONTACT_CHANGES_AT_ONCE: list[str] = env.list("CONTACT_CHANGES_AT_ONCE", default=[])

# Days before a term's end on which its people are reminded of its renewal.
RENEWAL_REMINDER_DAYS: list[int] = env.list("RENEWAL_REMINDER_DAYS", cast=int, default=[90, 60, 30, 14])
# Renewal applications: so many days before a term's end they open; the writing companies, by the ids of the feed, that
# let agents prepare them; how long a clinician's link works, and how often each may be written to.
RENEWAL_OPENS_DAYS = env.int("RENEWAL_OPENS_DAYS", default=90)
RENEWALS_PREPARED_BY_AGENTS: list[str] = env.list("RENEWALS_PREPARED_BY_AGENTS", default=[])
RENEWAL_LINK_LIFE = dt.timedelta(days=env.int("RENEWAL_LINK_DAYS", default=14))
RENEWAL_PART_OPEN_FOR = dt.timedelta(minutes=env.int("RENEWAL_PART_MINUTES", default=60))
RENEWAL_CODE_LIFE = dt.timedelta(minutes=10)
RENEWAL_REMIND_EVERY = dt.timedelta(hours=env.int("RENEWAL_REMIND_HOURS", default=24))
RENEWAL_PIECE = 200

# States that accept a certificate only on a form approved there (docs/feed-format.md#certificate-forms).
CERTIFICATE_FORM_STATES: list[str] = env.list("CERTIFICATE_FORM_STATES", default=["TX", "GA"])
# Certificates: how many a user may issue, how many holders add, and how often try again what failed.
CERTIFICATES_PER_USER = env.int("CERTIFICATES_PER_USER", default=60)
CERTIFICATES_WINDOW = dt.timedelta(minutes=10)
NEW_HOLDERS_PER_USER = env.int("NEW_HOLDERS_PER_USER", default=60)
NEW_HOLDERS_WINDOW = dt.timedelta(hours=1)
# Batches: certificates of one, and of all that a user starts in 24 hours; how many a worker makes at once; how many
# such pieces of one batch are in the queue; and how long the file of a batch stays.
CERTIFICATES_PER_BATCH = env.int("CERTIFICATES_PER_BATCH", default=10_000)
BATCH_CERTIFICATES_A_DAY = env.int("BATCH_CERTIFICATES_A_DAY", default=20_000)
BATCH_PIECE = env.int("BATCH_PIECE", default=25)
# Certificates in one part of a large batch's file.
BATCH_PART = env.int("BATCH_PART", default=250)
BATCH_PIECES_AT_ONCE = 2
BATCH_FILES_KEPT = dt.timedelta(days=env.int("BATCH_FILES_KEPT_DAYS", default=7))
CERTIFICATE_RETRIES = 3
CERTIFICATE_RETRIES_WINDOW = dt.timedelta(hours=1)
# Certificates by email: how many a user may send by hand, and by batches, in 24 hours; and by hand, to how many
# addresses that neither the carrier has on file nor the user's party has sent to before.
EMAILS_PER_USER_A_DAY = env.int("EMAILS_PER_USER_A_DAY", default=200)
BATCH_EMAILS_A_DAY = env.int("BATCH_EMAILS_A_DAY", default=10_000)
NEW_ADDRESSES_PER_USER_A_DAY = env.int("NEW_ADDRESSES_PER_USER_A_DAY", default=30)
# Standing holders. So many days before a term ends at the latest, they get the certificate of its bound renewal. More
# notices than this from one load wait for a person. Writing companies (ids of the feed, or *) that send neither.
RENEWAL_CERTIFICATES_DAYS = env.int("RENEWAL_CERTIFICATES_DAYS", default=45)
RENEWAL_CERTIFICATES_OFF: list[str] = env.list("RENEWAL_CERTIFICATES_OFF", default=[])
HOLDER_NOTICES_AT_ONCE = env.int("HOLDER_NOTICES_AT_ONCE", default=100)
HOLDER_NOTICES_OFF: list[str] = env.list("HOLDER_NOTICES_OFF", default=[])
# Verification by anyone: how many codes, serial numbers, and files that we don't know one network may try an hour, how
# many right ones, how many questions everyone together, and how large a file to compare may be.
VERIFICATION_TRIES_AN_HOUR = env.int("VERIFICATION_TRIES_AN_HOUR", default=20)
VERIFICATION_ANSWERS_AN_HOUR = env.int("VERIFICATION_ANSWERS_AN_HOUR", default=120)
VERIFICATIONS_AN_HOUR = env.int("VERIFICATIONS_AN_HOUR", default=2000)
VERIFICATION_FILE_BYTES = 10 * 1024**2
# Packets: how many packets and links a user may make an hour, how many wrong passwords one network may try, and how
# many days a packet may be open at most.
PACKETS_PER_USER = env.int("PACKETS_PER_USER", default=20)
PACKET_TRIES_AN_HOUR = env.int("PACKET_TRIES_AN_HOUR", default=20)
PACKET_MOST_DAYS = env.int("PACKET_MOST_DAYS", default=30)
# What signs certificates (docs/operators.md#signing-certificates): a key in a file or a device. The demo makes its own.
PDF_SIGNING_KEY = env.str("PDF_SIGNING_KEY", default="")
PDF_SIGNING_CERTIFICATE = env.str("PDF_SIGNING_CERTIFICATE", default="")
PDF_SIGNING_PASSPHRASE = env.str("PDF_SIGNING_PASSPHRASE", default="")
PDF_SIGNING_PKCS11_MODULE = env.str("PDF_SIGNING_PKCS11_MODULE", default="")
PDF_SIGNING_TOKEN = env.str("PDF_SIGNING_TOKEN", default="")
PDF_SIGNING_KEY_LABEL = env.str("PDF_SIGNING_KEY_LABEL", default="")
PDF_SIGNING_PIN = env.str("PDF_SIGNING_PIN", default="")
# What the portal has on record from another source is printed only where the carrier wants to stand for it.
CERTIFICATES_PRINT_LICENSES = env.bool("CERTIFICATES_PRINT_LICENSES", default=False)
CERTIFICATES_PRINT_NPI = env.bool("CERTIFICATES_PRINT_NPI", default=False)
# Claims histories (docs/spec.md#b-05): how many months an insured's authorization holds; and the writing companies, by
# the ids of the feed, whose rule lets a policyholder or agent with the switch have one without an authorization.
AUTHORIZATION_MONTHS = env.int("AUTHORIZATION_MONTHS", default=24)
CLAIMS_HISTORY_WITHOUT_AUTHORIZATION: list[str] = env.list("CLAIMS_HISTORY_WITHOUT_AUTHORIZATION", default=[])
# Loss runs: the days where the state's table names none, and the writing companies that show reserves in any state.
LOSS_RUN_DAYS = env.int("LOSS_RUN_DAYS", default=15)
LOSS_RUNS_WITH_RESERVES: list[str] = env.list("LOSS_RUNS_WITH_RESERVES", default=[])
# Reports of incidents and claims (docs/operators.md#incidents): the claims desk; by when it looks at a report, and at
# one with papers that have a deadline; whether a report counts as notice, in each company's own words (ids of the feed,
# and * for the others); the companies that let policyholders see that an insured reported something; how many reports
# and files a user may send in an hour, and how many days a draft is kept.
CLAIMS_EMAIL = env.str("CLAIMS_EMAIL", default="claims@portal.example")
CLAIMS_PHONE = env.str("CLAIMS_PHONE", default="(860) 555-0170")
INCIDENT_ANSWER_WITHIN = dt.timedelta(hours=env.int("INCIDENT_ANSWER_HOURS", default=24))
INCIDENT_URGENT_WITHIN = dt.timedelta(hours=env.int("INCIDENT_URGENT_HOURS", default=4))
INCIDENT_NOTICE: dict[str, str] = {
    "*": "Whether this report counts as notice of a claim or incident under your policy depends on the policy’s own "
    "terms. Call the claims team if you need to be sure.",
    **env.json("INCIDENT_NOTICE", default={}),
}
INCIDENTS_SHOWN_TO_POLICYHOLDERS: list[str] = env.list("INCIDENTS_SHOWN_TO_POLICYHOLDERS", default=[])
INCIDENTS_PER_USER = env.int("INCIDENTS_PER_USER", default=20)
INCIDENT_FILES_PER_USER = env.int("INCIDENT_FILES_PER_USER", default=100)
INCIDENT_DRAFTS_KEPT = dt.timedelta(days=env.int("INCIDENT_DRAFTS_KEPT_DAYS", default=90))
# Within how many hours staff answer a request for a history that the portal couldn't make.
CLAIMS_REQUEST_WITHIN = dt.timedelta(hours=env.int("CLAIMS_REQUEST_HOURS", default=48))

# Documents as one PDF: up to so many, of so many bytes together, while the user waits, and more by a worker; how many
# one PDF takes, how many PDFs a user may ask for in an hour, and how long a worker's file stays.
DOCUMENTS_AT_ONCE = env.int("DOCUMENTS_AT_ONCE", default=20)
DOCUMENTS_AT_ONCE_BYTES = env.int("DOCUMENTS_AT_ONCE_MB", default=50) * 1024**2
DOCUMENTS_PER_FILE = env.int("DOCUMENTS_PER_FILE", default=1000)
DOCUMENT_FILES_PER_USER = env.int("DOCUMENT_FILES_PER_USER", default=30)
DOCUMENT_FILES_KEPT = dt.timedelta(days=env.int("DOCUMENT_FILES_KEPT_DAYS", default=7))

# How long mails that were sent stay in admin.
MAILS_KEPT = dt.timedelta(days=env.int("MAILS_KEPT_DAYS", default=30))
# The database itself keeps five years; longer is possible, shorter isn't.
EVENT_RETENTION_YEARS = max(5, env.int("EVENT_RETENTION_YEARS", default=5))

# Language, time, static files, stored files, mail.
LANGUAGE_CODE = "en-us"
TIME_ZONE = "America/New_York"
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "core.assets.finder.MadeFilesFinder",
]
MEDIA_ROOT = Path(env.str("PRIVATE_FILES_DIR", default=str(DATA_DIR / "files")))
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "core.storage.PrivateFileSystemStorage", "OPTIONS": {"location": MEDIA_ROOT}},
    "private": {"BACKEND": "core.storage.PrivateFileSystemStorage", "OPTIONS": {"location": MEDIA_ROOT}},
    # Production compresses as well as it can, once per image; the demo as fast as it can, at its first start. Tests
    # and developers need no hashed names.
    "staticfiles": {
        "BACKEND": {
            "production": "core.assets.storage.HashedStorage",
            "demo": "core.assets.storage.QuicklyCompressedStorage",
            "test": "django.contrib.staticfiles.storage.StaticFilesStorage",
        }["test" if DEBUG else MODE]
    },
}
# With nginx in front: the internal location of PRIVATE_FILES_DIR, e.g. "/_private/"; empty: we send the bytes.
ACCEL_REDIRECT_PREFIX = env.str("ACCEL_REDIRECT_PREFIX", default="")
# A bucket, of Amazon S3 or what speaks its protocol, instead of PRIVATE_FILES_DIR (docs/operators.md#bucket).
FILES_BUCKET = env.str("FILES_BUCKET", default="")
if FILES_BUCKET:
    STORAGES["private"] = {
        "BACKEND": "core.buckets.PrivateBucketStorage",
        "OPTIONS": {
            "bucket_name": FILES_BUCKET,
            "location": env.str("FILES_BUCKET_FOLDER", default=""),
            "endpoint_url": env.str("FILES_BUCKET_ENDPOINT", default="") or None,
            "region_name": env.str("FILES_BUCKET_REGION", default="") or None,
            # Empty: the machine's own role.
            "access_key": env.str("FILES_BUCKET_KEY_ID", default="") or None,
            "secret_key": env.str("FILES_BUCKET_SECRET", default="") or None,
            "encryption": env.str("FILES_BUCKET_ENCRYPTION", default="AES256"),
        },
    }
# With a bucket: for how many seconds a link to it works, to which downloads are sent; zero: we send the bytes.
DOWNLOAD_LINK_SECONDS = env.int("DOWNLOAD_LINK_SECONDS", default=0) if FILES_BUCKET else 0
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend" if PRODUCTION else "demo.outbox.DemoEmailBackend"
if PRODUCTION:
    vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
# A mail service instead of SMTP (docs/operators.md#mail-service): its name, what it asks for as ANYMAIL_…, and the
# secret, `user:password`, with which it reports what became of each mail. With SMTP nothing is reported.
MAIL_SERVICE = env.str("MAIL_SERVICE", default="")
MAIL_REPORTS_SECRET = env.str("MAIL_REPORTS_SECRET", default="")
ANYMAIL: dict[str, Any] = anymail_settings(env, secret=MAIL_REPORTS_SECRET)
if PRODUCTION and MAIL_SERVICE:
    EMAIL_BACKEND = f"anymail.backends.{MAIL_SERVICE}.EmailBackend"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="portal@portal.example")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# Web security (docs/security.md#headers). On plain http://localhost the cookies have plain names.
_prefix = "__Host-" if PRODUCTION else ""
SESSION_COOKIE_NAME = f"{_prefix}session"
CSRF_COOKIE_NAME = f"{_prefix}csrf"
DEVICE_COOKIE_NAME = f"{_prefix}device"
RESET_COOKIE_NAME = f"{_prefix}reset"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = DEVICE_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
# What scans uploaded files (docs/operators.md#clamav): `host:port` of ClamAV's daemon, or the path of its socket.
# Without it, files are available as soon as their type is checked.
CLAMD_ADDRESS = env.str("CLAMD_ADDRESS", default="")
CLAMD_TIMEOUT = env.float("CLAMD_TIMEOUT", default=60.0)
# What a request may carry where its view isn't marked otherwise (core.bodies): all of it, and its fields together.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

LOGGING = logging_config(level=env.str("LOG_LEVEL", default="INFO"), json=not (TESTING or DEBUG))

if PRODUCTION:
    refuse_unsafe(vars())
