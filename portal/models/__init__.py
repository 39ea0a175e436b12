"""The portal's own tables."""

from portal.models.announcements import Announcement
from portal.models.faq import FaqEntry
from portal.models.maintenance import MaintenanceWindow
from portal.models.published_forms import PublishedForm
from portal.models.requests import SupportMessage, SupportRequest

__all__ = ["Announcement", "FaqEntry", "MaintenanceWindow", "PublishedForm", "SupportMessage", "SupportRequest"]
