"""Environment variables that the demo sets before the settings are read."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from embedded.addresses import DEFAULT_PORT, demo_data_dir


def demo_options() -> argparse.ArgumentParser:
    """Return the parser of the options of `manage.py demo` that settings depend on."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    return parser


def prepare_environment(arguments: Sequence[str]) -> None:
    """Set demo mode, the port's data folder, and the embedded services only.

    The demo loads invented people and accounts with a known password, which must never end up in a database that
    DATABASE_URL or a `.env` file happens to name. The command itself reports an unusable port.
    """
    try:
        port = demo_options().parse_known_args(list(arguments))[0].port
    except SystemExit:
        port = DEFAULT_PORT
    os.environ |= {
        "PORTAL_MODE": "demo",
        "PORTAL_DATA_DIR": str(demo_data_dir(port)),
        "PUBLIC_URL": f"http://localhost:{port}",
        **dict.fromkeys(("DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE"), ""),
    }
