"""docs/developers/adding-an-area.md, followed to the letter in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "developers" / "adding-an-area.md"
# A line with a file's name in backticks and a colon, or a fenced block; a block belongs to the name before it.
PIECE = re.compile(r"^`([\w./]+)`(?:, .*)?:$|^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What the page's first table lists; the area's own folders aside.
TOUCHED = {"portal/settings.py", "portal/urls.py", "pyproject.toml", "tests/test_access_matrix.py"}


@dataclass
class Walk:
    """What a page says to do: files to write, and changes as (file, lines before, lines after)."""

    files: dict[str, str] = field(default_factory=dict)
    changes: list[tuple[str, str, str]] = field(default_factory=list)


def read(page: str) -> Walk:
    """Return the files and changes of a page."""
    walk, name = Walk(), ""
    for file, language, body in PIECE.findall(page):
        if file:
            name = file
        elif language == "diff":
            lines = body.splitlines(keepends=True)
            walk.changes.append(
                (
                    name,
                    "".join(line[1:] for line in lines if line[0] in " -"),
                    "".join(line[1:] for line in lines if line[0] in " +"),
                )
            )
        else:
            walk.files[name] = body
    return walk


def apply(walk: Walk, copy: Path) -> None:
    """Do to a copy what the page says; a change's lines must be in its file once."""
    for name, text in walk.files.items():
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name, before, after in walk.changes:
        text = (copy / name).read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{name} has these lines {text.count(before)} times:\n{before}"
        (copy / name).write_text(text.replace(before, after), encoding="utf-8")


def run(copy: Path, *command: str, database: str) -> None:
    """Run a command in the copy, on our servers but with its own database."""
    where = settings.DATABASES["default"]
    environment = {
        # Half a dozen processes import the modules of the copy: the first leaves them compiled for the others.
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST_", "PORTAL_", "PYTHONDONT"))
        },
        "PORTAL_MODE": "test",
        "PORTAL_DATA_DIR": str(copy / ".data"),
        "DATABASE_URL": f"postgres://{where['USER']}@{where['HOST'].replace('/', '%2F')}:{where['PORT']}/{database}",
        "REDIS_URL": settings.REDIS_URL,
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return the repository's files as they are, changes that aren't committed included."""
    folder = tmp_path / "portal"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def test_the_page_touches_what_its_table_says() -> None:
    walk = read(PAGE.read_text(encoding="utf-8"))

    assert {name for name, _, _ in walk.changes} == TOUCHED
    assert {name.split("/")[-2] for name in walk.files} == {"visits"}


@pytest.mark.django_db
def test_the_area_of_the_page_works(copy: Path) -> None:
    database = f"{connection.settings_dict['NAME']}_walk"
    apply(read(PAGE.read_text(encoding="utf-8")), copy)

    run(copy, "manage.py", "makemigrations", "visits", "--skip-checks", database=connection.settings_dict["NAME"])
    run(copy, "-m", "tools.feed_format", database=database)
    run(copy, "-m", "ruff", "check", "visits", "tests/visits", database=database)
    run(
        copy,
        "-m",
        "ruff",
        "format",
        "--check",
        "visits/apps.py",
        "visits/models.py",
        "visits/views.py",
        "tests/visits",
        database=database,
    )
    run(copy, "-c", "from importlinter.cli import lint_imports_command as run; run()", database=database)
    run(
        copy,
        *("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "tests/visits", "tests/core/test_areas.py"),
        *(
            "tests/docs/test_feed_format.py",
            "tests/test_access_matrix.py::test_every_address_has_a_row_and_no_row_is_left_over",
        ),
        database=database,
    )
