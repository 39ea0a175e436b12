"""`manage.py load_feed`: load a package of the carrier feed, or release a held one."""

from __future__ import annotations

import os
import pwd
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from accounts.models import User
from accounts.models.users import fold_username
from feed.findings_csv import as_csv
from feed.load.loader import RunBusyError, execute, load_package
from feed.load.run_lock import WAITING
from feed.lost_runs import end_interrupted_commands
from feed.models import NotHeldError, OwnUploadError, Run
from feed.report import report

EXIT_CODES = {
    Run.Status.APPLIED: 0,
    Run.Status.UNCHANGED: 0,
    Run.Status.REHEARSED: 0,
    Run.Status.REFUSED: 1,
    Run.Status.FAILED: 1,
    Run.Status.DROPPED: 1,
    Run.Status.HELD: 3,
}


def os_user() -> str:
    """Return the operating system's user of this process, whatever the environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


class Command(BaseCommand):
    """Load a package. Exit codes: 0 applied or no changes, 1 refused or failed, 2 usage, 3 held."""

    help = (
        "Load a package of the carrier feed (a folder or a .zip). "
        "Exit codes: 0 applied or no changes, 1 refused or failed, 2 usage, 3 held for review."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("package", nargs="?", type=Path, help="package: a folder or a .zip")
        parser.add_argument(
            "--dry-run", action="store_true", help="check and apply the package, then roll everything back"
        )
        parser.add_argument("--findings", type=Path, metavar="FILE", help="write the findings to this new CSV file")
        parser.add_argument("--apply-held", type=int, metavar="RUN", help="release the held run with this number")
        parser.add_argument(
            "--by", metavar="USERNAME", help="with --apply-held: username of the staff member who decides"
        )
        parser.add_argument("--reason", help="with --apply-held: reason for the decision")

    def handle(self, **options: Any) -> None:
        """Load, print the report, and exit with the outcome's code."""
        package: Path | None = options["package"]
        if (package is None) == (options["apply_held"] is None):
            raise CommandError("Give a package, or a held run with --apply-held.", returncode=2)
        if package is not None and not package.exists():
            raise CommandError(f"No package found at {package}.", returncode=2)
        for lost in end_interrupted_commands():
            self.stdout.write(f"{lost} was interrupted. Nothing of it was applied.")
        try:
            run = (
                self._apply_held(**options)
                if package is None
                else load_package(package, dry_run=options["dry_run"], tell=self._teller(options["verbosity"]))
            )
        except OperationalError as error:
            raise CommandError("The database couldn't be reached or stopped the load. Nothing was applied.") from error
        self.stdout.writelines(f"{line}\n" for line in report(run))
        if options["findings"]:
            self._write_findings(run, options["findings"])
        if code := EXIT_CODES[Run.Status(run.status)]:
            sys.exit(code)

    def _apply_held(self, *, apply_held: int, by: str | None, reason: str | None, **options: Any) -> Run:
        """Release a held run and load it."""
        if not by or not (reason or "").strip():
            raise CommandError("Give the staff member who decides (--by) and the reason (--reason).", returncode=2)
        if options["dry_run"]:
            raise CommandError("--dry-run can't be combined with --apply-held.", returncode=2)
        user = User.objects.filter(username_key=fold_username(by), is_active=True, is_staff=True).first()
        if user is None or not user.has_perm("feed.release_held_run"):
            raise CommandError(f"'{by}' isn't a staff member who may release held packages.", returncode=2)
        run = Run.objects.filter(pk=apply_held).first()
        if run is None:
            raise CommandError(f"Run {apply_held} doesn't exist.", returncode=2)
        try:
            run.release(by=user, reason=reason or "", os_user=os_user())
            return execute(run, tell=self._teller(options["verbosity"]))
        except OwnUploadError as error:
            raise CommandError(
                f"'{by}' uploaded this package, so someone else has to review it.", returncode=2
            ) from error
        except NotHeldError as error:
            raise CommandError(f"Run {apply_held} isn't held.", returncode=2) from error
        except RunBusyError as error:
            raise CommandError(f"Run {apply_held} is already being loaded.", returncode=2) from error

    def _teller(self, verbosity: int) -> Callable[[str], None]:
        """Return a function that prints steps: all of them with -v 2, otherwise only that another load is running."""

        def tell(words: str) -> None:
            if verbosity > 1 or words.startswith(WAITING):
                self.stdout.write(f"{words} …")

        return tell

    def _write_findings(self, run: Run, path: Path) -> None:
        """Write the stored findings to a CSV file that didn't exist before."""
        try:
            with path.open("x", encoding="utf-8", newline="") as out:
                out.writelines(as_csv(run.findings.iterator()))
        except OSError as error:
            raise CommandError(f"The findings couldn't be written to {path}: {error.strerror}.") from error
        self.stdout.write(f"Findings: {path}")
