"""Files of documents in admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from core.admin import WorkAdmin
from policies.models import DocumentFile

if TYPE_CHECKING:
    from accounts.models import User


@admin.register(DocumentFile)
class DocumentFileAdmin(WorkAdmin):
    """Files into which users had documents combined; a failed one may be tried again."""

    list_display = ["public_id", "user", "policy", "total", "status", "created_at", "attempts", "last_error"]
    list_select_related = ["user", "policy"]
    list_filter = ["status"]
    search_fields = ["=public_id", "policy__number_normalized__startswith"]

    def customer(self, row: DocumentFile) -> User:
        customer: User = row.user
        return customer
