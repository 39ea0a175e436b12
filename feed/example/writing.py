"""Writing a package: its files side by side as streams, hashed as they go, and the manifest at the end."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from feed.package.manifest import MANIFEST, SCHEMA

BUFFERED_ROWS = 2_000
# Archives name a time for every file; the same package is the same bytes, whenever it is made.
EPOCH = (1980, 1, 1, 0, 0, 0)


class FileWriter:
    """One CSV file: rows go in, bytes, their hash and their count come out."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self._stream = path.open("wb")
        self._hash = hashlib.sha256()
        self._buffer: list[Sequence[object]] = [header]
        self.rows = -1

    def add(self, row: Sequence[object]) -> None:
        """Add a row."""
        self._buffer.append(row)
        if len(self._buffer) >= BUFFERED_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is buffered."""
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(self._buffer)
        data = text.getvalue().encode("utf-8")
        self._hash.update(data)
        self._stream.write(data)
        self.rows += len(self._buffer)
        self._buffer = []

    def close(self) -> dict[str, object]:
        """Finish the file; what the manifest says of it."""
        self.flush()
        self._stream.close()
        return {"rows": self.rows, "sha256": self._hash.hexdigest()}


class PackageWriter:
    """A package in the making, in a folder: a context manager that writes the manifest when all went well."""

    def __init__(
        self,
        folder: Path,
        headers: Mapping[str, Sequence[str]],
        *,
        source: str,
        sequence: int,
        as_of: dt.datetime,
        mode: str = "full",
    ) -> None:
        self._folder = folder
        self._manifest = {
            "schema": SCHEMA,
            "source": source,
            "sequence": sequence,
            "as_of": as_of.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "mode": mode,
        }
        self._writers = {file: FileWriter(folder / file, header) for file, header in headers.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        files = {file: writer.close() for file, writer in self._writers.items()}
        if error is None:
            text = json.dumps({**self._manifest, "files": files}, indent=1, ensure_ascii=False)
            (self._folder / MANIFEST).write_text(text + "\n", encoding="utf-8")

    def add(self, file: str, *row: object) -> None:
        """Add a row to a file; None is empty."""
        self._writers[file].add(row)


@contextmanager
def folder_for(out: Path) -> Iterator[Path]:
    """The folder to write a package into: `out` itself, or a temporary one that becomes the archive `out`.

    Raises FileExistsError where `out` holds something else than an earlier package.
    """
    if out.suffix.lower() == ".zip":
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="feed-") as temporary:
            yield Path(temporary)
            zip_folder(Path(temporary), out)
        return
    if out.exists():
        names = {path.name for path in out.iterdir()} if out.is_dir() else {str(out)}
        if names and (MANIFEST not in names or any(not name.endswith((".csv", ".json")) for name in names)):
            raise FileExistsError(f"{out} holds something else than a package.")
        shutil.rmtree(out)
    out.mkdir(parents=True)
    yield out


def zip_folder(folder: Path, out: Path) -> None:
    """Pack a folder's files; the same files give the same bytes. The archive appears whole or not at all."""
    part = out.with_name(f".{out.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            info = zipfile.ZipInfo(path.name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 1 << 20)
    part.replace(out)
