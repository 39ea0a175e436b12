"""System packages that the portal needs, and `python3 -m core.system demo`, which installs the missing ones.

Only the standard library: this runs before anything is installed. The list is in system_packages.toml.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

LIST = Path(__file__).with_name("system_packages.toml")
# In order of preference; brew never asks for root.
MANAGERS = {"apt": "apt-get install", "dnf": "dnf install", "brew": "brew install"}
APT_OPTIONS = ("-qq", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::http::Timeout=30")
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Need:
    """One entry of the list; the file explains the fields."""

    what: str
    commands: tuple[str, ...]
    packages: dict[str, str]
    without: str = ""
    programs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    @property
    def program(self) -> str | None:
        """The path of the first of its programs that is found."""
        return next(filter(None, map(shutil.which, self.programs)), None)

    @property
    def file(self) -> Path | None:
        """The first of its files that is found."""
        found = (path for pattern in self.files for path in sorted(Path("/").glob(pattern.removeprefix("/"))))
        return next(found, None)

    @property
    def missing(self) -> bool:
        """Whether this machine lacks it. Libraries are looked up on Linux only, where we know their names."""
        if (self.programs and self.program is None) or (self.files and self.file is None):
            return True
        if sys.platform == "linux" and not all(map(loads, self.libraries)):
            return True
        return any(importlib.util.find_spec(module) is None for module in self.modules)

    @property
    def lack(self) -> str:
        """What is missing and what follows from that, without a period."""
        return f"{self.what} is missing, so {self.without}" if self.without else f"{self.what} is missing"

    @property
    def sentence(self) -> str:
        """What is missing, what follows from that, and how to install it on this machine."""
        return f"{self.lack}: install it {how_to_install([self])}."


@cache
def needs() -> dict[str, Need]:
    """Return the list, by name."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = {}
    for name, entry in tomllib.loads(LIST.read_text()).items():
        packages = {manager: entry.pop(manager).format(python=version) for manager in MANAGERS}
        found[name] = Need(packages=packages, **{key: _fixed(value) for key, value in entry.items()})
    return found


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def loads(library: str) -> bool:
    """Whether the machine has this shared library, for example `libpango-1.0.so.0`."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def how_to_install(wanted: Iterable[Need]) -> str:
    """Return the end of a sentence: the install command of this machine's package manager, or Debian's if we don't
    know it."""
    manager = next((name for name in MANAGERS if shutil.which(MANAGERS[name].split()[0])), "apt")
    packages = " ".join(need.packages[manager] for need in wanted)
    return f"{'' if manager == 'brew' else 'as root '}with '{MANAGERS[manager]} {packages}'"


def as_root() -> list[str] | None:
    """Return the prefix that runs a command as root: none for root, sudo if it needs no password."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:  # noqa: S603
        return [sudo, "-n"]
    return None


def install(wanted: Sequence[Need]) -> bool:
    """Install packages with apt-get, saying so in one line; if it fails, show its output.

    Required packages are installed together and optional ones one by one, so that a package missing from this Debian
    release blocks nothing else. Returns False if there is no apt-get or we may not use it.
    """
    prefix = as_root() if shutil.which("apt-get") else None
    if prefix is None:
        return False
    names = " ".join(need.packages["apt"] for need in wanted)
    print(f"Installing {names} with apt-get, {'by sudo' if prefix else 'as root'}", flush=True)
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "apt-get", *APT_OPTIONS]
    updated = _run([*apt, "update"])
    must = [need for need in wanted if not need.without]
    for together in filter(None, [must, *([need] for need in wanted if need.without)]):
        packages = [package for need in together for package in need.packages["apt"].split()]
        done = _run([*apt, "install", "--yes", "--no-install-recommends", *packages])
        if done.returncode != 0:
            said = updated.stdout if updated.returncode != 0 else ""
            print(f"{said}{done.stdout}".rstrip(), file=sys.stderr, flush=True)
    importlib.invalidate_caches()
    return True


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run apt-get to its end, shielded from Ctrl-C: a half-installed package would be worse than a short wait.

    When we are told to stop, apt-get gets an interrupt: it ends a download at once and a package's installation
    when the package is whole.
    """
    with subprocess.Popen(  # noqa: S603  # our own words
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate()
        except KeyboardInterrupt:
            try:
                process.send_signal(signal.SIGINT)
            except PermissionError:
                print("Waiting for apt-get, which belongs to root, to end", file=sys.stderr, flush=True)
            process.communicate()
            raise
    return subprocess.CompletedProcess(command, process.returncode, output)


def main(arguments: Sequence[str]) -> int:
    """Install what the listed commands ('demo') need, or say what's missing; return 1 if that is required."""
    wanted = [need for need in needs().values() if set(arguments) & set(need.commands) and need.missing]
    if wanted:
        install(wanted)
    still = [need for need in wanted if need.missing]
    if still:
        all_of_it = "it" if len(still) == 1 else "all of it"
        lacks = ". ".join(need.lack for need in still)
        print(f"{lacks}: install {all_of_it} {how_to_install(still)}.", file=sys.stderr, flush=True)
    return 1 if any(not need.without for need in still) else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform == "linux" and os.environ.get("PORTAL_END_WITH_PARENT"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
