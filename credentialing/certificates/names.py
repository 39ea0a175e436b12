"""Names of certificates' files: people read them, sort them, and unpack them on any system."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from core.downloads import file_name_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credentialing.models import Certificate

# What a device of Windows is called may begin no file's name.
DEVICES = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)")
# Letters that a decomposition leaves as they are.
LETTERS = str.maketrans(
    {
        "ß": "ss",
        "ẞ": "SS",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "ø": "o",
        "Ø": "O",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "Ð": "D",
        "þ": "th",
        "Þ": "Th",
        "ł": "l",
        "Ł": "L",
        "ı": "i",
        "ħ": "h",
        "Ħ": "H",
        "–": "-",
        "—": "-",
        "’": "'",
    }
)
# Bytes of a part; four of them and what is between them keep under the 255 that file systems allow.
PART = 48


def file_name(certificate: Certificate) -> str:
    """Return 'Lopez-Garcia, Ana - ABC-123-456 - Mercy Hospital - COI-2026-7KQ4M2XDW.pdf'.

    In ASCII, since older programs garble anything else in a ZIP. The serial number makes it unique.
    """
    snapshot = certificate.snapshot
    holder = snapshot["holder"]["name"] if snapshot["holder"] else ""
    return joined(sort_name(snapshot), str(snapshot["policy"]["number"]), holder, certificate.serial)


def joined(*parts: str) -> str:
    """Return the parts of a name, without those that are empty, as a file's name."""
    return " - ".join(part for part in map(_part, parts) if part) + ".pdf"


def sort_name(snapshot: Mapping[str, Any]) -> str:
    """Return the insured as a list sorts them: 'Lopez-Garcia, Ana M.', without credential; an entity's own name."""
    insured = snapshot["insured"]
    name, last = str(insured["name"]), str(insured.get("last_name") or "")
    person = name.partition(", ")[0]
    given, found, suffix = person.rpartition(last) if last else ("", "", "")
    if not found or not given.strip():
        return name
    return " ".join(f"{last}, {given.strip()} {suffix.strip()}".split())


def _part(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.translate(LETTERS))
    plain = decomposed.encode("ascii", "ignore").decode()
    part = file_name_part(plain)[:PART].strip(" .-")
    return DEVICES.sub(r"_\1", part)
