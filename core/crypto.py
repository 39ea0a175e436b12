"""Secrets at rest: encryption with key ids, and keyed hashes where equality is needed (docs/architecture.md#data).

An encrypted value reads `<key id>$<Fernet token>`. `settings.FIELD_KEYS` lists `id:secret` pairs, newest first: the
first encrypts, all of them decrypt, and `manage.py rotate_keys` moves old values to the first. The secret may be any
string; the Fernet key is derived from it by HKDF-SHA256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SEPARATOR = "$"


class DecryptionError(ValueError):
    """A stored value can't be read: its key id is unknown, or the value was altered."""


def _parse(pair: str) -> tuple[str, str]:
    """`id:secret` → (id, secret); a pair without an id gets the id "0"."""
    key_id, colon, secret = pair.strip().partition(":")
    if not colon:
        key_id, secret = "0", key_id
    if not key_id.isalnum() or not secret:
        raise ImproperlyConfigured("FIELD_KEYS holds `id:secret` pairs; ids are letters and digits.")
    return key_id, secret


@lru_cache(maxsize=4)
def _keys(pairs: tuple[str, ...]) -> dict[str, Fernet]:
    """Key id → Fernet, newest first."""
    if not pairs:
        raise ImproperlyConfigured("FIELD_KEYS is empty.")
    ring: dict[str, Fernet] = {}
    for key_id, secret in map(_parse, pairs):
        if key_id in ring:
            raise ImproperlyConfigured(f"FIELD_KEYS names the key id '{key_id}' twice.")
        derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"portal field key").derive(
            secret.encode()
        )
        ring[key_id] = Fernet(base64.urlsafe_b64encode(derived))
    return ring


def _ring() -> dict[str, Fernet]:
    return _keys(tuple(settings.FIELD_KEYS))


def newest_key_id() -> str:
    """Return the id of the key that encrypts today."""
    return next(iter(_ring()))


def encrypt(value: str) -> str:
    """Encrypt text with the newest key; the result is ASCII text with the key's id in front."""
    key_id = newest_key_id()
    return f"{key_id}{SEPARATOR}{_ring()[key_id].encrypt(value.encode()).decode()}"


def decrypt(stored: str) -> str:
    """Read what `encrypt` wrote, with whichever listed key wrote it.

    Raises DecryptionError if the key isn't listed or the text was altered.
    """
    key_id, separator, token = stored.partition(SEPARATOR)
    key = _ring().get(key_id)
    if not separator or key is None:
        raise DecryptionError("The value was encrypted with a key that is not listed.")
    try:
        return key.decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise DecryptionError("The value was altered or the key's secret has changed.") from error


def keyed_hash(purpose: str, value: str) -> str:
    """HMAC-SHA256 of a value as 64 hexadecimal digits; the purpose makes equal values of different kinds differ."""
    return hmac.new(settings.HASH_KEY.encode(), f"{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()
