"""The directory of holders: the own address book, and those on file; add, change, remove, and merge one's own."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guards import subject_of, user_of
from core.filters import LONGEST_SEARCH
from core.keyset import keyset_page
from credentialing.batches.choosing import issuing_memberships
from credentialing.certificates import limits
from credentialing.holders import arranging, book, pages
from credentialing.holders.forms import HolderForm
from credentialing.models import CarrierHolder, Holder
from policies.rights import holds
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User
    from policies.models import Membership

KEPT = "What you entered is still here."


@require_safe
def holders(request: HttpRequest) -> HttpResponse:
    """Show the directory: the holders of the user's address books, or those on file, searched by name, city, or ZIP."""
    user = subject_of(request)
    q = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    show = pages.ON_FILE if request.GET.get("status") == pages.ON_FILE else pages.OWN
    page = keyset_page(pages.found(user, q, show), request, order=pages.ORDER, count=True)
    context = {
        "page": page,
        "rows": pages.rows_of(page.rows, user),
        "q": q,
        "show": show,
        "tabs": pages.tabs({"q": q, "status": show}),
        "adds": holds(user, Capability.ISSUE_CERTIFICATE),
        "asks": holds(user, Capability.REQUEST_HOLDER),
    }
    return render(request, "credentialing/holders/directory.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Add a holder to an address book. 403 for those who issue nothing, 422 for a form with errors or a holder that
    looks like another one, 429 past the user's limit."""
    user = subject_of(request)
    memberships = _memberships(user)
    form = HolderForm(request.POST if request.method == "POST" else None, user=user, memberships=memberships)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_bound and form.is_valid():
        try:
            holder, is_new = form.add()
        except limits.TooManyError as refusal:
            form.add_error(None, f"{refusal} {KEPT}")
            status = HTTPStatus.TOO_MANY_REQUESTS
        else:
            if is_new:
                messages.success(request, "The holder is in your address book.")
            else:
                messages.info(request, "It was in your address book already. Here it is.")
            return redirect(holder)
    context = {"form": form, "crumbs": crumbs()}
    return render(request, "credentialing/holders/edit.html", context, status=status)


@require_safe
def similar(request: HttpRequest) -> HttpResponse:
    """Return holders that look like what is being typed (`?name=` and `?zip=`), as a part of a form. 403 for those who
    issue nothing."""
    user = subject_of(request)
    typed = [request.GET.get(name, "").replace("\0", "")[:LONGEST_SEARCH] for name in ("name", "zip")]
    found = book.similar_to(*typed, memberships=_memberships(user), user=user)
    return render(request, "credentialing/holders/_similar.html", {"similar": found})


@require_safe
def holder_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a holder of an own address book. 404 for another's, and for one that was removed."""
    user = subject_of(request)
    holder = _own(user, public_id)
    alike = book.similar_to(
        holder.name, holder.zip, memberships=[m for m in [_membership(holder, user)] if m], user=user, but=holder
    )
    context = {
        "holder": holder,
        "shown": pages.page_of(holder, user),
        "alike": [one.holder for one in alike if not one.on_file],
        "arranges": holds(user, Capability.MANAGE_STANDING_HOLDERS),
        "changes": holds(user, Capability.ISSUE_CERTIFICATE),
        "asks": holds(user, Capability.REQUEST_HOLDER),
        "crumbs": crumbs(),
    }
    return render(request, "credentialing/holders/holder.html", context)


@require_safe
def on_file(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a holder on file that a standing arrangement of the user names. 404 for others."""
    user = subject_of(request)
    holder = get_object_or_404(CarrierHolder.objects.visible_to(user), public_id=public_id)
    context = {
        "holder": holder,
        "shown": pages.page_of(holder, user),
        "asks": holds(user, Capability.REQUEST_HOLDER),
        "crumbs": [*crumbs(), ("On file with us", f"{reverse('credentialing:holders')}?status={pages.ON_FILE}")],
    }
    return render(request, "credentialing/holders/holder.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    """Change a holder. 404 for another's, 422 for a form with errors; the page then still has what was typed."""
    user = subject_of(request)
    holder, membership = _to_change(user, public_id)
    form = HolderForm(
        request.POST if request.method == "POST" else None,
        # A form puts what was typed on its row; the verb locks one of its own.
        instance=Holder.objects.get(pk=holder.pk),
        user=user,
        memberships=[membership],
    )
    if form.is_bound and form.is_valid():
        try:
            changed = book.change(holder, by=user_of(request), typed=form.typed())
        except book.SameHolderError as refusal:
            form.add_error(None, f"{refusal} Merge them on its page instead.")
            form.similar = [] if refusal.holder.removed_at else [book.Similar(refusal.holder)]
        else:
            messages.success(request, "Saved." if changed else "Nothing was changed.")
            return redirect(holder)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    context: dict[str, Any] = {"form": form, "holder": holder, "crumbs": crumbs(holder)}
    return render(request, "credentialing/holders/edit.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask whether to remove a holder, and remove it. 404 for another's."""
    user = subject_of(request)
    holder, _ = _to_change(user, public_id)
    if request.method == "POST":
        if book.remove(holder, by=user_of(request)):
            messages.success(request, f"{holder.name} is no longer in your address book.")
        return redirect("credentialing:holders")
    standing = [one for one in pages.standing_of(holder, user) if one.holder == holder]
    context = {"holder": holder, "standing": len(standing), "crumbs": crumbs(holder)}
    return render(request, "credentialing/holders/remove.html", context)


@require_POST
def merge(request: HttpRequest, public_id: str) -> HttpResponse:
    """Let this holder take the place of another one of the same book (`duplicate`). 404 for another's, or where the
    books differ."""
    user = subject_of(request)
    kept, membership = _to_change(user, public_id)
    duplicate = get_object_or_404(
        Holder.objects.in_books_of([membership]).exclude(pk=kept.pk),
        public_id=request.POST.get("duplicate", "").replace("\0", ""),
    )
    if book.merge(duplicate, into=kept, by=user_of(request)):
        messages.success(request, "Merged. Certificates issued before keep the name that they were issued to.")
    return redirect(kept)


def crumbs(holder: Holder | None = None) -> list[tuple[str, str]]:
    """Return the way back to the directory, and to a holder."""
    to_directory = [("Holders", reverse("credentialing:holders"))]
    return [*to_directory, (holder.name, holder.get_absolute_url())] if holder else to_directory


def _own(user: User, public_id: str) -> Holder:
    """Return a holder of the user's address books; 404 where there is none."""
    return get_object_or_404(Holder.objects.visible_to(user), public_id=public_id)


def _membership(holder: Holder, user: User) -> Membership | None:
    return arranging.membership_for(holder, user)


def _memberships(user: User) -> list[Membership]:
    """Return those by which the user adds holders. Raises `PermissionDenied` (403) without any."""
    found = issuing_memberships(user)
    if not found:
        raise PermissionDenied("this user issues no certificates")
    return found


def _to_change(user: User, public_id: str) -> tuple[Holder, Membership]:
    """Return a holder that the user may change, and the membership by which; 404 for another's. Raises
    `PermissionDenied` (403) for a delegate without the right to issue."""
    holder = _own(user, public_id)
    by = next((each for each in _memberships(user) if holder.is_in_book_of(each)), None)
    if by is None:
        raise PermissionDenied("this user issues no certificates for this party")
    return holder, by
