"""Django admin behind the portal's own sign-in (S-04)."""

from __future__ import annotations

import json
from typing import Any, NoReturn, cast

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from accounts.guards import store_of
from accounts.navigation import wanted_page, with_query
from core.events import StaffEvent, record_event


class RecordedChoices(AutocompleteJsonView):
    """Rows to choose from in a form. Each look at them is recorded, without what was typed: it holds names."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().get(request, *args, **kwargs)
        data: dict[str, Any] = {
            "model": self.source_field.model._meta.label_lower,
            "field": self.source_field.name,
            "typed": bool(self.term),
            "shown": len(json.loads(response.content)["results"]),
        }
        record_event(StaffEvent.CHOICES_VIEWED, **data)
        return response


class PortalAdminSite(AdminSite):
    """Admin opens to staff who gave a real code within the last 20 minutes; a remembered device never counts
    (docs/security.md#step-up). Who is sent away comes back after the code."""

    site_header = f"{settings.BRAND['portal_name']}: staff"
    site_title = f"{settings.BRAND['portal_name']} staff"
    index_title = "Support desk"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        user, row = request.user, store_of(request).row
        if not (user.is_active and user.is_staff and user.is_verified()):
            return False
        return row is not None and row.has_fresh_code()

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show the support desk: the reports of each list that the user may see (`StaffAdmin.desk`)."""
        seen: list[Any] = [each for each in self._registry.values() if each.has_view_permission(request)]
        desk = [item for each in seen for item in each.desk(request)]
        return super().index(request, {**(extra_context or {}), "desk": desk})

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Where admin sends whom it does not admit: to the code, or nowhere. Raises PermissionDenied for customers."""
        if not request.user.is_staff:
            raise PermissionDenied
        return redirect(with_query("accounts:verify", next=wanted_page(request) or "/admin/"))

    def get_urls(self) -> list[Any]:
        """Admin's pages, without the one that leads to any row of any kind by its number: it asks for no right."""
        return [each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"]

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Rows to choose from."""
        return cast("HttpResponse", RecordedChoices.as_view(admin_site=self)(request))

    def logout(  # type: ignore[override]  # the stubs promise a page where Django answers anything
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        from accounts.views import sign_out

        return sign_out(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> NoReturn:
        """Passwords are not changed here."""
        raise Http404

    password_change_done = password_change
