"""Check this container's own process: exit code 0 if it's at work, for the health checks in docker-compose.yml.

    python -m portal.probe web      the web server answers /readyz
    python -m portal.probe codes    this host's worker for that queue has sent a heartbeat
    python -m portal.probe beat     this host's schedule has handed over a task

It runs every few seconds, so it doesn't load Django: half a second of CPU would be too much.
"""

from __future__ import annotations

import http.client
import os
import socket
import sys
import time
from pathlib import Path

import redis

# As in `portal.workers`, which writes the heartbeats; a test keeps the two in step.
GONE_SECONDS = 35
SIGNS = "portal:workers:{}"


def web_is_ready(bind: str, host: str) -> bool:
    """Whether the server at the first address of WEB_BIND is ready; `host` is one of the portal's host names."""
    port = int(bind.split(",", maxsplit=1)[0].rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/readyz", headers={"Host": host})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def gives_signs(redis_url: str, queue: str, *, now: float) -> bool:
    """Whether this host's process for the queue has sent a heartbeat lately."""
    try:
        with redis.Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=2) as client:
            heard = client.zscore(SIGNS.format(queue), f"{queue}@{socket.gethostname()}")
    except redis.RedisError:
        return False
    return isinstance(heard, float) and heard > now - GONE_SECONDS


def setting(name: str, default: str = "") -> str:
    """Return a setting from the environment, or from the file named by NAME_FILE, as the portal's settings do."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return os.environ.get(name, default)


def main(what: str) -> int:
    """Return the exit code for one process: "web", "beat", or a queue."""
    if what == "web":
        hosts = setting("ALLOWED_HOSTS").split(",")
        return 0 if web_is_ready(setting("WEB_BIND", "127.0.0.1:8000"), hosts[0].strip()) else 1
    return 0 if gives_signs(setting("REDIS_URL"), what, now=time.time()) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
