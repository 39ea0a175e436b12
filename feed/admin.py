"""Admin pages of the feed: upload a package, follow its run, read the findings, and decide about held packages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.timesince import timesince
from django.views.decorators.http import require_POST, require_safe

from accounts.decorators import keeps_no_session_alive
from accounts.guards import user_of
from core.admin import ReadOnlyAdmin
from core.bodies import accepts_upload
from core.desk import DeskItem
from core.events import record_event
from core.templatetags.show import moment
from feed import services
from feed.events import FeedEvent
from feed.findings_csv import as_csv
from feed.forms import DropForm, FindingsForm, ReleaseForm, UploadForm
from feed.models import NotHeldError, OwnUploadError, Run, Source

# Findings on the run's page, and on one page of all that were stored.
FINDINGS_SHOWN = 20
FINDINGS_PER_PAGE = 100
# The steps of a run's time, in words.
STEPS = {
    "wait": "waiting",
    "stage": "reading",
    "check": "checking",
    "documents": "documents",
    "apply": "applying",
    "hooks": "following up",
}
NOT_HELD = "This package is no longer held."


class SourceFilter(admin.SimpleListFilter):
    """Runs of one source; a package that couldn't be read has none, and so no line here."""

    title = "source"
    parameter_name = "from"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the sources that any run has."""
        names = Run.objects.exclude(source="").order_by("source").values_list("source", flat=True).distinct()
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        """Return the chosen source's runs."""
        return queryset.filter(source=self.value()) if self.value() else queryset


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin[Run]):
    list_display = ("__str__", "origin", "data", "state", "findings", "created_at")
    list_filter = ("status", SourceFilter, "origin", "dry_run")
    list_per_page = 50
    list_select_related = ("waits_for",)
    search_fields = ("name", "digest__startswith")
    search_help_text = "Package name, or the beginning of its SHA-256."
    change_list_template = "admin/feed/run/change_list.html"

    @admin.display(description="status", ordering="status")
    def state(self, run: Run) -> str:
        """Return the run's status, what it waits for, and whether it was a dry run."""
        if run.is_waiting:
            return f"{run.get_status_display()}, waits for run {run.waits_for_id}"
        is_plain = not run.dry_run or run.status == Run.Status.REHEARSED
        return run.get_status_display() if is_plain else f"{run.get_status_display()} (dry run)"

    @admin.display(description="source")
    def data(self, run: Run) -> str:
        """Return whose data it is, and the package's number."""
        return f"{run.source} {run.sequence}" if run.source else "–"

    @admin.display(description="findings")
    def findings(self, run: Run) -> str:
        return run.found or "–"

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how the last package ended and when, what waits for a decision, and which source is stale."""
        runs = reverse("admin:feed_run_changelist")
        return [self._last_run(runs), *self._held(runs)]

    def _last_run(self, runs: str) -> DeskItem:
        last = Run.objects.filter(dry_run=False).exclude(status__in=Run.UNFINISHED).order_by("-id").first()
        if last is None:
            return DeskItem("Last package", "None yet", runs)
        age = timesince(last.finished_at or last.created_at, depth=1)
        lines = tuple(
            (f"{source.name}: data as of {moment(source.as_of)}{' (stale)' if source.is_stale else ''}", runs)
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
        wrap, receives = self.admin_site.admin_view, accepts_upload(settings.FEED_MAX_BYTES)
        return [
            path("upload/", wrap(_only_loaders(receives(self.upload_view))), name="feed_run_upload"),
            path("<int:run_id>/progress/", wrap(self.progress_view), name="feed_run_progress"),
            path("<int:run_id>/findings/", wrap(require_safe(self.findings_view)), name="feed_run_findings"),
            path("<int:run_id>/findings.csv", wrap(require_safe(self.findings_csv_view)), name="feed_run_findings_csv"),
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
        context = {"run": run, "is_news": run.words != request.GET.get("seen")}
        response = TemplateResponse(request, "admin/feed/run/_progress.html", context)
        if run.is_finished:
            response["HX-Refresh"] = "true"
        return response

    def findings_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Show a run's stored findings by kind, file, and code, a page at a time."""
        run = self._run(request, str(run_id))
        self.record_look(request, run)
        form = FindingsForm(request.GET, groups=run.finding_counts)
        page = Paginator(form.of(run.findings.all()), FINDINGS_PER_PAGE).get_page(request.GET.get("page"))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Findings of run {run.pk}",
            "opts": self.opts,
            "run": run,
            "form": form,
            "page": page,
            "asked": _asked(form),
        }
        return TemplateResponse(request, "admin/feed/run/findings.html", context)

    def findings_csv_view(self, request: HttpRequest, run_id: int) -> StreamingHttpResponse:
        """Send a run's stored findings as CSV, filtered like the page."""
        run = self._run(request, str(run_id))
        form = FindingsForm(request.GET, groups=run.finding_counts)
        findings = form.of(run.findings.all())
        record_event(FeedEvent.FINDINGS_EXPORTED, subject=run, by=user_of(request), rows=findings.count())
        response = StreamingHttpResponse(as_csv(findings.iterator()), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="findings-{run.pk}.csv"'
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
        kept = sum(group["kept"] for group in run.finding_counts)
        may_release = run.can_be_released and request.user.has_perm("feed.release_held_run")
        is_own = run.uploaded_by_id == request.user.pk
        context = {
            **self.admin_site.each_context(request),
            "title": str(run),
            "opts": self.opts,
            "run": run,
            "original": run,
            "findings": run.findings.all()[:FINDINGS_SHOWN],
            "kept": kept,
            "findings_kept": settings.FEED_FINDINGS_KEPT.days,
            "caption": f"The first {FINDINGS_SHOWN}" if kept > FINDINGS_SHOWN else "Each of them",
            "differences": [
                {**sample, "counts": run.counts.get(sample["file"], {})} for sample in run.difference.get("samples", [])
            ],
            "release_form": release_form or ReleaseForm(),
            "drop_form": drop_form or DropForm(),
            "may_release": may_release and not is_own,
            "is_own": may_release and is_own,
            "may_drop": run.can_be_released and _may_drop(request),
            "examples": [
                {**one, "count": run.difference["figures"].get(f"{one['file']} {one['what']}", len(one["keys"]))}
                for one in run.difference.get("examples", [])
            ],
            "seconds": [(words, run.timings[step]) for step, words in STEPS.items() if step in run.timings],
            "is_decided": not (run.dry_run or run.can_be_released),
            "is_refused": run.status == Run.Status.REFUSED and not run.dry_run,
            "waiting": run.waiting.waiting() if run.can_be_released else [],
        }
        return TemplateResponse(request, "admin/feed/run/run.html", context, status=status)

    @staticmethod
    def _to(run: Run) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:feed_run_change", args=[run.pk]))


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin[Source]):
    list_display = ("name", "sequence", "as_of", "applied_at", "age")

    @admin.display(description="data")
    def age(self, source: Source) -> str:
        """Return in words whether its data is too old; a cross for 'no' would look like trouble."""
        if source.name in settings.FEED_SOURCES_AT_REST:
            return "At rest"
        return "Stale" if source.is_stale else "Current"


def _only_loaders(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse staff without the permission to upload before anything reads the body, which may have gigabytes.

    By an answer, not by PermissionDenied: Django's own view of that looks for the form's token, in the body.
    """

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("feed.load_package"):
            return render(request, "403.html", status=HTTPStatus.FORBIDDEN)
        return view(request)

    return guarded


def _asked(form: FindingsForm) -> str:
    """Return the filters in use as a query string, for links to other pages and to the CSV file."""
    return urlencode({name: value for name, value in form.cleaned_data.items() if value})


def _may_drop(request: HttpRequest) -> bool:
    return request.user.has_perm("feed.release_held_run") or request.user.has_perm("feed.load_package")


def _status(refused: bool) -> int:
    return HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
