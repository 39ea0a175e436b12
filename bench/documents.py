"""200 documents of 10 pages as one PDF, against plain: a merge of the same files by pikepdf.

Each round is a process of its own, so that its peak of memory is its own. Ours counts the CPU of both its processes,
the start of the one that opens the files included; plain counts the merge alone, without the start and the imports.
"""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "documents_combine"
DOCUMENTS, PAGES, ROUNDS = 200, 10, 7
# What each document has beside text, such as the carrier's mark or a scan, in bytes.
IMAGE = 30_000


def measure(names: list[str]) -> Iterator[Figure]:
    """Yield the figure `documents_combine` if it's named."""
    if NAME in names:
        yield _figure()


def _figure() -> Figure:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder, DOCUMENTS * 2)
        ours, plain = [], []
        for _ in range(ROUNDS):
            ours.append(_apart("ours", folder, DOCUMENTS))
            plain.append(_apart("plain", folder, DOCUMENTS))
        twice = _apart("ours", folder, DOCUMENTS * 2)
        plain_twice = _apart("plain", folder, DOCUMENTS * 2)
    peak = {key: max(round_[key] for round_ in ours) for key in ("peak_mb", "opener_peak_mb")}
    more = {
        "documents": DOCUMENTS,
        "pages": ours[0]["pages"],
        "wall_ms": round(statistics.median(round_["wall"] for round_ in ours)),
        "memory_mb": round(sum(peak.values())),
        "memory_of_400_mb": round(twice["peak_mb"] + twice["opener_peak_mb"]),
        "plain_memory_mb": round(max(round_["peak_mb"] for round_ in plain)),
        "plain_memory_of_400_mb": round(plain_twice["peak_mb"]),
        "ratio_of_400": round(twice["cpu"] / plain_twice["cpu"], 2),
        "size_mb": round(ours[0]["size"] / 1024**2, 1),
        "plain_size_mb": round(plain[0]["size"] / 1024**2, 1),
        "load": round(os.getloadavg()[0], 1),
    }
    cpu = [statistics.median(round_["cpu"] for round_ in rounds) for rounds in (ours, plain)]
    return Figure(NAME, cpu[0], cpu[1], "ms CPU", more)


def _apart(how: str, folder: Path, count: int) -> dict[str, Any]:
    """Combine so many documents in a process of its own, and return what it says."""
    command = [sys.executable, "-m", "bench.documents", how, str(folder), str(count)]
    said = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # our own program
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def _make(folder: Path, count: int) -> None:
    import pikepdf

    chance = random.Random(7)  # noqa: S311  # the same files each time
    for number in range(count):
        with pikepdf.new() as pdf:
            font = pikepdf.Dictionary(
                Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
            )
            shared = pikepdf.Dictionary(F1=pdf.make_indirect(font))
            image = pdf.make_stream(chance.randbytes(IMAGE))
            for _ in range(PAGES):
                words = " ".join(str(chance.random()) for _ in range(200))
                page = pdf.add_blank_page().obj
                page.Contents = pdf.make_stream(f"BT /F1 9 Tf 72 700 Td ({words}) Tj ET".encode())
                page.Resources = pikepdf.Dictionary(Font=shared)
                page.PieceInfo = pikepdf.Dictionary(Image=image)
            # As different programs write them.
            mode = pikepdf.ObjectStreamMode.generate if number % 2 else pikepdf.ObjectStreamMode.disable
            pdf.save(folder / f"{number:04}.pdf", object_stream_mode=mode)


def _ours(files: list[Path], to: Path) -> dict[str, Any]:
    from core.pdf.combining import Combiner

    begun = time.process_time()
    with to.open("w+b") as stream, Combiner(stream, title="All") as combiner:
        for file in files:
            if (added := combiner.add(file, title=file.stem)).fault:
                raise RuntimeError(f"{file} is {added.fault}")
        opener = _peak(combiner.pid or 0)
        combiner.close()
        pages = combiner.pages
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.process_time() - begun + children.ru_utime + children.ru_stime
    return {"cpu": seconds * 1000, "pages": pages, "opener_peak_mb": opener}


def _plain(files: list[Path], to: Path) -> dict[str, Any]:
    import pikepdf

    begun = time.process_time()
    with pikepdf.new() as pdf:
        for file in files:
            pdf.pages.extend(pikepdf.open(file).pages)
        pdf.save(to)
        pages = len(pdf.pages)
    return {"cpu": (time.process_time() - begun) * 1000, "pages": pages}


def _peak(pid: int | str) -> float:
    """Return the most memory that a process has had, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def main() -> None:
    """Combine as the arguments say, and print what it took."""
    how, folder, count = sys.argv[1:]
    files = sorted(Path(folder).glob("[0-9]*.pdf"))[: int(count)]
    to = Path(folder) / f"{how}.pdf"
    begun = time.perf_counter()
    said = (_ours if how == "ours" else _plain)(files, to)
    wall = (time.perf_counter() - begun) * 1000
    print(json.dumps(said | {"wall": wall, "peak_mb": _peak("self"), "size": to.stat().st_size}))


if __name__ == "__main__":
    main()
