"""Forked children: they have what the parent has imported, answer once, and can't outlive it.

Each test runs a Python of its own, since only a process with one thread can fork.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from embedded.addresses import BASE_DIR

START = """
import os, signal, sys, time
from pathlib import Path
from subprocess import TimeoutExpired
from embedded.forking import Job, fork
from embedded.processes import EmbeddedError
from embedded.supervision import Child

def fail(error):
    raise error
"""


def run(source: str, *arguments: object) -> str:
    """Run a Python program to its end, and return all it says."""
    done = subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(source), *map(str, arguments)],
        cwd=BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    return done.stdout


def runs(pid: int) -> bool:
    """Whether a process runs; one that has ended has no command line, even before anyone asks for its exit code."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_exit_code_is_that_of_the_work() -> None:
    said = run("""
        for work in (lambda: None, lambda: fail(ValueError()), lambda: sys.exit(3), lambda: sys.exit("no")):
            print("code", fork(work, log=Path(os.devnull)).wait(60))
    """)

    assert said.splitlines() == ["code 0", "code 1", "code 3", "code 1"]


def test_a_childs_output_is_added_to_its_log_and_a_failure_ends_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")

    run(
        """
        def work():
            print("said")
            raise ValueError("the reason")

        fork(work, log=Path(sys.argv[1])).wait(60)
        """,
        log,
    )

    lines = log.read_text().splitlines()
    assert "before" in lines[0]
    assert "said" in lines
    assert "ValueError: the reason" in lines


def test_a_child_is_in_a_session_of_its_own_and_a_signal_ends_it() -> None:
    said = run("""
        child = fork(lambda: (print(os.getsid(0) == os.getpid()), sys.stdout.flush(), time.sleep(60)))
        try:
            child.wait(0.5)
        except TimeoutExpired:
            print("runs", child.poll())
        child.send_signal(signal.SIGTERM)
        print("ended", child.wait(60))
        child.send_signal(signal.SIGTERM)  # to nobody: another process may have the number by now
    """)

    assert said.splitlines() == ["True", "runs None", "ended -15"]


def test_a_forked_child_that_dies_is_forked_again() -> None:
    said = run("""
        stop = (signal.SIGTERM, signal.SIGKILL)
        log = Path(os.devnull)
        start = lambda: fork(lambda: time.sleep(60))
        child = Child("sleeper", start=start, ready=lambda: True, stop_signals=stop, log=log)
        child.launch()
        first = child.process
        first.send_signal(signal.SIGKILL)
        first.wait(60)
        print("died", child.revive())
        child.start_at = 0
        child.revive()
        print("another", child.process.pid != first.pid, child.process.poll())
        child.stop()
        print("stopped", child.process.poll())
    """)

    assert said.splitlines() == ["died True", "another True None", "stopped -15"]


def test_a_jobs_answer_is_that_of_its_work_in_another_process() -> None:
    said = run("""
        import fractions
        answer = Job(lambda: (fractions.Fraction(1, 3), os.getppid())).result()
        print(answer[0], answer[1] == os.getpid())
    """)

    assert said.splitlines() == ["1/3 True"]


def test_a_job_raises_here_what_it_may_raise_and_of_anything_else_prints_the_traceback() -> None:
    said = run("""
        for raises in ((EmbeddedError,), ()):
            try:
                Job(lambda: fail(EmbeddedError("The reason.")), raises=raises).result()
            except EmbeddedError as error:
                print("raised:", error, flush=True)
    """)

    lines = said.splitlines()
    assert lines[0] == "raised: The reason."
    assert "embedded.processes.EmbeddedError: The reason." in lines
    assert lines[-1] == "raised: A step of the start failed (exit code 1)."


def test_a_job_can_be_stopped() -> None:
    said = run("""
        job = Job(lambda: time.sleep(60))
        job.stop()
        print(job.process.wait(60))
    """)

    assert said.splitlines() == ["-9"]


def test_a_process_with_threads_does_not_fork() -> None:
    said = run("""
        import threading
        threading.Thread(target=time.sleep, args=(0.5,)).start()
        fork(print)
    """)

    assert "RuntimeError: Only a process with one thread can be forked." in said


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux ends a child with its parent")
def test_a_killed_parent_takes_its_children_with_it() -> None:
    source = START + "print(fork(lambda: time.sleep(600)).pid, flush=True)\ntime.sleep(600)"
    parent = subprocess.Popen([sys.executable, "-c", source], cwd=BASE_DIR, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert runs(child)

    parent.kill()
    parent.wait(60)
    parent.stdout.close()

    limit = time.monotonic() + 60
    while runs(child) and time.monotonic() < limit:
        time.sleep(0.02)
    assert not runs(child)
