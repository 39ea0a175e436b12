from core.areas import AreaConfig


class SeminarsConfig(AreaConfig):
    """Seminars, who attended them, and the premium credits that they earned."""

    name = "seminars"
    verbose_name = "Seminars"
    feed_tables = "seminars.feed.TABLES"
