"""Images inside a document: the brand's mark and a company's signature, as data URLs."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path

from policies.signatures import read_signature

IMAGE_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def signature_image(name: str) -> str:
    """Return the signature's image, empty without one. Raises FileNotFoundError where the file is gone, so that no
    paper looks unsigned."""
    return _data_url(IMAGE_TYPES[Path(name).suffix], read_signature(name)) if name else ""


@cache
def mark_image(path: str) -> str:
    """Return the brand's mark, empty without one. Raises KeyError for other files than SVG and PNG."""
    if not path:
        return ""
    mark = Path(path)
    return _data_url(IMAGE_TYPES[mark.suffix.lower()], mark.read_bytes())


def _data_url(content_type: str, image: bytes) -> str:
    return f"data:{content_type};base64,{base64.b64encode(image).decode()}"
