"""PDFs that others made: whether they can be opened, asked of a process that can't harm the asker."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.pdf import checking
from core.pdf.checking import Checked, PdfChecker
from tests.feed.assets import a_pdf

# Opens nothing: dies of one file, is stuck with another, and counts a page in any other.
UNWELL = """
import sys, time
for line in sys.stdin:
    if "deadly" in line:
        sys.exit(9)
    if "endless" in line:
        time.sleep(600)
    print('{"pages": 1}', flush=True)
"""


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_pdf_is_known_by_its_bytes(tmp_path: Path) -> None:
    with PdfChecker() as checker:
        assert checker.check(written(tmp_path, "a.txt", a_pdf(pages=2))) == Checked(pages=2)
        assert checker.check(written(tmp_path, "b.pdf", b"MZ, a program")) == Checked(fault="broken")
        assert checker.check(written(tmp_path, "c.pdf", b"%PDF-1.7\nno more")) == Checked(fault="broken")
        assert checker.check(written(tmp_path, "d.pdf", a_pdf(password="x"))) == Checked(fault="encrypted")
        assert checker.check(written(tmp_path, "e.pdf", b"junk in front\n" + a_pdf())) == Checked(pages=1)


def test_a_file_that_takes_too_long_or_kills_its_process_is_broken_and_the_next_one_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "PROGRAM", written(tmp_path, "unwell.py", UNWELL.encode()))
    with PdfChecker(seconds=0.2) as checker:
        for name in ("deadly", "endless"):
            assert checker.check(written(tmp_path, name, a_pdf())) == Checked(fault="broken")
    with PdfChecker() as checker:
        assert checker.check(written(tmp_path, "deadly", a_pdf())) == Checked(fault="broken")
        assert checker.check(written(tmp_path, "well", a_pdf())) == Checked(pages=1)
