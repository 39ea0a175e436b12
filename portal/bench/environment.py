"""What the benchmarks need to have set before the settings are read."""

from __future__ import annotations

import os

from portal.embedded.addresses import data_root


def prepare_environment() -> None:
    """Demo mode on embedded services, in a data folder of the benchmarks' own: never on somebody's database."""
    os.environ |= {
        "PORTAL_MODE": "demo",
        "PORTAL_DATA_DIR": str(data_root() / "bench"),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "LOG_LEVEL": "WARNING",
    }
