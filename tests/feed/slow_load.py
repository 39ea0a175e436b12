"""A process that executes a run and stops in the middle of it, for a test to kill.

`RUN` is the run's number; when every row is applied and nothing committed, the file `SIGN` appears and the load goes no
further.
"""

import os
import time
from dataclasses import replace
from pathlib import Path

import django

django.setup()

from core.feedspec import Load  # noqa: E402  # after Django is set up
from feed.load import loader  # noqa: E402
from feed.load.table_map import TableMap, table_maps  # noqa: E402
from feed.models import Run  # noqa: E402


def wait(_load: Load) -> None:
    """Give the sign, and go no further."""
    Path(os.environ["SIGN"]).touch()
    while True:
        time.sleep(0.05)


slow = tuple(
    TableMap(replace(table_map.table, after=(*table_map.table.after, wait)))
    if table_map.file == "coverages.csv"
    else table_map
    for table_map in table_maps()
)
loader.table_maps = lambda: slow
loader.execute(Run.objects.get(pk=int(os.environ["RUN"])))
