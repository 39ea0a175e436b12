from core.areas import AreaConfig, StaffGroup


class ClaimsConfig(AreaConfig):
    """Claims, incidents, and suits, as the carrier keeps them."""

    name = "claims"
    verbose_name = "Claims"
    sentences = "claims.events.SENTENCES"
    feed_tables = "claims.feed.TABLES"
    staff_groups = (StaffGroup("Claims", views=("claims.claim",)),)
