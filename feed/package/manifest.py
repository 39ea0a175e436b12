"""Parser of a package's manifest."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA = "portal-feed/1"
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1_000_000
KEYS = ("schema", "source", "sequence", "as_of", "mode", "files")
# A name without folders or a leading dot, and without characters that file systems treat differently.
FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,59}\.csv")
SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_SEQUENCE = 2**63 - 1


class ManifestError(Exception):
    """The manifest can't be used. Has the finding's code and sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True)
class FileEntry:
    """One file in the manifest: its number of rows, without the header, and the SHA-256 of its bytes."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A valid manifest; its files haven't been checked yet."""

    source: str
    sequence: int
    as_of: dt.datetime
    mode: str
    files: Mapping[str, FileEntry]
    # A digest of the package's documents, which the manifest doesn't list; empty if there are none.
    documents: str = ""

    @property
    def is_full(self) -> bool:
        """Whether the package has every row of the files it lists; a delta has changes only."""
        return self.mode == "full"

    @property
    def digest(self) -> str:
        """SHA-256 of the package's content, however it's packed: the same digest means the same package."""
        content: dict[str, Any] = {
            "schema": SCHEMA,
            "source": self.source,
            "sequence": self.sequence,
            "as_of": self.as_of.astimezone(dt.UTC).isoformat(),
            "mode": self.mode,
            "files": {name: [entry.rows, entry.sha256] for name, entry in sorted(self.files.items())},
        }
        if self.documents:
            content["documents"] = self.documents
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def shown(value: object) -> str:
    """Return a value for a finding's sentence: short, and safe to store and print whatever it is."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def parse_manifest(data: bytes) -> Manifest:
    """Read `manifest.json` (docs/feed-format.md#manifest). Raises ManifestError at the first problem."""
    content = _json_object(data)
    if content.get("schema") != SCHEMA:
        raise ManifestError("schema", f"The manifest's schema must be '{SCHEMA}', not {shown(content.get('schema'))}.")
    for key in KEYS:
        if key not in content:
            raise ManifestError("manifest", f"The manifest has no '{key}'.")
    if unknown := sorted(set(content) - set(KEYS)):
        raise ManifestError("manifest", f"The manifest's key {shown(unknown[0])} isn't part of {SCHEMA}.")
    source, sequence, mode = content["source"], content["sequence"], content["mode"]
    if not isinstance(source, str) or not SOURCE.fullmatch(source):
        raise ManifestError(
            "manifest",
            "The manifest's source must be a name of up to 40 letters, digits, dots, dashes, and underscores.",
        )
    if not isinstance(sequence, int) or isinstance(sequence, bool) or not 0 <= sequence <= MAX_SEQUENCE:
        raise ManifestError("manifest", f"The manifest's sequence must be a whole number, not {shown(sequence)}.")
    if mode not in {"full", "delta"}:
        raise ManifestError("manifest", f"The manifest's mode must be 'full' or 'delta', not {shown(mode)}.")
    return Manifest(
        source=source, sequence=sequence, as_of=_moment(content["as_of"]), mode=mode, files=_files(content["files"])
    )


def _json_object(data: bytes) -> dict[str, Any]:
    """Parse the manifest; raise ManifestError unless it's a JSON object without duplicate keys."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ManifestError("manifest", f"The manifest has the key {shown(key)} more than once.")
            found[key] = value
        return found

    try:
        content = json.loads(data.decode("utf-8"), object_pairs_hook=once)
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ManifestError("manifest", "The manifest isn't JSON in UTF-8.") from error
    if not isinstance(content, dict):
        raise ManifestError("manifest", "The manifest isn't a JSON object.")
    return content


def _moment(value: Any) -> dt.datetime:
    """Parse `as_of`, a time with its zone."""
    try:
        moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ManifestError(
            "manifest",
            f"The manifest's as_of must be a time with its zone, such as '2026-11-20T02:00:00Z', not {shown(value)}.",
        )
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError as error:
        raise ManifestError("manifest", f"The manifest's as_of is out of range: {shown(value)}.") from error


def _files(value: Any) -> dict[str, FileEntry]:
    """Parse the files by name, with their row counts and hashes."""
    if not isinstance(value, dict):
        raise ManifestError("manifest", "The manifest's files must be a JSON object of file names.")
    files: dict[str, FileEntry] = {}
    for name, entry in value.items():
        if not FILE_NAME.fullmatch(name):
            raise ManifestError(
                "path",
                f"The manifest lists {shown(name)}; a file name must look like 'policies.csv'.",
            )
        rows = entry.get("rows") if isinstance(entry, dict) else None
        sha256 = entry.get("sha256") if isinstance(entry, dict) else None
        if not isinstance(rows, int) or isinstance(rows, bool) or not 0 <= rows <= MAX_SEQUENCE:
            raise ManifestError("manifest", f"The manifest has no row count for {name}.")
        if not isinstance(sha256, str) or not SHA256.fullmatch(sha256.lower()):
            raise ManifestError("manifest", f"The manifest has no sha256 of 64 hexadecimal digits for {name}.")
        files[name] = FileEntry(rows=rows, sha256=sha256.lower())
    return files
