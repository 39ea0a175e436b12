"""The image of a company's signatory's signature, as the company supplies it. Without one, documents bear none.

The file's name is the digest of its content and no file is ever replaced or removed, so a certificate that names it
keeps it, whatever the company has today.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
from django.core.files.base import ContentFile
from django.db import transaction

from core.events import record_event
from core.feedspec import Take, Taken
from core.images import MOST_BYTES, ImageRefusedError, clean_png
from core.storage import keep_once, private_storage
from core.svg import clean_svg, looks_like_svg
from policies.events import PolicyEvent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from policies.models import Company


log = structlog.get_logger(__name__)


def set_signature(company: Company, data: bytes, *, by: str) -> str:
    """Keep the PNG or SVG image in `data` as the company's signature from now on; returns its name in the private
    storage.

    `by`: who supplied it, for the event log. Raises `core.images.ImageRefusedError`.
    """
    name = _keep(data, keep=True)
    _store(company, name, by=by)
    return name


@contextmanager
def signature_taker() -> Iterator[Take]:
    """Open what takes the signatures of companies that come with the carrier's feed."""
    yield take_signature


def take_signature(local: Path, sha256: str, *, keep: bool) -> Taken:
    """Keep the image in a file, rewritten; one that can't be used is `refused`, and documents bear none."""
    size = local.stat().st_size
    with local.open("rb") as stream:
        data = stream.read(MOST_BYTES + 1)
    try:
        return Taken(name=_keep(data, keep=keep), size=size)
    except ImageRefusedError as error:
        log.warning("signature_refused", sha256=sha256, reason=str(error))
        return Taken(size=size, fault="refused")


def _keep(data: bytes, *, keep: bool) -> str:
    """Return the name of an image in the private storage by its content, and store it there if it's to be kept."""
    is_svg = looks_like_svg(data)
    image = clean_svg(data) if is_svg else clean_png(data)
    name = f"signatures/{hashlib.sha256(image).hexdigest()}.{'svg' if is_svg else 'png'}"
    if keep:
        keep_once(name, ContentFile(image))
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
        record_signature(company, by=by)


def record_signature(company: Company, *, by: str) -> None:
    """Record which signature the company has from now on, or that it has none, and who supplied it."""
    record_event(
        PolicyEvent.SIGNATURE_SET if company.signature else PolicyEvent.SIGNATURE_REMOVED,
        subject=company,
        company=company.name,
        file=company.signature,
        supplied_by=by,
    )
