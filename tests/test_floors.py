"""Floors: an app names no address of an app above it, in Python or in its templates (docs/architecture.md#layers)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# One list says which addresses are open to visitors, those of the demo included.
CENTRAL = {ROOT / "portal" / "settings.py"}
NAMED = re.compile(r"""["']([a-z_]+):[a-z][a-z-]*["']""")


def floors() -> list[set[str]]:
    """Return the apps of each floor, the highest first, as the import contract has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [set(re.findall(r"[a-z_]+", layer)) for layer in layers]


def above(app: str) -> set[str]:
    """Return the apps on the floors above an app's own."""
    higher: set[str] = set()
    for floor in floors():
        if app in floor:
            return higher
        higher |= floor
    raise AssertionError(f"{app} is on no floor")


def files_of(app: str) -> Iterator[Path]:
    yield from (ROOT / app).rglob("*.py")
    yield from (ROOT / "templates" / app).rglob("*.*")


@pytest.mark.parametrize("app", sorted(set().union(*floors())))
def test_no_app_names_an_address_of_a_floor_above_it(app: str) -> None:
    higher = above(app)
    named = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in set(files_of(app)) - CENTRAL
        for match in NAMED.finditer(path.read_text())
        if match[1] in higher
    }
    assert not named


def test_the_pages_of_policies_are_searched_for_such_addresses() -> None:
    assert "credentialing" in above("policies")
    assert ROOT / "templates" / "policies" / "policy.html" in set(files_of("policies"))
    assert NAMED.search('{% url "credentialing:issue" coverage.public_id %}')
