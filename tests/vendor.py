"""Twilio's API on this machine, over real HTTP: a stand-in of our own, and Prism serving Twilio's own description."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema
from django.conf import settings

MESSAGE = "SM" + "1" * 32
CALL = "CA" + "1" * 32
# How long the end of a stand-in may take, which each test that has one waits for.
POLL_SECONDS = 0.02
# What Twilio wants of our requests, in our own words; its description says more (`description`).
NUMBER = {"type": "string", "pattern": r"^\+1\d{10}$"}
REPORTS = {"type": "string", "pattern": r"^https://[^?]+/accounts/twilio-status/\?challenge=[\w-]+$"}
SCHEMAS: dict[str, dict[str, Any]] = {
    "Messages.json": {
        "required": ["To", "From", "Body"],
        "properties": {
            "To": NUMBER,
            "From": NUMBER,
            "Body": {"type": "string", "minLength": 1, "maxLength": 1600},
            "StatusCallback": REPORTS,
            "ValidityPeriod": {"type": "string", "pattern": r"^\d{1,5}$"},
        },
        "additionalProperties": False,
    },
    "Calls.json": {
        "required": ["To", "From", "Twiml"],
        "properties": {
            "To": NUMBER,
            "From": NUMBER,
            "Twiml": {"type": "string", "maxLength": 4000, "pattern": "^<[?]xml .*<Response>.*</Response>$"},
            "SendDigits": {"type": "string", "pattern": r"^[0-9#*wW]{1,32}$"},
            "StatusCallback": REPORTS,
            "StatusCallbackMethod": {"enum": ["GET", "POST"]},
            "Timeout": {"type": "string", "pattern": r"^\d{1,3}$"},
            "TimeLimit": {"type": "string", "pattern": r"^\d{1,5}$"},
        },
        "additionalProperties": False,
    },
}


class StandIn:
    """Answers like the vendor and keeps what it was asked: path, form and authorization of each request.

    A request that doesn't fit gets 400. `status` and `answer` replace the usual answer, `hang_up` closes the
    connection, and `pause` is how many seconds it takes.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.requests: list[tuple[str, dict[str, str], str]] = []
        self.status = 201
        self.answer: dict[str, Any] = {}
        self.hang_up = False
        self.pause = 0.0

    def judge(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Return the status and the answer of a request."""
        resource = path.rsplit("/", 1)[1]
        try:
            jsonschema.Draft202012Validator(SCHEMAS[resource]).validate(form)
        except jsonschema.ValidationError as error:
            return 400, {"code": 21200, "message": error.message, "status": 400}
        usual = {"sid": MESSAGE if resource == "Messages.json" else CALL, "status": "queued"}
        return self.status, self.answer or usual


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Serve while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = dict(parse_qsl(body))
            vendor.requests.append((self.path, form, self.headers["Authorization"]))
            time.sleep(vendor.pause)
            if vendor.hang_up:
                self.connection.close()
                return
            status, said = vendor.judge(self.path, form)
            answer = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            """Nothing is written."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vendor = StandIn(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()


def description() -> Path | None:
    """Return Twilio's own description of its API (OpenAPI), if it's here: `TWILIO_DESCRIPTION` names the file, or it's
    in the folder `shared/api` beside the project."""
    named = os.environ.get("TWILIO_DESCRIPTION", "")
    path = Path(named) if named else settings.BASE_DIR.parent / "shared" / "api" / "twilio-v2010.json"
    return path if path.is_file() else None


def prism_program() -> str | None:
    """Return Prism (npm's `@stoplight/prism-cli`), if it's here: `PRISM` names the program, or it's on the path."""
    return os.environ.get("PRISM") or shutil.which("prism")


@contextmanager
def prism(file: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve a description with Prism, which refuses what doesn't fit. Yield its address and process."""
    program = prism_program()
    assert program, "there is no Prism"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "mock", "--errors", "--port", str(port), "--verboseLevel", "warn", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(timeout=120)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError("Prism did not start.")
