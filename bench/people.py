"""The book and the users that the benchmarks run on."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.management import call_command
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY

from accounts.models import AuthenticatorDevice, User
from accounts.sessions import SessionStore
from demo.data import load_example
from demo.users import make_users


def prepare(*, policies: int) -> None:
    """Bring the database up to date, load the example book of so many policies, and make the demo users."""
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    load_example(policies)
    make_users()


def session_key(user: User) -> str:
    """Return the key of a session in which this user has just given a code, made without asking for one."""
    device, _ = AuthenticatorDevice.objects.get_or_create(
        user=user, confirmed=True, defaults={"name": "Benchmark", "seed": AuthenticatorDevice.new_seed()}
    )
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store[DEVICE_ID_SESSION_KEY] = device.persistent_id
    store.save()
    row, now = store.row, timezone.now()
    if row is None or store.session_key is None:
        raise RuntimeError("The session was not stored")
    row.authenticated_at = row.verified_at = now
    row.verified_by = device.persistent_id
    row.save(update_fields=["authenticated_at", "verified_at", "verified_by"])
    return store.session_key
