"""The program that opens PDF files which others made; `core.pdf.checking` runs it, and ends it if it takes too long.

It reads a path a line, and answers each with a line of JSON: `{"pages": 3}`, or `{"fault": "broken"}`. It imports
nothing of the portal and has no more memory than `sys.argv[1]` bytes, so a hostile file harms nothing but itself.
With `programs` as `sys.argv[2]`, a PDF that carries a program is a fault, too.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import pikepdf

# Actions that run something (ISO 32000-1, 12.6.4), and annotations that do (Flash).
RUNS = {"/JavaScript", "/Launch"}
PLAYS = {"/RichMedia"}


def opened(path: str, *, programs: bool) -> dict[str, Any]:
    """Return how many pages the PDF has, or why it can't be opened or isn't wanted."""
    try:
        with pikepdf.open(path) as pdf:
            pages = len(pdf.pages)
            if programs and pages and any(map(_runs, pdf.objects)):
                return {"fault": "program"}
    except pikepdf.PasswordError:
        return {"fault": "encrypted"}
    except Exception:  # noqa: BLE001  # whatever a damaged file makes the library raise
        return {"fault": "broken"}
    return {"pages": pages} if pages else {"fault": "broken"}


def _runs(found: Any) -> bool:
    """Whether an object of the file, or one within it, is a program or starts one."""
    if isinstance(found, pikepdf.Stream):
        return _runs(found.stream_dict)
    if isinstance(found, pikepdf.Array):
        return any(_runs(each) for each in found if not _has_its_own_turn(each))
    if not isinstance(found, pikepdf.Dictionary):
        return False
    is_program = "/JS" in found or "/JavaScript" in found
    is_program = is_program or _name(found, "/S") in RUNS or _name(found, "/Subtype") in PLAYS
    is_program = is_program or ("/XFA" in found and _xfa_runs(found["/XFA"]))
    return is_program or any(_runs(each) for _, each in found.items() if not _has_its_own_turn(each))


def _has_its_own_turn(found: Any) -> bool:
    return getattr(found, "is_indirect", False) or not isinstance(found, (pikepdf.Dictionary, pikepdf.Array))


def _name(found: pikepdf.Dictionary, key: str) -> str:
    value = found.get(key)
    return str(value) if isinstance(value, pikepdf.Name) else ""


def _xfa_runs(found: Any) -> bool:
    parts = found if isinstance(found, pikepdf.Array) else [found]
    return any(b"<script" in part.read_bytes() for part in parts if isinstance(part, pikepdf.Stream))


def main() -> None:
    """Answer until there's nothing more to read."""
    most, programs = int(sys.argv[1]), "programs" in sys.argv[2:]
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for line in sys.stdin:
        print(json.dumps(opened(line.removesuffix("\n"), programs=programs)), flush=True)


if __name__ == "__main__":
    main()
