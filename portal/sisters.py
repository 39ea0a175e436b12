"""Portals of sister divisions (S-18), read from the settings."""

from __future__ import annotations

import json

from environ import ImproperlyConfigured

# Of the invented carrier.
INVENTED_SISTERS = json.dumps(
    [
        {
            "name": "Larkfield Dental Guard",
            "url": "https://dental.larkfield.example/",
            "for": "Dentists, and their practices and agents",
        },
        {
            "name": "Bonesetter Chiropractic Program",
            "url": "https://bonesetter.example/",
            "for": "Chiropractors, and their practices and agents",
        },
        {
            "name": "Harrow Vale Work Comp",
            "url": "https://workcomp.harrowvale.example/",
            "for": "Workers’ compensation of medical practices",
        },
    ]
)
KEYS = {"name", "url", "for"}


def sister_portals(text: str) -> list[dict[str, str]]:
    """Return the portals of a JSON list; an empty text has none.

    Raises ImproperlyConfigured where it isn't a list of objects with `name`, `url` (https), and `for`.
    """
    if not text.strip():
        return []
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ImproperlyConfigured("SISTER_PORTALS isn't JSON.") from error
    if not isinstance(found, list) or not all(_is_portal(one) for one in found):
        raise ImproperlyConfigured("SISTER_PORTALS is a list of objects with name, url (https), and for.")
    return found


def _is_portal(one: object) -> bool:
    return (
        isinstance(one, dict)
        and set(one) == KEYS
        and all(isinstance(value, str) and value for value in one.values())
        and one["url"].startswith("https://")
    )
