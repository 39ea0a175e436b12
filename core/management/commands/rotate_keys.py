"""`manage.py rotate_keys`: move every encrypted value to the newest field key."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import connection, models, transaction

from core import crypto
from core.fields import EncryptedTextField

BATCH = 500


class Command(BaseCommand):
    """Re-encrypt, in batches under row locks, each value written with an older key. Can be stopped and run again.

    Once it reports nothing left, remove the older keys from FIELD_KEYS.
    """

    help = "Re-encrypt stored secrets with the newest of FIELD_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        total = 0
        for model in apps.get_models():
            for field in model._meta.local_fields:
                if isinstance(field, EncryptedTextField):
                    total += self._rotate(model, field)
        self.stdout.write(f"{total} values moved to key {crypto.newest_key_id()}.")

    def _rotate(self, model: type[models.Model], field: EncryptedTextField) -> int:
        """Rotate one column, bypassing save() and the other columns."""
        quote = connection.ops.quote_name
        table, column, key = quote(model._meta.db_table), quote(str(field.column)), quote(str(model._meta.pk.column))
        newest = f"{crypto.newest_key_id()}{crypto.SEPARATOR}"
        # Names of our own models, quoted; values are passed as parameters.
        read = (
            f"SELECT {key}, {column} FROM {table} WHERE {column} <> '' AND NOT starts_with({column}, %s) "  # noqa: S608
            f"ORDER BY {key} LIMIT {BATCH} FOR UPDATE"
        )
        write = f"UPDATE {table} SET {column} = %s WHERE {key} = %s"  # noqa: S608
        moved = 0
        while True:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(read, [newest])
                rows = cursor.fetchall()
                cursor.executemany(write, [(crypto.encrypt(crypto.decrypt(value)), pk) for pk, value in rows])
            moved += len(rows)
            if len(rows) < BATCH:
                return moved
