"""How gunicorn serves the portal: one process of threads, or several, by environment.

WEB_BIND (default 127.0.0.1:8000, several separated by commas), WEB_PROCESSES (1), WEB_THREADS (8, also the size of
the connection pool of each process), WEB_TIMEOUT (seconds, 60), LOG_LEVEL (INFO).
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

from portal.embedded.processes import end_with_parent
from portal.logging import logging_config

bind = os.environ.get("WEB_BIND", "127.0.0.1:8000").split(",")
workers = int(os.environ.get("WEB_PROCESSES", "1"))
threads = int(os.environ.get("WEB_THREADS", "8"))
worker_class = "gthread"
timeout = int(os.environ.get("WEB_TIMEOUT", "60"))
graceful_timeout = 20
# It would lie in the home folder, one for all: two demos, or two portals, would take it from each other.
control_socket_disable = True
# Heartbeats of the worker processes: in memory, not on a disk that may be slow.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # gunicorn makes a private file there
# The portal logs each request itself, by view and without addresses.
accesslog = None
logconfig_dict = logging_config(level=os.environ.get("LOG_LEVEL", "INFO"), json=True)
logconfig_dict["loggers"] |= {
    name: {"handlers": [], "propagate": True, "level": "INFO"} for name in ("gunicorn.error", "gunicorn.access")
}

if workers > 1:
    # Several processes add up their figures in files, which start from nothing. Set before anything imports the
    # library: it decides then where figures are kept.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="portal-metrics-")


def post_fork(server: Any, worker: Any) -> None:
    """A worker ends with its master, even if that is killed and can't say so."""
    end_with_parent(signal.SIGKILL)


def child_exit(server: Any, worker: Any) -> None:
    """Forgets the live figures of a worker that has gone."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """Removes the figures of a master that ends in order."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
