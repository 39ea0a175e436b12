"""`python -m tools.fuzz [NUMBER] [VIEWER …]`: tests/test_fuzz.py with so many requests for each viewer, or with all.

It prints the slowest of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Run it for these viewers, or for all of them; 1 if anything ended in a fault of ours."""
    number = arguments[0] if arguments and arguments[0].isdecimal() else "0"
    viewers = [argument for argument in arguments if not argument.isdecimal()]
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-s", "--show-capture=no", "tests/test_fuzz.py"]
    if viewers:
        command += ["-k", " or ".join(viewers)]
    environment = os.environ | {"PORTAL_FUZZ": number}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603  # our own tests


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
