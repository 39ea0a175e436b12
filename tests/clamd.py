"""Virus scanners for tests: ClamAV's own daemon with one signature, and a stand-in that speaks its protocol."""

from __future__ import annotations

import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.system import needs
from tests.uploads import VIRUS

CONFIG = """
DatabaseDirectory {folder}/signatures
LocalSocket {folder}/clamd.sock
Foreground yes
PidFile {folder}/pid
StreamMaxLength 11M
SelfCheck 0
"""


@contextmanager
def clamav() -> Iterator[str]:
    """Run ClamAV's daemon on its own socket, with one signature; yields its address."""
    program = needs()["clamav"].program
    assert program is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "signatures").mkdir()
        (folder / "signatures/portal.ndb").write_text(f"Portal.Test:0:*:{VIRUS.hex()}\n")
        (folder / "clamd.conf").write_text(CONFIG.format(folder=folder))
        # It gives up root's rights where it has them.
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o777)
        command = [program, "--config-file", str(folder / "clamd.conf")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_for(folder / "clamd.sock", process)
                yield str(folder / "clamd.sock")
            finally:
                process.kill()


def _wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, "clamd ended"
        assert time.monotonic() < until, "clamd didn't start"
        time.sleep(0.02)


class _Answers(socketserver.StreamRequestHandler):
    """INSTREAM: pieces, each after its length, up to one of no length."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, StandIn)
        assert self.rfile.readline() == b"nINSTREAM\n"
        content = b""
        while length := int.from_bytes(self.rfile.read(4)):
            content += self.rfile.read(length)
        server.scanned.append(content)
        self.wfile.write(server.answer or (b"stream: Portal.Test FOUND\n" if VIRUS in content else b"stream: OK\n"))


class StandIn(socketserver.ThreadingTCPServer):
    """A daemon on a TCP port that knows one virus. `answer`: what it says instead."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.scanned: list[bytes] = []
        self.answer = b""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Run the stand-in."""
    with StandIn() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
