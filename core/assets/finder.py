"""Hands the made files to Django's `collectstatic` and to the development server, as if they were in `static/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.utils import matches_patterns
from django.core.files.storage import FileSystemStorage

from core.assets.faces import prepare_faces
from core.assets.sheets import NAME, prepare_sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class MadeFilesFinder(BaseFinder):
    """Finds `fonts/*.woff2` and `css/site.css`, and makes them when they are asked for."""

    def check(self, **kwargs: Any) -> list[Any]:
        """Return no findings: there is nothing to configure."""
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """Return the absolute path of a made file, or nothing."""
        found = next((str(file) for name, file in _files(path) if name == path), None)
        if found is None:
            return []
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        """Yield each made file with the storage that holds it."""
        for name, file in (*_files("fonts/"), *_files(NAME)):
            storage = FileSystemStorage(location=file.parent)
            storage.prefix = name.partition("/")[0]  # type: ignore[attr-defined]  # where `collectstatic` puts it
            if not matches_patterns(file.name, list(ignore_patterns or ())):
                yield file.name, storage


def _files(path: str) -> list[tuple[str, Path]]:
    """Return names and files of the kind that `path` belongs to; what isn't asked for isn't made."""
    if path.startswith("fonts/"):
        return [(f"fonts/{file.name}", file) for file in sorted(prepare_faces().iterdir())]
    return [(NAME, prepare_sheet())] if path == NAME else []
