"""Programs that a test starts and that end with it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

# In the program's own process, before it begins.
BEGIN = """
import os, signal, sys
from embedded.processes import end_with_parent
for name in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(name, signal.SIG_DFL)
end_with_parent(signal.SIGKILL)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def ending_with_us(command: Sequence[str]) -> list[str]:
    """Return the command so that its program is killed when this process ends. Run it in the project's folder.

    A `preexec_fn` would run Python in the child of a fork. Where this process has other threads, that child may wait
    forever for a lock that one of them held: libfaketime has such a lock.
    """
    return [sys.executable, "-c", BEGIN, *command]
