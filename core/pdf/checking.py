"""Whether a PDF that someone else made can be opened: asked of a process of its own (`core.pdf.apart`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from core.pdf.apart import MEMORY, SECONDS, Apart

PROGRAM = Path(__file__).with_name("opening.py")
# Programs look for the mark in so many bytes (ISO 32000-1, annex H.3, note 13).
MARK, MARK_WITHIN = b"%PDF-", 1024


@dataclass(frozen=True)
class Checked:
    """How many pages a PDF has, or why it can't be opened: `broken`, `encrypted`; or isn't wanted: `program`."""

    pages: int | None = None
    fault: str = ""


class PdfChecker:
    """Opens PDF files, one after the other, in another process. Use it as a context manager.

    A file that takes too long, or ends the process, counts as broken. `programs`: one that carries JavaScript, or an
    order to start something, has the fault `program`.
    """

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY, programs: bool = False) -> None:
        self._apart = Apart(PROGRAM, *(["programs"] if programs else []), seconds=seconds, memory=memory)

    def __enter__(self) -> Self:
        self._apart.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._apart.__exit__(kind, error, traceback)

    def check(self, path: Path) -> Checked:
        """Return what the file at `path`, which has no line break in it, turns out to be."""
        if not is_marked(path):
            return Checked(fault="broken")
        answer = self._apart.ask(str(path))
        if answer is None:
            return Checked(fault="broken")
        return Checked(pages=answer.get("pages"), fault=answer.get("fault", ""))


def is_marked(path: Path) -> bool:
    """Whether the file says near its beginning that it is a PDF."""
    with path.open("rb") as stream:
        return MARK in stream.read(MARK_WITHIN)
