from core.areas import AreaConfig


class ClaimsConfig(AreaConfig):
    """Claims, incidents, and suits, as the carrier keeps them."""

    name = "claims"
    verbose_name = "Claims"
    feed_tables = "claims.feed.TABLES"
