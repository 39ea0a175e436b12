"""The file of a batch as it grows: one PDF, or a ZIP of separate PDFs.

Either can be left after some items and gone on with later, in another process: `state` is JSON, and `to` takes only
what follows. Memory holds one paper at a time, and of those before, no more than a list and an outline need.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from django.db.models import Exists, OuterRef, Q

from core.storage import private_storage
from credentialing.certificates import bulk
from credentialing.certificates.cover import Line
from credentialing.certificates.names import file_name, joined, sort_name
from credentialing.certificates.rendering import layout
from credentialing.claims_history.rendering import claims_paper_pdf
from credentialing.models import Batch, BatchItem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from credentialing.models import Certificate, ClaimsPaper

# Items read at once.
ROWS = 200


class Growing(Protocol):
    """A file in the making."""

    def add(self, item: BatchItem) -> None:
        """Add the papers of an item, which comes with them."""

    def state(self) -> dict[str, Any]:
        """Return what it takes to go on; everything that was added is written by then."""

    def close(self) -> None:
        """Write the rest."""


def items_of(batch: Batch, first: int, beyond: int) -> Iterator[BatchItem]:
    """Yield the items of a stretch that have papers, in order, each certificate once in the whole batch."""
    earlier = BatchItem.objects.filter(
        batch=batch, certificate=OuterRef("certificate"), place__lt=OuterRef("place"), status=BatchItem.Status.ISSUED
    )
    items = BatchItem.objects.filter(batch=batch, place__gte=first, place__lt=beyond)
    given = Q(history__isnull=False) & ~Q(status=BatchItem.Status.FAILED)
    with_papers = items.filter(Q(status=BatchItem.Status.ISSUED) | given)
    found = with_papers.annotate(repeats=Exists(earlier)).select_related("certificate", "history")
    for item in found.order_by("place").iterator(chunk_size=ROWS):
        if item.status != BatchItem.Status.ISSUED or item.repeats:
            item.certificate = None
        if item.certificate is not None or item.history is not None:
            yield item


def begin(batch: Batch, to: BinaryIO, state: dict[str, Any] | None = None) -> Growing:
    """Return the file of a batch: a new one, or one that is gone on with.

    Raises `core.pdf.binding.OtherFacesError` where it was begun with other fonts.
    """
    return _Zip(to, state) if batch.delivery == Batch.Delivery.SEPARATE else _Pdf(to, state)


class _Pdf:
    def __init__(self, to: BinaryIO, state: dict[str, Any] | None) -> None:
        # Loads pikepdf, which web processes do without.
        from core.pdf.binding import Binder

        faces = layout().faces()
        self._binder = Binder(to, faces, state["binder"] if state else None)
        self._lines = [Line(**line) for line in state["lines"]] if state else []

    def add(self, item: BatchItem) -> None:
        if item.certificate is not None:
            self._lines.append(bulk.bind(self._binder, item.certificate)[0])
        if item.history is not None:
            self._lines.append(self._add_history(item.history))

    def _add_history(self, paper: ClaimsPaper) -> Line:
        number = self._binder.pages + 1
        page = self._binder.add_whole(claims_paper_pdf(paper), title=f"{paper.subject}, {paper.serial}")
        return Line(
            insured=paper.subject,
            policy=paper.title,
            holder=paper.holder_name,
            serial=paper.serial,
            is_letter=False,
            page=number,
            target=page,
            is_history=True,
        )

    def state(self) -> dict[str, Any]:
        return {"binder": self._binder.state(), "lines": [asdict(line) for line in self._lines]}

    def close(self) -> None:
        bulk.close(self._binder, self._lines)


class _Zip:
    """Entries are written by hand, so that a later piece can go on; `zipfile` writes the directory at the end."""

    def __init__(self, to: BinaryIO, state: dict[str, Any] | None) -> None:
        self._to = _From(to, state["at"] if state else 0)
        self._entries = [_entry(*facts) for facts in state["entries"]] if state else []

    def add(self, item: BatchItem) -> None:
        if item.certificate is not None:
            self._add(item.certificate, file_name(item.certificate))
        if item.history is not None:
            self._add(item.history, _history_name(item.history, item.certificate))

    def _add(self, paper: Certificate | ClaimsPaper, name: str) -> None:
        # As it was stored: the very one that the paper's fingerprint is of.
        with private_storage().open(paper.file) as stored:
            content = bytes(stored.read())
        at = list(paper.issued_at.timetuple()[:6])
        entry = _entry(name, at, zlib.crc32(content), len(content), self._to.tell())
        self._to.write(entry.FileHeader(zip64=False))
        self._to.write(content)
        self._entries.append(entry)

    def state(self) -> dict[str, Any]:
        entries = [
            (each.filename, list(each.date_time), each.CRC, each.file_size, each.header_offset)
            for each in self._entries
        ]
        return {"at": self._to.tell(), "entries": entries}

    def close(self) -> None:
        with zipfile.ZipFile(self._to, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
            archive.filelist.extend(self._entries)


class _From:
    """A file of which only the end is written: it knows how much comes before, and can't seek."""

    def __init__(self, to: BinaryIO, before: int) -> None:
        self._to = to
        self._at = before

    def write(self, content: bytes) -> int:
        self._to.write(content)
        self._at += len(content)
        return len(content)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Nothing is held back here."""


def _entry(name: str, at: list[int], crc: int, size: int, offset: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, tuple(at))  # type: ignore[arg-type]
    entry.external_attr = 0o644 << 16
    entry.CRC, entry.file_size, entry.compress_size, entry.header_offset = crc, size, size, offset
    return entry


def _history_name(paper: ClaimsPaper, certificate: Certificate | None) -> str:
    """Return 'Lopez-Garcia, Ana - Claims history - Mercy Hospital - CLH-2026-7KQ4M2XDW.pdf': beside the certificate's,
    where a list is sorted by name."""
    whose = sort_name(certificate.snapshot) if certificate else str(paper.subject)
    holder = paper.snapshot.get("holder")
    return joined(whose, paper.title, holder["name"] if holder else "", paper.serial)
