"""Files of a package that its rows name: found in the package, compared by their SHA-256, judged, and kept
(docs/feed-format.md#entries).

Everything is done in batches and streams, so a hundred thousand documents cost no memory, and those that haven't
changed aren't read if the carrier gives their digests. Files are in the private storage before the load commits; if it
doesn't, no row names them, and `feed.unreferenced` removes them a day later.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import ImproperlyConfigured

from core.feedspec import Column, FileUse, Severity, Stage, Take, Taken
from feed.load.findings import KEPT_PER_CODE, Findings, Found
from feed.load.staging import Staging
from feed.load.table_map import TableMap, digest_read, quote
from feed.package.files import READ_ERRORS, Package
from feed.package.manifest import MANIFEST
from feed.package.paths import is_table

PATHS_AT_ONCE = 10_000
FILES_AT_ONCE = 500
CHUNK = 256 * 1024
# The values of `Taken`, as columns of the table of taken files.
TAKEN_TYPES = {"size": "bigint", "pages": "bigint"}
TAKEN = {field.name: TAKEN_TYPES.get(field.name, "text") for field in fields(Taken)}
# Called with a file of the feed, what becomes of its documents in words, and how many of how many are done.
Tell = Callable[[str, str, int, int], None]
_NAMES = re.compile(r"\{(\w+)\}")


class Assets:
    """The files that the rows of one package name."""

    def __init__(self, package: Package, cursor: Any, *, source: str, keep: bool, tell: Tell) -> None:
        """`keep`: false for a dry run, which judges files and stores none. `tell` is called with each file."""
        # The paths that rows name, as far as `find` found them.
        self.named: set[str] = set()
        # Files that aren't there, and those that can't be read or used.
        self.missing, self.findings = Findings(), Findings()
        self._package = package
        self._cursor = cursor
        self._source = source
        self._keep = keep
        self._tell = tell

    def find(self, staging: Staging) -> None:
        """Report rows that name a file that the package doesn't have."""
        for table_map, column, _ in _used(staging):
            path = quote(column.name)
            paths = f"SELECT DISTINCT {path} FROM {table_map.staging_table} WHERE NOT deleted AND {path} <> ''"
            all_there = True
            for rows in self._fetched(paths, PATHS_AT_ONCE):
                there = {one for (one,) in rows if self._is_there(one)}
                self.named |= there
                all_there &= len(there) == len(rows)
            if not all_there:
                self._report_missing(table_map, column)

    def _report_missing(self, table_map: TableMap, column: Column) -> None:
        for line, path in self._paths(table_map, column):
            if not self._is_there(path):
                sentence = f"{column.name} ‘{path}’ isn't in the package."
                self._report(table_map, line, column.name, "file-not-there", sentence, stage=Stage.REFERENCES)

    def take(self, staging: Staging) -> None:
        """Read, judge, and keep the files of rows that are new or whose file has changed."""
        for table_map, column, use in _used(staging):
            with use.taker() as take, tempfile.TemporaryDirectory(prefix="feed-") as folder:
                self._read_digests(table_map, column, use)
                self._list_changed(table_map, column, use)
                self._take_changed(table_map, column, take, Path(folder) / "file")

    def digest(self, stagings: Sequence[Staging]) -> str:
        """Return the SHA-256 of which files the rows name and what is in them, once they were taken."""
        digest = hashlib.sha256()
        for table_map, column, _ in (used for staging in stagings for used in _used(staging)):
            named = (
                f"SELECT DISTINCT s.{quote(column.name)} AS path, {table_map.digest(column)} AS sha256 "
                f"FROM {table_map.staging_table} s WHERE NOT s.deleted AND s.{quote(column.name)} <> ''"
            )
            lines = "string_agg(path || ':' || sha256, ';' ORDER BY path COLLATE \"C\", sha256)"
            self._cursor.execute(f"SELECT encode(sha256(convert_to({lines}, 'UTF8')), 'hex') FROM ({named}) named")
            digest.update(f"{table_map.file}.{column.name}:{self._cursor.fetchone()[0]}\n".encode())
        return digest.hexdigest()

    def fill(self, staging: Staging) -> None:
        """Store with the rows that were there before what was taken; new rows came with it. Warn of every file that
        can't be used."""
        for table_map, column, use in _used(staging):
            if not staging.is_first:
                self._update(table_map, column, use)
            for fault, sentence in use.faults.items():
                self._warn(table_map, column, use, fault, sentence)

    def _update(self, table_map: TableMap, column: Column, use: FileUse) -> None:
        values = ", ".join(
            f"{quote(table_map.field(field).column)} = f.{quote(name)}" for name, field in use.fields.items()
        )
        self._cursor.execute(
            f"UPDATE {table_map.db_table} t SET {values} FROM {table_map.changed_files(column)} c "
            f"JOIN {table_map.taken_files(column)} f ON f.sha256 = c.sha256 "
            "WHERE t.source = %(source)s AND t.external_id = c.key "
            f"AND t.id NOT IN (SELECT id FROM {table_map.changes_table} WHERE change = 'inserted')",
            {"source": self._source},
        )

    # Finding.

    def _paths(self, table_map: TableMap, column: Column) -> Iterator[tuple[int, str]]:
        """Yield (line, path) of each row that names a file, in order."""
        path = quote(column.name)
        last = 0
        while True:
            self._cursor.execute(
                f"SELECT line, {path} FROM {table_map.staging_table} "
                f"WHERE NOT deleted AND {path} <> '' AND line > %s ORDER BY line LIMIT {PATHS_AT_ONCE}",
                [last],
            )
            rows = self._cursor.fetchall()
            yield from rows
            if len(rows) < PATHS_AT_ONCE:
                return
            last = rows[-1][0]

    def _is_there(self, path: str) -> bool:
        return path in self._package.sizes and path != MANIFEST and not is_table(path)

    # Digests of files whose rows don't give them.

    def _read_digests(self, table_map: TableMap, column: Column, use: FileUse) -> None:
        """Read every file whose digest no row gives, and enter it into the staging table."""
        path, read = f"s.{quote(column.name)}", quote(digest_read(column))
        wanted = f"NOT s.deleted AND {path} <> ''" + (f" AND s.{quote(use.given)} IS NULL" if use.given else "")
        last, done = "", 0
        of = self._count(f"SELECT count(DISTINCT {path}) FROM {table_map.staging_table} s WHERE {wanted}")
        while True:
            self._cursor.execute(
                f'SELECT {path} COLLATE "C" AS path, min(s.line) FROM {table_map.staging_table} s '
                f'WHERE {wanted} AND {path} COLLATE "C" > %s GROUP BY 1 ORDER BY 1 LIMIT {FILES_AT_ONCE}',
                [last],
            )
            rows = self._cursor.fetchall()
            digests = []
            for one, line in rows:
                self._tell(table_map.file, "comparing documents", done, of)
                digests.append(self._digest(table_map, column, one, line))
                done += 1
            self._cursor.execute(
                f"UPDATE {table_map.staging_table} s SET {read} = found.sha256 "
                "FROM unnest(%s::text[], %s::text[]) AS found (path, sha256) "
                f"WHERE {path} = found.path AND {wanted}",
                [[one for one, _ in rows], digests],
            )
            if len(rows) < FILES_AT_ONCE:
                return
            last = rows[-1][0]

    def _digest(self, table_map: TableMap, column: Column, path: str, line: int) -> str:
        """Return a file's SHA-256; report one that can't be read, and return an empty string."""
        digest = hashlib.sha256()
        read = self._read(table_map, column, path, line, digest.update)
        return digest.hexdigest() if read else ""

    # Changed files.

    def _list_changed(self, table_map: TableMap, column: Column, use: FileUse) -> None:
        """Create the table of rows whose file isn't the portal's; without a file, the digest is empty."""
        changed, digest = table_map.changed_files(column), table_map.digest(column)
        self._cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{changed}")
        self._cursor.execute(
            f"""
            CREATE TEMPORARY TABLE {changed} ON COMMIT DROP AS
            SELECT s.line, s.key, s.{quote(column.name)} AS path, {digest} AS sha256
            FROM {table_map.staging_table} s
            LEFT JOIN {table_map.db_table} t ON t.source = %(source)s AND t.external_id = s.key
            WHERE NOT s.deleted AND {digest} <> COALESCE(t.{quote(table_map.field(use.digest).column)}, '')
            """,
            {"source": self._source},
        )
        self._cursor.execute(f"ANALYZE {changed}")

    def _take_changed(self, table_map: TableMap, column: Column, take: Take, local: Path) -> None:
        """Take each changed file once. Rows may share a file, by its path or by its content."""
        changed, kept = table_map.changed_files(column), table_map.taken_files(column)
        columns = ", ".join(f"{quote(name)} {pg_type}" for name, pg_type in TAKEN.items())
        self._cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{kept}")
        self._cursor.execute(f"CREATE TEMPORARY TABLE {kept} (sha256 text NOT NULL, {columns}) ON COMMIT DROP")
        self._store_taken(kept, {"": Taken()})
        files = f"SELECT sha256, path, min(line) AS line FROM {changed} WHERE sha256 <> '' GROUP BY sha256, path"
        sha256, done, of = "", 0, self._count(f"SELECT count(*) FROM ({files}) files")
        for rows in self._fetched(f"{files} ORDER BY sha256, path", FILES_AT_ONCE):
            taken: dict[str, Taken] = {}
            for expected, path, line in rows:
                self._tell(table_map.file, "storing documents", done, of)
                done += 1
                if self._copy(table_map, column, path, line, expected, local) and expected != sha256:
                    sha256 = expected
                    taken[sha256] = take(local, sha256, keep=self._keep)
            self._store_taken(kept, taken)
        self._cursor.execute(f"ANALYZE {kept}")

    def _fetched(self, query: str, at_once: int) -> Iterator[list[Any]]:
        """Yield what a query finds, so many rows at once; it doesn't see what happens meanwhile."""
        self._cursor.execute(f"DECLARE feed_fetched NO SCROLL CURSOR FOR {query}")
        while True:
            self._cursor.execute(f"FETCH {at_once} FROM feed_fetched")
            rows = self._cursor.fetchall()
            yield rows
            if len(rows) < at_once:
                break
        self._cursor.execute("CLOSE feed_fetched")

    def _copy(self, table_map: TableMap, column: Column, path: str, line: int, expected: str, local: Path) -> bool:
        """Copy a file out of the package, and return whether it is the expected one; report one that isn't."""
        digest = hashlib.sha256()
        with local.open("wb") as copy:

            def write(chunk: bytes) -> None:
                digest.update(chunk)
                copy.write(chunk)

            if not self._read(table_map, column, path, line, write):
                return False
        if digest.hexdigest() == expected:
            return True
        sentence = f"‘{path}’ doesn't have the SHA-256 that its row gives; the file was changed in transit."
        self._report(table_map, line, column.name, "file-sha256", sentence)
        return False

    def _store_taken(self, kept: str, taken: dict[str, Taken]) -> None:
        """Enter what became of files, by their digests."""
        arrays = ", ".join(f"%s::{pg_type}[]" for pg_type in ("text", *TAKEN.values()))
        self._cursor.execute(
            f"INSERT INTO {kept} (sha256, {', '.join(map(quote, TAKEN))}) SELECT * FROM unnest({arrays})",
            [list(taken), *([getattr(one, name) for one in taken.values()] for name in TAKEN)],
        )

    def _count(self, sql: str) -> int:
        self._cursor.execute(sql)
        return int(self._cursor.fetchone()[0])

    # Reading and reporting.

    def _read(self, table_map: TableMap, column: Column, path: str, line: int, write: Any) -> bool:
        """Hand a file's bytes to `write`, and return whether it could be read to its end; report one that couldn't."""
        for chunk in self._chunks(path):
            if chunk is None:
                sentence = f"‘{path}’ can't be read to the end; the package is damaged."
                self._report(table_map, line, column.name, "unreadable", sentence)
                return False
            write(chunk)
        return True

    def _chunks(self, path: str) -> Iterator[bytes | None]:
        """Yield a file's bytes, and None where the package is damaged. What the caller does with them may raise too."""
        try:
            stream: IO[bytes] = self._package.open(path)
        except READ_ERRORS:
            yield None
            return
        with stream:
            while True:
                try:
                    chunk = stream.read(CHUNK)
                except READ_ERRORS:
                    chunk = None
                if chunk == b"":
                    return
                yield chunk
                if chunk is None:
                    return

    def _report(
        self, table_map: TableMap, line: int, column: str, code: str, sentence: str, *, stage: Stage = Stage.PACKAGE
    ) -> None:
        file = table_map.file
        findings = self.missing if stage is Stage.REFERENCES else self.findings
        findings.add(Found(stage, Severity.ERROR, code, sentence, file=file, row=line, column=column))

    def _warn(self, table_map: TableMap, column: Column, use: FileUse, fault: str, sentence: str) -> None:
        """Warn of the file's rows whose file has a fault, whether it came now or before."""
        names = _NAMES.findall(sentence)
        shown = "".join(f", s.{quote(name)}::text" for name in names)
        field = quote(table_map.field(use.fields["fault"]).column)
        self._cursor.execute(
            f"""
            SELECT s.line{shown}, count(*) OVER () FROM {table_map.staging_table} s
            JOIN {table_map.db_table} t ON t.source = %(source)s AND t.external_id = s.key
            WHERE NOT s.deleted AND s.{quote(column.name)} <> '' AND t.{field} = %(fault)s
            ORDER BY s.line LIMIT {KEPT_PER_CODE}""",
            {"source": self._source, "fault": fault},
        )
        rows = self._cursor.fetchall()
        for line, *values, found in rows:
            like = Found(
                Stage.BUSINESS,
                Severity.WARNING,
                f"file-{fault}",
                sentence.format(**dict(zip(names, values, strict=True))),
                file=table_map.file,
                row=line,
                column=column.name,
            )
            self.findings.add(like)
            if line == rows[-1][0] and found > len(rows):
                self.findings.add_uncounted(like, found - len(rows))


def _used(staging: Staging) -> Iterator[tuple[TableMap, Column, FileUse]]:
    """Yield each column of the staged file that names files of the package."""
    for column in staging.table_map.files:
        if column.use is None:
            raise ImproperlyConfigured(f"{staging.table_map.file}: {column.name} doesn't say what its files are for.")
        yield staging.table_map, column, column.use
