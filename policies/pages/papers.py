"""Links to create certificates and letters. An area above offers the addresses (`hooks` in core.areas)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.areas import hook

if TYPE_CHECKING:
    from collections.abc import Callable

    from policies.eligibility import Eligibility
    from policies.models import Coverage

HOOK = "certificate_address"


@dataclass(frozen=True, slots=True)
class PaperLink:
    """A link to create what a coverage gives: a certificate or a letter."""

    href: str
    is_letter: bool

    @property
    def label(self) -> str:
        """Return the one word for a row of a table."""
        return "Letter" if self.is_letter else "Certificate"


def paper_links() -> Callable[[Coverage, Eligibility], PaperLink | None]:
    """Return what makes the link of a coverage: None where nothing may be issued, or no area issues anything."""
    offered = hook(HOOK)
    address: Callable[[str], str] | None = offered() if offered is not None else None

    def link(coverage: Coverage, eligibility: Eligibility) -> PaperLink | None:
        if address is None or not eligibility.allows:
            return None
        return PaperLink(address(coverage.public_id), eligibility.is_letter)

    return link
