"""Admin pages of the feed: upload a package, follow its run, read the findings, and decide about held packages."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.timesince import timesince
from django.views.decorators.http import require_POST

from accounts.decorators import keeps_no_session_alive
from accounts.guards import user_of
from core.admin import ReadOnlyAdmin
from core.bodies import accepts_upload
from core.desk import DeskItem
from core.templatetags.show import moment
from feed import services
from feed.forms import DropForm, ReleaseForm, UploadForm
from feed.models import Finding, NotHeldError, OwnUploadError, Run, Source

# Findings on the run's page; the list of findings has all that were stored.
FINDINGS_SHOWN = 200
NOT_HELD = "This package is no longer held."


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin[Run]):
    list_display = (
        "id",
        "name",
        "source",
        "sequence",
        "state",
        "findings",
        "as_of",
        "created_at",
    )
    list_filter = ("status", "source", "origin", "dry_run", "mode")
    list_per_page = 50
    search_fields = ("name", "digest__startswith")
    search_help_text = "Package name, or the beginning of its SHA-256."
    change_list_template = "admin/feed/run/change_list.html"

    @admin.display(description="status", ordering="status")
    def state(self, run: Run) -> str:
        """Return the run's status, and whether it was a dry run."""
        is_plain = not run.dry_run or run.status == Run.Status.REHEARSED
        return run.get_status_display() if is_plain else f"{run.get_status_display()} (dry run)"

    @admin.display(description="findings")
    def findings(self, run: Run) -> str:
        return run.found or "–"

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how the last package ended and when, what waits for a decision, and which source is stale."""
        runs = reverse("admin:feed_run_changelist")
        return [self._last_run(runs), *self._held(runs)]

    def _last_run(self, runs: str) -> DeskItem:
        last = Run.objects.exclude(status__in=Run.UNFINISHED).order_by("-id").first()
        if last is None:
            return DeskItem("Last package", "None yet", runs)
        age = timesince(last.finished_at or last.created_at, depth=1)
        lines = tuple(
            (f"{source.name}: data as of {moment(source.as_of)}{' (stale)' if source.alarmed_at else ''}", runs)
            for source in Source.objects.order_by("name")
        )
        trouble = last.status in {Run.Status.FAILED, Run.Status.REFUSED} or any("(stale)" in line for line, _ in lines)
        return DeskItem("Last package", f"{last.get_status_display()}, {age} ago", runs, trouble, lines)

    def _held(self, runs: str) -> list[DeskItem]:
        held = Run.objects.awaiting_decision().count()
        if not held:
            return []
        return [DeskItem("Packages held for review", str(held), f"{runs}?status__exact={Run.Status.HELD}", True)]

    def get_urls(self) -> list[URLPattern]:
        """Return the pages for uploading, following, and deciding, before admin's own."""
        wrap = self.admin_site.admin_view
        return [
            path("upload/", wrap(accepts_upload(settings.FEED_MAX_BYTES)(self.upload_view)), name="feed_run_upload"),
            path("<int:run_id>/progress/", wrap(self.progress_view), name="feed_run_progress"),
            path("<int:run_id>/release/", wrap(require_POST(self.release_view)), name="feed_run_release"),
            path("<int:run_id>/drop/", wrap(require_POST(self.drop_view)), name="feed_run_drop"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, with a link to upload for those with permission."""
        may_load = request.user.has_perm("feed.load_package")
        sources = Source.objects.order_by("name")
        return super().changelist_view(request, {**(extra_context or {}), "may_load": may_load, "sources": sources})

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        """Receive a package; the run's page shows how its load goes."""
        if not request.user.has_perm("feed.load_package"):
            raise PermissionDenied
        form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
        if form.is_valid():
            run = services.receive_upload(
                file=form.cleaned_data["package"],
                dry_run=form.cleaned_data["dry_run"],
                by=user_of(request),
                key=form.cleaned_data["idempotency_key"],
            )
            messages.success(request, f"We received {run.name}.")
            return self._to(run)
        context = {
            **self.admin_site.each_context(request),
            "title": "Upload a package",
            "form": form,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/feed/run/upload.html", context, status=_status(form.is_bound))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a run: its progress or outcome, counts, and findings."""
        run = self._run(request, object_id)
        self.record_look(request, run)
        return self._show(request, run)

    @keeps_no_session_alive
    def progress_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Show the part of the run's page that changes; when the run has ended, htmx reloads the page."""
        run = self._run(request, str(run_id))
        response = TemplateResponse(request, "admin/feed/run/_progress.html", {"run": run})
        if run.is_finished:
            response["HX-Refresh"] = "true"
        return response

    def release_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Release a held package, with a reason (docs/feed-format.md#held)."""
        run = self._run(request, str(run_id))
        if not request.user.has_perm("feed.release_held_run"):
            raise PermissionDenied
        form = ReleaseForm(request.POST)
        if not form.is_valid():
            return self._show(request, run, release_form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        try:
            services.release_held(run=run, by=user_of(request), reason=form.cleaned_data["reason"])
        except NotHeldError:
            messages.error(request, NOT_HELD)
        except OwnUploadError:
            messages.error(request, "You uploaded this package, so someone else has to review it.")
        else:
            messages.success(request, "We’re applying the package.")
        return self._to(run)

    def drop_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Drop a held package without applying it; the permission to upload or to release allows it."""
        run = self._run(request, str(run_id))
        if not _may_drop(request):
            raise PermissionDenied
        form = DropForm(request.POST)
        if not form.is_valid():
            return self._show(request, run, drop_form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        try:
            services.drop_held(run=run, by=user_of(request), reason=form.cleaned_data["reason"])
        except NotHeldError:
            messages.error(request, NOT_HELD)
        else:
            messages.success(request, "The package was dropped. Nothing was applied.")
        return self._to(run)

    def _run(self, request: HttpRequest, object_id: str) -> Run:
        """Return the run of a page. Raises PermissionDenied without permission to view it, Http404 if it's missing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = self.get_object(request, object_id)
        if run is None:
            raise Http404
        return run

    def _show(
        self,
        request: HttpRequest,
        run: Run,
        *,
        release_form: ReleaseForm | None = None,
        drop_form: DropForm | None = None,
        status: int = HTTPStatus.OK,
    ) -> HttpResponse:
        findings = list(run.findings.all()[: FINDINGS_SHOWN + 1])
        may_release = run.can_be_released and request.user.has_perm("feed.release_held_run")
        is_own = run.uploaded_by_id == request.user.pk
        context = {
            **self.admin_site.each_context(request),
            "title": str(run),
            "opts": self.opts,
            "run": run,
            "original": run,
            "findings": findings[:FINDINGS_SHOWN],
            "more_findings": len(findings) > FINDINGS_SHOWN,
            "release_form": release_form or ReleaseForm(),
            "drop_form": drop_form or DropForm(),
            "may_release": may_release and not is_own,
            "is_own": may_release and is_own,
            "may_drop": run.can_be_released and _may_drop(request),
        }
        return TemplateResponse(request, "admin/feed/run/run.html", context, status=status)

    @staticmethod
    def _to(run: Run) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:feed_run_change", args=[run.pk]))


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin[Finding]):
    list_display = ("run", "kind", "file", "row", "column", "code", "sentence")
    list_filter = ("kind", "stage", "file", "code")
    linked_by = frozenset({"run__id__exact"})
    list_select_related = ("run",)
    list_per_page = 100
    search_fields = ("sentence",)
    show_full_result_count = False


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin[Source]):
    list_display = ("name", "sequence", "as_of", "applied_at", "alarmed_at")


def _may_drop(request: HttpRequest) -> bool:
    return request.user.has_perm("feed.release_held_run") or request.user.has_perm("feed.load_package")


def _status(refused: bool) -> int:
    return HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
