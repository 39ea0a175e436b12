"""Panels: what each area adds to home and to the policy page without those pages knowing the area
(docs/architecture.md#panels).

An area names its list of providers in `apps.py`. A provider is a callable `(user, *, policy=None)` that yields panels:
for home it's called without a policy, for the policy page with one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from core.areas import panel_providers

Slot = Literal["home", "policy"]


@dataclass(frozen=True, slots=True)
class PanelLink:
    """An action of a panel; the first one is the main one."""

    label: str
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A titled box. Its body is either `lines` (plain sentences) or a template with its own context.

    `order` sorts panels within a slot, smallest first. `headline` says in one sentence what matters now
    ("$1,240.00 due March 1."); a slot's first headline leads its page. `attention`: what waits on the user, for the
    list beside the page. `has_primary`: the body holds the page's one primary action, so the head offers none.
    """

    title: str
    slot: Slot
    lines: tuple[str, ...] = ()
    template: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    order: int = 100
    links: tuple[PanelLink, ...] = ()
    headline: str = ""
    attention: tuple[PanelLink, ...] = ()
    has_primary: bool = False

    def __post_init__(self) -> None:
        if bool(self.lines) == bool(self.template):
            raise ValueError(f"The panel '{self.title}' needs either lines or a template.")


class Provider(Protocol):
    """A member of an area's list of providers."""

    def __call__(self, user: Any, *, policy: Any = None) -> Iterable[Panel]: ...


def panels_for(user: Any, slot: Slot, *, policy: Any = None) -> list[Panel]:
    """Return a slot's panels for a user, in order; providers get the policy."""
    found = [panel for provider in panel_providers() for panel in provider(user, policy=policy) if panel.slot == slot]
    return sorted(found, key=lambda panel: panel.order)
