"""`make lock`: compile requirements/*.txt from pyproject.toml, with hashes, for every Python from 3.11 on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = (
    "uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url "
    "--no-header --no-annotate --quiet"
).split()
# Production takes the project's own dependencies; the demo and developers a group of pyproject.toml as well.
FILES: dict[str, tuple[str, ...]] = {
    "prod.txt": (),
    "demo.txt": ("--group", "demo"),
    "dev.txt": ("--group", "dev"),
}
HEADER = "# Compiled from pyproject.toml by `make lock`; not edited by hand.\n"


def main(arguments: list[str]) -> int:
    """Write all files; `--upgrade` takes the newest versions that pyproject.toml allows."""
    folder = ROOT / "requirements"
    folder.mkdir(exist_ok=True)
    for name, options in FILES.items():
        target = folder / name
        command = [sys.executable, "-m", *COMPILE, *options, *arguments, "--output-file", str(target.relative_to(ROOT))]
        done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603  # uv, with our own words
        if done.returncode != 0:
            return done.returncode
        text = target.read_text()
        if not text.startswith(HEADER):
            target.write_text(HEADER + text)
        print(f"Wrote {target.relative_to(ROOT)}: {text.count('==')} packages.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
