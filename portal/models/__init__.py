"""The portal's own tables."""

from portal.models.announcements import Announcement

__all__ = ["Announcement"]
