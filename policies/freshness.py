"""How fresh the carrier's data is, asked by dotted path: the feed is on a floor above (docs/architecture.md#layers)."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils.module_loading import import_string


def data_as_of(source: str) -> dt.datetime | None:
    """Return the as-of time of a source's data; None where none has been loaded. One query at most."""
    found: dt.datetime | None = import_string(settings.FEED_AS_OF)(source=source)
    return found
