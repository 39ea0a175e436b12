"""The text that a customer agrees to before documents come electronically (S-13; 15 U.S.C. 7001(c), the E-SIGN Act).

Each consent keeps the text that was shown, and its version. Change the text only together with its version.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

VERSION = "2026-11"
TEXT = """
{legal_name} may send me the documents I’ve selected electronically instead of on paper: it puts them in {portal_name}
and emails me that they’re there.

This covers the selected kinds of documents, for all my policies, until I withdraw it.

I can withdraw my consent at any time, free of charge, on this page or by calling web support at {phone}. From then on,
new documents come by mail.

I can get a paper copy of any document, free of charge, by calling web support at {phone}.

I’ll keep my email up to date under Preferences. If our emails can’t be delivered, documents come by mail again.

To read and keep the documents, I need a current web browser, an email account, and a program that opens PDF files. I’m
reading this on a device that has them.
"""


def consent_text() -> list[str]:
    """Return the paragraphs of the text, in the names of the settings."""
    values: dict[str, Any] = {
        "legal_name": settings.BRAND["legal_name"],
        "portal_name": settings.BRAND["portal_name"],
        "phone": settings.SUPPORT["web"]["phone"],
    }
    return [" ".join(paragraph.split()).format(**values) for paragraph in TEXT.split("\n\n")]
