"""`make lint`: every check, each to its end, and a line at the end for each that failed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPS = (
    "accounts",
    "bench",
    "billing",
    "claims",
    "core",
    "credentialing",
    "demo",
    "embedded",
    "feed",
    "policies",
    "portal",
    "seminars",
)
# Migrations that old code can't run beside: docs/operators.md says to stop the portal for them. None is added lightly.
NEED_A_STOP: tuple[str, ...] = ("0002_figures_without_first_number",)
CHECKS: dict[str, list[str]] = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "mypy": ["-m", "mypy", "manage.py", *APPS, "tools", "tests"],
    "djlint": ["-m", "djlint", "--lint", "--quiet", "templates", "demo/templates"],
    "codespell": ["-m", "codespell_lib"],
    "css classes": ["-m", "tools.css_classes"],
    "wording": ["-m", "tools.wording"],
    "references": ["-m", "tools.citations"],
    "HTML": ["-m", "tools.html"],
    "import-linter": ["-c", "from importlinter.cli import lint_imports_command as run; run()"],
    "makemigrations": ["manage.py", "makemigrations", "--check", "--dry-run"],
    "migration-linter": [
        *("manage.py", "lintmigrations", "--include-apps", *APPS),
        *("--quiet", "ok", "ignore", "--no-cache", "--sql-analyser", "postgresql"),
        "--ignore-name",
        *NEED_A_STOP,
    ],
}


def main() -> int:
    """Run all checks; 1 if any failed."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tools.lint_settings", "NO_COLOR": "1"}
    failed = []
    for name, arguments in CHECKS.items():
        start = time.monotonic()
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603  # our own checks
        print(f"{'ok' if done.returncode == 0 else 'FAILED':>6}  {name} ({time.monotonic() - start:.0f} s)", flush=True)
        if done.returncode != 0:
            failed.append(name)
    if not audit():
        failed.append("pip-audit")
    print(f"Failed: {', '.join(failed)}." if failed else "Every check that could be run passed.")
    return 1 if failed else 0


def audit() -> bool:
    """Look the locked packages up among known vulnerabilities; False if any has one.

    False, too, if nothing was audited, because the service can't be reached or knows none of the packages (as behind
    a mirror of the index), unless PORTAL_LINT_OFFLINE=1 allows that. The output says so in either case.
    """
    command = [sys.executable, "-m", "pip_audit", "-r", "requirements/dev.txt", "--require-hashes", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except json.JSONDecodeError:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return nothing_audited(reason[:200])
    audited = [package for package in packages if "skip_reason" not in package]
    vulnerable = [package for package in audited if package["vulns"]]
    for package in vulnerable:
        ids = ", ".join(vulnerability["id"] for vulnerability in package["vulns"])
        print(f"{package['name']} {package['version']}: {ids}")
    if not audited:
        return nothing_audited(f"the service knows none of {len(packages)} packages from here")
    word = "FAILED" if vulnerable else "ok"
    print(f"{word:>6}  pip-audit ({len(audited)} of {len(packages)} packages audited)")
    return not vulnerable


def nothing_audited(reason: str) -> bool:
    """Say so, and return whether that is allowed."""
    allowed = os.environ.get("PORTAL_LINT_OFFLINE") == "1"
    print(f"{'none' if allowed else 'FAILED':>6}  pip-audit: NOTHING WAS AUDITED ({reason})")
    print("        " + ("PORTAL_LINT_OFFLINE allows that." if allowed else "PORTAL_LINT_OFFLINE=1 would allow that."))
    return allowed


if __name__ == "__main__":
    sys.exit(main())
