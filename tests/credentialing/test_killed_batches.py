"""Batches whose worker is killed for real: the result is the same (docs/developers/killed-batches.md)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.programs import ending_with_us

ROOT = Path(__file__).resolve().parents[2]
# The program has its own services and settings.
OURS = re.compile("^(PORTAL_|DATABASE_URL|REDIS_URL|DJANGO_|PYTEST_|BATCH_)")


def test_a_worker_that_is_killed_twice_loses_nothing_and_doubles_nothing() -> None:
    own = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    command = [sys.executable, "-m", "tools.kill_the_batches", "--times", "2", "--certificates", "20", "--seed", "11"]
    done = subprocess.run(  # our own program
        ending_with_us(command), cwd=ROOT, env=own, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "2 kills: 2 × same" in done.stdout
