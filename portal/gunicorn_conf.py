"""How gunicorn serves the portal: a process of threads for each core, by environment.

WEB_BIND (default 127.0.0.1:8000, several separated by commas), WEB_PROCESSES (the cores, 8 at most), WEB_THREADS (8,
also the size of the connection pool of each process), WEB_TIMEOUT (seconds, 60), WEB_KEEPALIVE (seconds, 75),
LOG_LEVEL (INFO).
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

from embedded.processes import end_with_parent
from portal.logging import logging_config

# Each process brings its threads' database connections: 64 at most by default, of the 100 that PostgreSQL gives out.
MOST_PROCESSES = 8
INVALID_REQUEST = "Invalid request from ip="


def cores() -> int:
    """How many cores this process may use: of the machine, by affinity, and within a container's quota."""
    number = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return number
    return number if quota == "max" else max(1, min(number, int(quota) // int(period)))


def without_what_was_sent(record: logging.LogRecord) -> bool:
    """Return a filter: gunicorn's own messages about a request lose the client's address, the query and the header."""
    if str(record.msg).startswith(INVALID_REQUEST):
        record.msg, record.args = "a request that can't be read was refused", ()
    elif str(record.msg).startswith("Error handling request"):
        record.msg, record.args = "a request failed outside the portal", ()
    return True


bind = os.environ.get("WEB_BIND", "127.0.0.1:8000").split(",")
workers = int(os.environ.get("WEB_PROCESSES") or min(cores(), MOST_PROCESSES))
threads = int(os.environ.get("WEB_THREADS", "8"))
worker_class = "gthread"
# Imported once; the processes share the memory of it. A new release needs a restart: HUP doesn't read code again.
preload_app = True
timeout = int(os.environ.get("WEB_TIMEOUT", "60"))
graceful_timeout = 20
# Longer than a proxy keeps an idle connection (nginx, HAProxy, and load balancers of the clouds: 60 s or less).
# Otherwise a request now and then meets a connection that is just closing, and the proxy answers 502.
keepalive = int(os.environ.get("WEB_KEEPALIVE", "75"))
# No header decides where the portal is mounted or which page is asked for.
forwarder_headers = ""
# It would lie in the home folder, one for all: two demos, or two portals, would take it from each other.
control_socket_disable = True
# Heartbeats of the worker processes: in memory, not on a disk that may be slow.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # gunicorn makes a private file there
# The portal logs each request itself, by view and without addresses. gunicorn writes its access log as soon as there
# is a `logconfig_dict`, whatever `accesslog` says: only the logger's own settings keep it silent.
accesslog = None
logconfig_dict = logging_config(level=os.environ.get("LOG_LEVEL", "INFO"), json=True)
logconfig_dict["filters"] = {"without_what_was_sent": {"()": lambda: without_what_was_sent}}
logconfig_dict["loggers"] |= {
    "gunicorn.access": {"handlers": [], "propagate": False, "level": "CRITICAL"},
    "gunicorn.error": {"handlers": [], "propagate": True, "level": "INFO", "filters": ["without_what_was_sent"]},
}

if workers > 1:
    # Several processes add up their figures in files, which start from nothing. Set before anything imports the
    # library: it decides then where figures are kept.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="portal-metrics-")


def pre_fork(server: Any, worker: Any) -> None:
    """Keep the collector of unused objects away from what was imported, so that its memory stays shared."""
    gc.freeze()


def post_fork(server: Any, worker: Any) -> None:
    """End a worker with its master, even if the master is killed."""
    end_with_parent(signal.SIGKILL)


def child_exit(server: Any, worker: Any) -> None:
    """Forget the live figures of a worker that has gone."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """Remove the figures of a master that ends in order."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
