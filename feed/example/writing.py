"""Package writer: all files are streamed side by side and hashed, and the manifest comes last."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import keyword
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
# Folders of the documents that rows name.
FOLDERS = {"documents", "signatures"}
# Archives record a time for each file; with a fixed one, the same package is always the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


class FileWriter:
    """One CSV file, written with a running hash and row count."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self._file = path.name
        # A column whose name is a word of Python's is given with an underscore behind it.
        self._names = tuple(f"{name}_" if keyword.iskeyword(name) else name for name in header)
        self._known = frozenset(self._names)
        self._stream = path.open("wb")
        self._hash = hashlib.sha256()
        self._buffer: list[Sequence[object]] = [header]
        self.rows = -1

    def add(self, values: Mapping[str, object]) -> None:
        """Add a row; columns that aren't given are empty. Raises ValueError for one that the file doesn't have."""
        if not values.keys() <= self._known:
            unknown = ", ".join(sorted(values.keys() - self._known))
            raise ValueError(f"{self._file} has no column {unknown}.")
        self._buffer.append(tuple(map(values.get, self._names)))
        if len(self._buffer) >= BUFFERED_ROWS:
            self.flush()

    def flush(self) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(self._buffer)
        data = text.getvalue().encode("utf-8")
        self._hash.update(data)
        self._stream.write(data)
        self.rows += len(self._buffer)
        self._buffer = []

    def close(self) -> dict[str, object]:
        """Finish the file, and return its entry for the manifest."""
        self.flush()
        self._stream.close()
        return {"rows": self.rows, "sha256": self._hash.hexdigest()}


class PackageWriter:
    """A package being written to a folder: a context manager that writes the manifest if nothing failed."""

    def __init__(
        self,
        folder: Path,
        headers: Mapping[str, Sequence[str]],
        *,
        source: str,
        sequence: int,
        as_of: dt.datetime,
    ) -> None:
        self._folder = folder
        self._digests: dict[str, str] = {}
        self._manifest = {
            "schema": SCHEMA,
            "source": source,
            "sequence": sequence,
            "as_of": as_of.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "mode": "full",
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

    def has(self, file: str) -> bool:
        """Whether the file is part of the format; what isn't can't be written."""
        return file in self._writers

    def has_document(self, path: str) -> bool:
        """Whether the package has that document already; rows may share one."""
        return path in self._digests

    def write_document(self, path: str, data: bytes) -> None:
        """Write a document that rows name by its path, such as `documents/MPL-1/notice.pdf`."""
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        self._digests[path] = hashlib.sha256(data).hexdigest()

    def digest_of(self, path: str) -> str:
        """Return the SHA-256 of a document that was written."""
        return self._digests[path]

    def add(self, file: str, /, **values: object) -> None:
        """Add a row to a file by its columns' names (`from_` for `from`); None is empty, as is what isn't given."""
        self._writers[file].add(values)


@contextmanager
def folder_for(out: Path) -> Iterator[Path]:
    """Yield the folder to write a package to: `out` itself, or a temporary one that becomes the archive `out`.

    Raises FileExistsError if `out` has anything but an earlier package in it.
    """
    if out.suffix.lower() == ".zip":
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="feed-") as temporary:
            yield Path(temporary)
            zip_folder(Path(temporary), out)
        return
    if out.exists():
        names = {path.name for path in out.iterdir()} if out.is_dir() else {str(out)}
        others = {name for name in names - FOLDERS if not name.endswith((".csv", ".json"))}
        if names and (MANIFEST not in names or others):
            raise FileExistsError(f"{out} isn't a feed package; nothing was replaced.")
        shutil.rmtree(out)
    out.mkdir(parents=True)
    yield out


def zip_folder(folder: Path, out: Path) -> None:
    """Zip a folder's files: the same files give the same bytes, and a half-written archive never appears."""
    part = out.with_name(f".{out.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 1 << 20)
    part.replace(out)
