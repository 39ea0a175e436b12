"""Files of the carrier feed that fill this area (docs/feed-format.md)."""

from core.feedspec import Table

TABLES: tuple[Table, ...] = ()
