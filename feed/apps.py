"""App configuration of the carrier feed."""

from core.areas import AreaConfig, StaffGroup

VIEWS = ("feed.run", "feed.source")


class FeedConfig(AreaConfig):
    """Packages from the carrier's core systems: checked, applied, and reported."""

    name = "feed"
    verbose_name = "Carrier feed"
    sentences = "feed.events.SENTENCES"
    beat = {
        "watch-feed": {"task": "feed.tasks.watch_folder", "schedule": 60.0},
        "retry-feed-runs": {"task": "feed.tasks.retry_stale_runs", "schedule": 60.0},
        "drop-old-held-feed-runs": {"task": "feed.tasks.drop_old_held_runs", "schedule": 3600.0},
        "remove-unreferenced-feed-files": {"task": "feed.tasks.remove_unreferenced_files", "schedule": 3600.0},
        "clear-feed-leftovers": {"task": "feed.tasks.clear_leftovers", "schedule": 3600.0},
        "alarm-stale-feed": {"task": "feed.tasks.alarm_stale_feed", "schedule": 900.0},
    }
    # Two groups, because nobody may release a package they uploaded.
    staff_groups = (
        StaffGroup("Feed upload", "Uploads packages of the carrier’s data.", VIEWS, ("feed.load_package",)),
        StaffGroup("Feed release", "Reviews held packages that others uploaded.", VIEWS, ("feed.release_held_run",)),
    )
