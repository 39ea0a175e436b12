"""The HTML checker (docs/developers/html.md): every page as each viewer gets it, through the W3C's checker.

`python -m tools.html` prints its errors; part of `make lint` where Java and the checker's jar are found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEST = "tests/portal/test_markup.py::test_no_page_has_markup_that_a_checker_refuses"
PLACES = ("~/.local/share/vnu/vnu.jar", "/usr/local/share/vnu/vnu.jar", "/usr/share/java/vnu.jar")


def checker() -> list[str]:
    """Return the command of the checker, or nothing where Java or the jar is missing."""
    java, jar = shutil.which("java"), os.environ.get("VNU_JAR", "")
    found = [path for path in map(Path, (jar, *map(os.path.expanduser, PLACES))) if path.is_file()]
    return [java, "-jar", str(found[0])] if java and found else []


def main() -> int:
    """Render every page, and check all of them; 1 if any has an error."""
    command = checker()
    if not command:
        print("No HTML checker here: it takes Java and vnu.jar (docs/developers/html.md).")
        return 0
    with tempfile.TemporaryDirectory(prefix="portal-pages-") as folder:
        environment = os.environ | {"PORTAL_PAGES_DIR": folder, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        rendered = subprocess.run(  # noqa: S603  # our own test
            [sys.executable, "-m", "pytest", "-q", "-n", "0", TEST], cwd=ROOT, env=environment, check=False
        )
        if rendered.returncode != 0:
            return rendered.returncode
        print(f"{len(list(Path(folder).iterdir()))} pages are checked.", flush=True)
        options = ["--errors-only", "--skip-non-html", folder]
        return subprocess.run([*command, *options], check=False).returncode  # noqa: S603  # the developer's own


if __name__ == "__main__":
    sys.exit(main())
