"""`manage.py dev`: the demo for developers, with debug pages and with everything reloaded when a file changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from demo import programs
from demo.run import Demo, web_answers
from embedded.addresses import BASE_DIR
from embedded.processes import die_with_parent
from embedded.supervision import Child, Process

WEB = "web server"


@dataclass
class Development(Demo):
    """The demo with Django's own server, whose log is shown here, and workers that start again after a change.

    The server itself sees changed code; templates, style sheets, and scripts it reads afresh for each request.
    """

    seen: dict[Path, float] = field(default_factory=lambda: dict(modified()))

    def look_after(self) -> None:
        """Restart the workers and the schedule if a source or a template has changed."""
        now = dict(modified())
        if now != self.seen:
            self.seen = now
            self.restart_workers()
        super().look_after()

    def restart_workers(self) -> None:
        """Stop all of them at the same time, and start them again; a faulty file ends them, which the demo reports."""
        workers = [child for child in self.children if child.name != WEB]
        for child in workers:
            child.ask_to_stop()
        for child in workers:
            child.stop()
            child.launch()
        self.say("Workers restarted.")

    def import_programs(self) -> None:
        """Import nothing: a program that starts again after a change needs the new sources."""

    def start_program(self, command: list[str], log: Path, environment: dict[str, str]) -> Process:
        """Start a program in a new Python."""
        return programs.spawn_program(command, log, environment)

    def web(self) -> Child:
        """Django's server with debug pages, on the terminal of the command."""
        return Child(
            WEB,
            start=partial(_serve, self.port),
            ready=partial(web_answers, self.port),
            stop_signals=(signal.SIGTERM, signal.SIGKILL),
            stop_seconds=8,
            log=Path(os.devnull),
        )


def modified() -> Iterator[tuple[Path, float]]:
    """Yield the portal's sources and templates, each with its time of change."""
    packages = (path for path in BASE_DIR.iterdir() if (path / "__init__.py").is_file())
    sources = (path for package in packages for path in package.rglob("*.py"))
    for path in (*sources, *(BASE_DIR / "templates").rglob("*.*")):
        try:
            yield path, path.stat().st_mtime
        except FileNotFoundError:
            continue


def _serve(port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  # our own program, no shell
        [sys.executable, "manage.py", "runserver", f"127.0.0.1:{port}"],
        stdin=subprocess.DEVNULL,
        cwd=BASE_DIR,
        # The reloader's own child isn't ours to stop: it ends with its parent.
        env=os.environ | {"PORTAL_DEBUG": "1", "PORTAL_END_WITH_PARENT": "1"},
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509  # started from the only thread
    )
