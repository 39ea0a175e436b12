"""An invented book of business as a feed package, of any size and always the same for the same arguments."""

from feed.example.book import Cast, births_in_group, cast, write_example_feed

__all__ = ["Cast", "births_in_group", "cast", "write_example_feed"]
