"""Read by each Python of a run on another day as it starts (by way of PYTHONPATH).

libfaketime 0.9.10, which Debian 12 has, refuses the call behind Python 3.11's `time.sleep` when it leaves the
monotonic clock alone, as it must here; later versions don't.
"""

import select
import time
from typing import SupportsIndex


def sleep(seconds: float | SupportsIndex, /) -> None:
    """`time.sleep` by another call."""
    select.select((), (), (), float(seconds))


try:
    time.sleep(1e-9)
except OSError:
    time.sleep = sleep
