"""The signed release of a packet: the insured's authorization as one page, from its row alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.template.loader import render_to_string

from core.pdf import Candidate
from credentialing.packets.layout import in_zone, layout

if TYPE_CHECKING:
    from credentialing.models import Authorization


def release_pdf(given: Authorization) -> bytes:
    """Return the PDF of an authorization: who, when, to whom, and the very text. The same row gives the same bytes."""
    context = {
        "given": given,
        "paragraphs": given.text.split("\n\n"),
        "signed_at": in_zone(given.given_at),
        "code_at": in_zone(given.code_at),
        "legal_name": settings.BRAND["legal_name"],
        "site_words": settings.BRAND["portal_name"],
    }
    return layout().render([Candidate(render_to_string("credentialing/packets/pdf/release.html", context))])
