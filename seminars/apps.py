from core.areas import AreaConfig, StaffGroup

SEMINARS = ("seminars.seminar", "seminars.attendance", "seminars.premiumcredit")


class SeminarsConfig(AreaConfig):
    """Seminars, who attended them, and the premium credits that they earned."""

    name = "seminars"
    verbose_name = "Seminars"
    sentences = "seminars.events.SENTENCES"
    calendar = "seminars.calendar.PROVIDERS"
    feed_tables = "seminars.feed.TABLES"
    staff_groups = (
        StaffGroup("Customer service", views=SEMINARS),
        StaffGroup("Risk", views=SEMINARS),
        StaffGroup("Underwriting", views=("seminars.premiumcredit",)),
    )
