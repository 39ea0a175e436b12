"""The program that opens PDF files which others made; `core.pdf.checking` runs it, and ends it if it takes too long.

It reads a path a line, and answers each with a line of JSON: `{"pages": 3}`, or `{"fault": "broken"}`. It imports
nothing of the portal and has no more memory than `sys.argv[1]` bytes, so a hostile file harms nothing but itself.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import pikepdf


def opened(path: str) -> dict[str, Any]:
    """Return how many pages the PDF has, or why it can't be opened."""
    try:
        with pikepdf.open(path) as pdf:
            pages = len(pdf.pages)
    except pikepdf.PasswordError:
        return {"fault": "encrypted"}
    except Exception:  # noqa: BLE001  # whatever a damaged file makes the library raise
        return {"fault": "broken"}
    return {"pages": pages} if pages else {"fault": "broken"}


def main() -> None:
    """Answer until there's nothing more to read."""
    most = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for line in sys.stdin:
        print(json.dumps(opened(line.removesuffix("\n"))), flush=True)


if __name__ == "__main__":
    main()
