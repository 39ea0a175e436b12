"""What tests of every area use: signing a test client in, fast and for real, and doing things at once."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django_otp
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.models import AuthenticatorDevice, Session, User
from accounts.services.signing_in import BACKEND
from accounts.sessions import SessionStore


def authenticator_for(user: User) -> AuthenticatorDevice:
    """Return the user's confirmed authenticator, made when there is none."""
    existing = AuthenticatorDevice.objects.filter(user=user, confirmed=True).first()
    return existing or AuthenticatorDevice.objects.create(
        user=user, name="Authenticator app", seed=AuthenticatorDevice.new_seed()
    )


def sign_in(client: Client, user: User, *, verified_at: dt.datetime | None = None) -> Session:
    """Give a test client a session of this user as after password and code; returns its row.

    verified_at: when the code was given; now by default, so that admin and step-up are open.
    """
    now = timezone.now()
    device = authenticator_for(user)
    store = _new_store(user)
    store[django_otp.DEVICE_ID_SESSION_KEY] = device.persistent_id
    store.save()
    row = _row(store)
    row.authenticated_at = row.last_seen_at = now
    row.verified_at = verified_at or now
    row.verified_by = device.persistent_id
    row.save(update_fields=["authenticated_at", "last_seen_at", "verified_at", "verified_by"])
    client.cookies[settings.SESSION_COOKIE_NAME] = str(store.session_key)
    return row


def give_password_only(client: Client, user: User) -> Session:
    """Give a test client a session of this user as after the password and before any code; returns its row."""
    store = _new_store(user)
    store.save()
    row = _row(store)
    row.authenticated_at = timezone.now()
    row.save(update_fields=["authenticated_at"])
    client.cookies[settings.SESSION_COOKIE_NAME] = str(store.session_key)
    return row


def _new_store(user: User) -> SessionStore:
    store = SessionStore()
    store.create()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = BACKEND
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    return store


def _row(store: SessionStore) -> Session:
    assert store.row is not None
    return store.row


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Do these at the same moment, each in a thread of its own, and return what each returned."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))
