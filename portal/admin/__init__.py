"""Admin pages of the portal itself: announcements, the FAQ, maintenance, forms, and requests to support."""

from portal.admin.announcements import AnnouncementAdmin
from portal.admin.faq import FaqEntryAdmin
from portal.admin.maintenance import MaintenanceWindowAdmin
from portal.admin.published_forms import PublishedFormAdmin
from portal.admin.requests import SupportRequestAdmin

__all__ = ["AnnouncementAdmin", "FaqEntryAdmin", "MaintenanceWindowAdmin", "PublishedFormAdmin", "SupportRequestAdmin"]
