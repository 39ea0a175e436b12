"""The demo's programs: Celery's workers and beat, and gunicorn. Each is `python -m program arguments`.

They need the same modules, and importing those takes longer than anything else at their start. So the demo imports
once and forks (docs/decisions/0052-programs-forked.md).
"""

from __future__ import annotations

import importlib
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings

from embedded import client
from embedded.addresses import BASE_DIR, with_pool
from embedded.forking import Forked, fork
from embedded.processes import die_with_parent

# What the programs import by name when they run, and what the first request would import.
MODULES = (
    *("celery.bin.celery", "celery.apps.worker", "celery.apps.beat", "celery.worker.consumer"),
    *("celery.concurrency.solo", "kombu.transport.redis", "redis.sentinel"),
    *("gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "portal.urls"),
    *(name.rpartition(".")[0] for name in settings.MIDDLEWARE),
)


def import_programs() -> None:
    """Import everything that the programs need. Opens no connection and starts no thread."""
    if web_processes() > 1:
        # The library decides at its import whether figures are kept in files; gunicorn's settings name the folder.
        figures = Path(settings.DATA_DIR) / "figures"
        figures.mkdir(parents=True, exist_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(figures)
    for module in MODULES:
        importlib.import_module(module)
    from portal.celery import app

    app.loader.import_default_modules()
    app.finalize()


def web_processes() -> int:
    """Return how many processes serve pages. One visitor needs one."""
    return int(os.environ.get("WEB_PROCESSES") or 1)


def fork_program(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Forked:
    """Start a program in a child that has its modules already."""

    def run() -> None:
        client.leave()
        os.chdir(BASE_DIR)
        os.environ |= environment
        if pool := int(os.environ.get("DATABASE_POOL_SIZE", "0")):
            # The settings were read before.
            settings.DATABASES["default"] |= with_pool(settings.DATABASES["default"], pool)
        sys.argv = list(command)
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)

    return fork(run, log=log)


def spawn_program(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a program in a new Python, which reads the sources as they are now."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603  # our own programs, no shell
            [sys.executable, "-m", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=BASE_DIR,
            env={**os.environ, **environment},
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509  # started from the only thread
        )
