"""The developers' loop: debug pages on the demo's data, and a reload when a file changes."""

from __future__ import annotations

import io
import json
import os
import signal
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from demo import develop
from demo.develop import WEB, Development
from embedded.supervision import Child
from tests.demo.test_demo import demo, everybodys_folder, free_port, read_until_ready  # noqa: F401  # a fixture
from tests.embedded.test_embedded import gone


class Process(Child):
    """A child that only remembers what was asked of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[str] = []

    def __getattribute__(self, verb: str) -> Any:
        if verb in {"revive", "ask_to_stop", "stop", "launch"}:
            return lambda: self.asked.append(verb)
        return super().__getattribute__(verb)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("billing/__init__.py", "billing/views.py", "templates/billing/home.html", "static/css/billing.css"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(develop, "BASE_DIR", tmp_path)
    monkeypatch.setattr("demo.run.client.ensure_running", lambda folder: None)
    return tmp_path


@pytest.mark.parametrize("changed", ["billing/views.py", "billing/new.py", "templates/billing/home.html"])
def test_workers_restart_when_a_source_or_a_template_changes_and_the_web_server_doesnt(
    checkout: Path, changed: str
) -> None:
    loop = Development(port=1, policies=12, out=io.StringIO())
    loop.children = [Process("worker for codes"), Process(WEB)]
    loop.look_after()
    (checkout / changed).touch()
    os.utime(checkout / changed, (1, 1))

    loop.look_after()
    loop.look_after()

    worker, web = loop.children
    assert worker.asked == ["revive", "ask_to_stop", "stop", "launch", "revive", "revive"]
    assert web.asked == ["revive", "revive", "revive"]


def test_a_style_sheet_restarts_nothing(checkout: Path) -> None:
    loop = Development(port=1, policies=12, out=io.StringIO())
    loop.children = [Process("worker for codes")]
    os.utime(checkout / "static/css/billing.css", (1, 1))

    loop.look_after()

    assert loop.children[0].asked == ["revive"]


def test_the_whole_loop_serves_style_sheets_as_they_are_and_leaves_nothing(everybodys_folder: Path) -> None:  # noqa: F811
    port = free_port()
    process = demo(everybodys_folder, "--port", str(port), "--policies", "12", command="dev")
    read_until_ready(process)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert '"/static/css/site.css"' in answer.read().decode(), "unhashed, so a change shows at once"
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/static/css/site.css") as answer:
        assert b"--space-" in answer.read()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/static/js/page.js") as answer:
        assert answer.read() == Path("static/js/page.js").read_bytes()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
        assert json.load(answer) == {"ready": True, "down": {}}

    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=300)

    assert process.returncode == 0, said
    assert gone(everybodys_folder)
