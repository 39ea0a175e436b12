#!/usr/bin/env python
"""Django's commands, with the embedded PostgreSQL and Redis where no other address is set."""

import gc
import os
import sys
from pathlib import Path

# These need neither database nor Redis.
WITHOUT_SERVICES = {
    "check",
    "collectstatic",
    "compilemessages",
    "demo",  # starts them itself as its first step
    "dev",  # the same
    "help",
    "make_example_feed",
    "makemessages",
    "version",
}

# Where none of these is set, nobody has set up production here.
OF_PRODUCTION = ("PORTAL_MODE", "SECRET_KEY", "SECRET_KEY_FILE", "DATABASE_URL", "DATABASE_URL_FILE")


def main() -> None:
    """Run the command named on the command line."""
    from django.core.exceptions import ImproperlyConfigured

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if os.environ.get("PORTAL_END_WITH_PARENT"):
        from embedded.processes import end_with_parent

        end_with_parent()
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command in {"demo", "dev"}:
        from demo.environment import prepare_environment

        prepare_environment(sys.argv[2:])
        # What the imports make stays: to look through it for garbage costs a tenth of their time. `Demo` enables it.
        gc.disable()
    elif command == "bench":
        from bench.environment import prepare_environment as prepare_benchmarks

        prepare_benchmarks()
    elif command != "check" and nothing_is_set():
        sys.exit(f"PORTAL_MODE isn't set. For the demo's data, run: PORTAL_MODE=demo {' '.join(['python', *sys.argv])}")
    try:
        from django.conf import settings

        settings.INSTALLED_APPS  # noqa: B018  # reads the settings, which refuse what is unsafe
        if command not in WITHOUT_SERVICES and not {"--help", "-h", "--version"} & set(sys.argv):
            start_services()
    except ImproperlyConfigured as error:
        sys.exit(str(error))

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def nothing_is_set() -> bool:
    """Return whether the portal's own settings would find nothing to go by: no mode, and nothing of production."""
    own = os.environ["DJANGO_SETTINGS_MODULE"] == "portal.settings"
    return own and not Path(__file__).with_name(".env").is_file() and not any(map(os.environ.get, OF_PRODUCTION))


def start_services() -> None:
    """Start the embedded services if the settings ask for any; exit with one sentence if that fails."""
    from django.conf import settings

    from embedded.client import start
    from embedded.processes import EmbeddedError

    if not settings.EMBEDDED_SERVICES:
        return
    try:
        start(settings.DATA_DIR)
    except EmbeddedError as error:
        sys.exit(f"The embedded services did not start. {error}")


if __name__ == "__main__":
    main()
