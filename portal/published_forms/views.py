"""The public page of forms by writing company, and each form's file (S-31)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from core.alerts import alert_staff
from core.downloads import FileChangedError, private_file_response
from core.filters import LONGEST_SEARCH
from policies.models import Company
from portal.models import PublishedForm

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase


@dataclass(frozen=True, slots=True)
class Shelf:
    """The forms for one writing company's policies."""

    company: Company
    forms: list[PublishedForm]


@require_safe
def forms(request: HttpRequest) -> HttpResponse:
    """Show the forms by writing company, all of them or one's (`?company=`), or those that a search finds (`?q=`)."""
    shelves = _shelves()
    companies = [shelf.company for shelf in shelves]
    chosen = next((one for one in companies if one.name == request.GET.get("company", "")), None)
    q = " ".join(request.GET.get("q", "").split())[:LONGEST_SEARCH]
    shown = [shelf for shelf in shelves if chosen is None or shelf.company == chosen]
    if q:
        shown = [Shelf(shelf.company, _found(shelf.forms, q)) for shelf in shown]
    context = {
        "shelves": [shelf for shelf in shown if shelf.forms],
        "companies": companies,
        "chosen": chosen,
        "q": q,
        "is_searched": bool(q or chosen),
    }
    return render(request, "portal/forms.html", context)


def _shelves() -> list[Shelf]:
    """Return every company that has the service and forms, by name, each with the latest edition of its forms."""
    of_company: dict[int, Shelf] = {}
    for form in PublishedForm.objects.latest_editions().prefetch_related("companies"):
        for company in form.companies.all():
            if company.retired_at is None and company.offers(Company.Service.FORMS):
                of_company.setdefault(company.pk, Shelf(company, [])).forms.append(form)
    return sorted(of_company.values(), key=lambda shelf: shelf.company.name)


def _found(forms: list[PublishedForm], q: str) -> list[PublishedForm]:
    words = q.casefold().split()
    return [
        form for form in forms if all(word in f"{form.title} {form.number} {form.about}".casefold() for word in words)
    ]


@require_safe
def form(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Send a form; from an earlier edition, lead to the latest. 404 where none is public anymore."""
    asked: PublishedForm = get_object_or_404(PublishedForm, public_id=public_id)
    latest = asked.latest
    if latest is None:
        raise Http404("no public edition")
    if latest != asked:
        return redirect(latest)
    try:
        return private_file_response(asked.file, filename=asked.download_name, size=asked.size)
    except (FileNotFoundError, FileChangedError) as error:
        alert_staff(
            "A form is missing", f"The file of form {asked.number} is missing. Restore {asked.file}, or upload it."
        )
        raise Http404("no file") from error
