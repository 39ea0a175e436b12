"""The portal's own tables: announcements, and in the demo what would have been sent."""

from portal.models.announcements import Announcement
from portal.models.demo_messages import DemoMessage

__all__ = ["Announcement", "DemoMessage"]
