"""Environment of the benchmarks, set before the settings are read."""

from __future__ import annotations

import os

from embedded import client
from embedded.addresses import data_root


def prepare_environment() -> None:
    """Use demo mode on embedded services, in a new cluster of the benchmarks' own, never on an existing database."""
    folder = data_root() / "bench"
    # Figures on a book that grows from run to run can't be compared.
    client.erase(folder)
    os.environ |= {
        "PORTAL_MODE": "demo",
        "PORTAL_DATA_DIR": str(folder),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "LOG_LEVEL": "WARNING",
    }
