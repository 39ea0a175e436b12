"""Documents of the cast's policies, with files."""

from __future__ import annotations

import io
from typing import Any

import pikepdf
from django.core.files.base import ContentFile

from core.storage import private_storage
from policies.models import Document, Policy
from tests.book import days
from tests.feed.assets import a_pdf, digest, kept_as


def a_document(
    policy: Policy | None, title: str = "Declarations", *, content: bytes | None = None, **values: Any
) -> Document:
    """Store a document with its file; `content` is a PDF of one page with the title otherwise."""
    content = a_pdf(title) if content is None else content
    name = kept_as(content)
    if content and not private_storage().exists(name):
        private_storage().save(name, ContentFile(content))
    facts = {
        "source": "core",
        "external_id": f"D{Document.objects.count()}",
        "kind": Document.Kind.DECLARATIONS,
        "issued": days(0),
        "path": "a.pdf",
        "file": name,
        "sha256": digest(content),
        "size": len(content),
        "pages": 1,
    }
    return Document.objects.create(policy=policy, title=title, **facts | values)


def with_fault(policy: Policy, fault: str, title: str) -> Document:
    """Store a document whose file the feed couldn't take."""
    facts = {"file": "", "sha256": "", "size": None, "pages": None, "fault": fault}
    return a_document(policy, title, content=b"", **facts)


def protected() -> bytes:
    """Return a PDF that opens, and whose owner forbids combining it."""
    written = io.BytesIO()
    with pikepdf.open(io.BytesIO(a_pdf("protected"))) as pdf:
        allow = pikepdf.Permissions(modify_assembly=False)
        pdf.save(written, encryption=pikepdf.Encryption(owner="own", user="", allow=allow))
    return written.getvalue()
