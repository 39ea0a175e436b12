"""`python -m tools.another_day '2028-02-29' -m pytest`: runs Python with these arguments on that day."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tools.another_day.clock import DayError, environment, offset, say

TOLERATED_SECONDS = 30


def main(arguments: list[str]) -> None:
    """Replace this process by the command; where that can't be, ends with a sentence on standard error."""
    try:
        seconds = offset(arguments[0], now=time.time())
        faked = environment(os.environ, seconds)
    except DayError as error:
        sys.exit(str(error))
    expected = time.time() + seconds
    asked = [sys.executable, "-c", "import time; print(time.time())"]
    answer = subprocess.run(asked, env=faked, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603
    if abs(float(answer) - expected) > TOLERATED_SECONDS:
        sys.exit("libfaketime does not move the clock of this Python: TODAY can't be used here.")
    print(f"This run's clock says {say(expected)}.", flush=True)
    os.execve(sys.executable, [sys.executable, *arguments[1:]], faked)  # noqa: S606  # ourselves, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
