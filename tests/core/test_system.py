"""What a machine must have: what is missing is installed, or named with the way to get it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import system
from core.system import Need, needs

ROOT = system.LIST.parent.parent
# Notes how it was called; makes the missing program appear, unless it is told to fail.
APT_GET = """#!/bin/sh
echo "$*" >>"{log}"
case "$*" in
  *update*) exit 0 ;;
  *unknown*) echo "E: Unable to locate package unknown"; exit 100 ;;
esac
printf '#!/bin/sh\\n' >"{folder}/wanted"
chmod +x "{folder}/wanted"
"""
MUST = Need(what="Wanted", commands=("test",), packages=dict.fromkeys(system.MANAGERS, "wanted"), programs=("wanted",))
NICE = Need(
    what="Unknown",
    commands=("test",),
    packages=dict.fromkeys(system.MANAGERS, "unknown"),
    without="tests are skipped",
    programs=("unknown",),
)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a machine that has nothing but what a test puts into this folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "env", "chmod"):
        (folder / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(system, "needs", lambda: {"must": MUST, "nice": NICE})
    return folder


def with_apt_get(folder: Path) -> Path:
    """Give the machine an apt-get; the file that will say how it was called."""
    log = folder.parent / "apt.log"
    (folder / "apt-get").write_text(APT_GET.format(log=log, folder=folder))
    (folder / "apt-get").chmod(0o755)
    return log


def test_root_installs_what_is_missing_once_and_an_unknown_package_spoils_nothing(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    log = with_apt_get(machine)
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert system.main(["test"]) == 0

    out, err = capfd.readouterr()
    assert out == "Installing wanted unknown with apt-get, as root\n"
    assert "E: Unable to locate package unknown" in err, "what apt-get says is shown"
    assert "Unknown is missing, so tests are skipped: install it as root with 'apt-get install unknown'." in err
    assert [re.search(r"update|wanted|unknown", line).group() for line in log.read_text().splitlines()] == [
        "update",
        "wanted",
        "unknown",
    ]

    log.unlink()
    monkeypatch.setattr(system, "needs", lambda: {"must": MUST})
    assert system.main(["test"]) == 0
    assert not log.exists(), "apt-get isn't asked where nothing is missing"
    assert capfd.readouterr() == ("", "")


def test_a_user_who_may_not_install_is_told_the_command_and_stopped_only_by_what_must_be_there(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    log = with_apt_get(machine)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert system.main(["test"]) == 1
    assert not log.exists()
    assert capfd.readouterr().err == (
        "Wanted is missing. Unknown is missing, so tests are skipped: "
        "install all of it as root with 'apt-get install wanted unknown'.\n"
    )

    monkeypatch.setattr(system, "needs", lambda: {"nice": NICE})
    assert system.main(["test"]) == 0, "the tests run without, and skip"
    assert "Unknown is missing, so tests are skipped" in capfd.readouterr().err
    assert system.main(["demo"]) == 0
    assert capfd.readouterr().err == "", "the demo doesn't need it"


def test_a_user_with_sudo_that_asks_no_password_installs_by_it(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with_apt_get(machine)
    (machine / "true").symlink_to(str(shutil.which("true", path=os.defpath)))
    (machine / "sudo").write_text('#!/bin/sh\nshift\nexec "$@"\n')
    (machine / "sudo").chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system, "needs", lambda: {"must": MUST})

    assert system.main(["test"]) == 0
    assert capfd.readouterr().out == "Installing wanted with apt-get, by sudo\n"


def test_a_stop_while_apt_get_works_is_handed_on_and_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "apt.log"
    script = (
        f"#!/bin/sh\ntrap 'echo stopped >>{log}; exit 1' INT\necho started >>{log}\nwhile :; do /bin/sleep 0.1; done\n"
    )
    for name, text in {"apt-get": script, "sudo": '#!/bin/sh\nshift\nexec "$@"\n', "true": "#!/bin/sh\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "env").symlink_to(str(shutil.which("env")))
    # Nothing is on this PATH, so Chromium is missing.
    command = [sys.executable, "-m", "core.system", "test"]
    with subprocess.Popen(command, cwd=ROOT, env={"PATH": str(tmp_path)}, stdout=subprocess.PIPE) as process:
        while not log.exists() or log.read_text() != "started\n":
            assert process.poll() is None
            time.sleep(0.02)
        process.terminate()

    assert process.returncode == 130
    assert log.read_text() == "started\nstopped\n"


@pytest.mark.parametrize(
    ("manager", "command"),
    [("dnf", "as root with 'dnf install pango'"), ("brew", "with 'brew install pango'")],
)
def test_the_sentence_is_for_this_platform(machine: Path, manager: str, command: str) -> None:
    (machine / manager).write_text("#!/bin/sh\n")
    (machine / manager).chmod(0o755)

    assert needs()["pango"].sentence == f"Pango, which lays out the PDFs, is missing: install it {command}."


def test_the_list_names_a_package_of_every_manager_and_a_way_to_find_each() -> None:
    commands = {command for need in needs().values() for command in need.commands}
    assert commands >= {"install", "demo", "test", "another-day"}
    for need in needs().values():
        assert all(need.packages[manager] for manager in system.MANAGERS)
        assert need.programs or need.files or need.libraries or need.modules
    assert needs()["venv"].packages["apt"] == f"python3.{sys.version_info.minor}-venv"


def test_the_script_needs_nothing_but_python() -> None:
    code = "import sys; sys.argv[1:] = ['demo']; from core import system; system.needs()"
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"]
    subprocess.run(command, check=True)


def test_without_chromium_browser_tests_are_skipped_and_say_how_to_get_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-rs", "-p", "no:cacheprovider", "tests/browser"]
    env = os.environ | {"PATH": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert "Chromium is missing, so tests in a browser are skipped: install it as root with 'apt-get" in done.stdout
    assert re.search(r"^\d+ skipped in ", done.stdout.splitlines()[-1]), "all of them, and nothing else happens"
