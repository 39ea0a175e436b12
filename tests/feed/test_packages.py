"""Archives of any bytes: opened, or refused with a sentence, never an error of another kind."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feed.package import READ_ERRORS, PackageError, open_package


def an_archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", '{"schema": "portal-feed/1"}')
        archive.writestr("terms.csv", "term_id,status\r\nT1,bound\r\n" * 20)
    return out.getvalue()


ARCHIVE = an_archive()
changes = st.lists(st.tuples(st.integers(0, len(ARCHIVE) - 1), st.integers(0, 255)), max_size=6)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes, st.integers(0, len(ARCHIVE)))
def test_a_spoiled_archive_is_read_or_refused(tmp_path: Path, changed: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(ARCHIVE)
    for at, value in changed:
        data[at] = value
    path = tmp_path / "spoiled.zip"
    path.write_bytes(data[:cut] if cut % 7 == 0 else data)
    # A refusal is as good; whatever else is raised fails the test.
    with contextlib.suppress(PackageError), open_package(path, max_bytes=1_000_000) as package:
        for name in package.sizes:
            with contextlib.suppress(*READ_ERRORS), package.open(name) as stream:
                assert len(stream.read()) <= 1_000_000
        package.manifest()
