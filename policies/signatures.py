"""The image of a company's signatory's signature, as the company supplies it. Without one, documents bear none.

The file's name is the digest of its content and no file is ever replaced or removed, so a certificate that names it
keeps it, whatever the company has today.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.db import transaction

from core.events import record_event
from core.images import clean_png
from core.storage import private_storage
from policies.events import PolicyEvent

if TYPE_CHECKING:
    from policies.models import Company


def set_signature(company: Company, data: bytes, *, by: str) -> str:
    """Keep the PNG image in `data` as the company's signature from now on; returns its name in the private storage.

    `by`: who supplied it, for the event log. Raises `core.images.ImageRefusedError`.
    """
    image = clean_png(data)
    name = f"signatures/{hashlib.sha256(image).hexdigest()}.png"
    storage = private_storage()
    if not storage.exists(name):
        name = storage.save(name, ContentFile(image))
    _store(company, name, by=by)
    return name


def remove_signature(company: Company, *, by: str) -> None:
    """Leave the signature out of the company's documents from now on. Those issued keep theirs."""
    _store(company, "", by=by)


def read_signature(name: str) -> bytes:
    """Return the image of that name. Raises FileNotFoundError where it is gone."""
    with private_storage().open(name, "rb") as stored:
        return bytes(stored.read())


def _store(company: Company, name: str, *, by: str) -> None:
    if company.signature == name:
        return
    with transaction.atomic():
        company.signature = name
        company.save(update_fields=["signature"])
        record_event(
            PolicyEvent.SIGNATURE_SET if name else PolicyEvent.SIGNATURE_REMOVED,
            subject=company,
            company=company.name,
            file=name,
            supplied_by=by,
        )
