"""Files for packages of the tests: small PDFs, and books that name them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pikepdf

from core.storage import private_storage
from feed.load.loader import load_package
from feed.models import Run
from tests.feed.packages import Book, Package, Row, row, small_book


def a_pdf(words: str = "", *, pages: int = 1, password: str = "") -> bytes:
    """Return a PDF of empty pages; other words make another file. It can be locked with a password."""
    written = io.BytesIO()
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page()
        pdf.docinfo["/Title"] = words
        lock = pikepdf.Encryption(owner=password, user=password) if password else False
        pdf.save(written, encryption=lock, deterministic_id=not password)
    return written.getvalue()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def kept_as(data: bytes) -> str:
    """Return the name in the private storage of a document with these bytes."""
    return f"documents/{digest(data)[:2]}/{digest(data)}.pdf"


def document(document_id: str, path: str, **values: str) -> Row:
    """Return a row of documents.csv: the declarations of MPL-1."""
    given = {"policy_number": "MPL-1", "kind": "declarations", "title": "Declarations", "issued": "2026-01-01"}
    return row("documents.csv", document_id=document_id, path=path, **given | values)


def with_documents(*documents: Row) -> Book:
    """Return the small book with documents."""
    return {**small_book(), "documents.csv": list(documents)}


def load_files(folder: Path, book: Book, files: dict[str, bytes], **options: Any) -> Run:
    """Write a book with files as a package below `folder`, as an archive if `zipped`, and load it."""
    dry_run, zipped = options.pop("dry_run", False), options.pop("zipped", False)
    package = Package(book, **options)
    package.files |= files
    count = sum(1 for _ in folder.iterdir())
    write = package.zip if zipped else package.write
    return load_package(write(folder / f"files{count}{'.zip' if zipped else ''}"), dry_run=dry_run)


def stored(folder: str = "documents") -> set[str]:
    """Return the names of all files in a folder of the private storage."""
    storage = private_storage()
    if not storage.exists(folder):
        return set()
    below, files = storage.listdir(folder)
    deeper = (stored(f"{folder}/{name}") for name in below)
    return {f"{folder}/{name}" for name in files}.union(*deeper)
