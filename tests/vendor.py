"""A stand-in of Twilio's API on this machine, over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

MESSAGE = "SM" + "1" * 32


class StandIn:
    """Answers like the vendor and keeps what it was asked: path, form and authorization of each request."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.requests: list[tuple[str, dict[str, str], str]] = []
        self.status = 201
        self.answer: dict[str, Any] = {"sid": MESSAGE, "status": "queued"}
        self.hang_up = False


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Serve while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            vendor.requests.append((self.path, dict(parse_qsl(body)), self.headers["Authorization"]))
            if vendor.hang_up:
                self.connection.close()
                return
            answer = json.dumps(vendor.answer).encode()
            self.send_response(vendor.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            """Nothing is written."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vendor = StandIn(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
