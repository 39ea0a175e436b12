"""Model fields that several areas need."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.db import models

from core import crypto

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.expressions import Expression

    _TextField = models.TextField[str, str]
    _CharField = models.CharField[str, str]
else:
    _TextField = models.TextField
    _CharField = models.CharField

PUBLIC_ID_LENGTH = 22


def new_public_id() -> str:
    """Return a random id for addresses: 128 bits as 22 url-safe characters (docs/architecture.md#data)."""
    return secrets.token_urlsafe(16)


def public_id_sql(row_id: str) -> str:
    """Return SQL of a public id for rows inserted by one set-based statement, from the SQL of the row's own id.

    128 bits of SHA-256 over the id and the parameter `public_id_seed`, 32 random bytes used for one statement only.
    (PostgreSQL's random UUIDs ask the system for every row, which takes ten times as long.)
    """
    digest = f"sha256(%(public_id_seed)s::bytea || int8send({row_id}))"
    return f"translate(left(encode(substr({digest}, 1, 16), 'base64'), 22), '+/', '-_')"


class PublicIdField(_CharField):
    """The id in addresses, made once at random. Its attribute is named `public_id` everywhere."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", new_public_id)
        kwargs["max_length"] = PUBLIC_ID_LENGTH
        kwargs["unique"] = True
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("max_length", "unique", "editable"):
            kwargs.pop(fixed, None)
        return name, path, args, kwargs


class EncryptedTextField(_TextField):
    """Text that is encrypted in its column (docs/security.md#pii). It can't be searched by value; keep a keyed hash
    in a second column if you need equality."""

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return crypto.encrypt(text) if text else text

    def from_db_value(self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper) -> str | None:
        return crypto.decrypt(value) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted and can't be searched by '{lookup_name}'.")
        return super().get_lookup(lookup_name)
