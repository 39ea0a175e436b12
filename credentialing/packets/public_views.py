"""Packets, for the facility: password, contents, and downloads, without an account (B-04, docs/security.md#packets)."""

from __future__ import annotations

import datetime as dt
import io
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.downloads import FileChangedError, as_attachment, file_name_part, private_file_response, unchanged_file
from core.pdf.combining import Combiner
from credentialing.packets import limits, opening
from credentialing.packets.broken import report
from credentialing.packets.building import hash_of
from credentialing.packets.forms import PasswordForm

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

P = ParamSpec("P")
LINK_SALT = "packet:link"
# How long a page with the form for the password is good for.
LINK_FOR = dt.timedelta(hours=1)
WRONG = (
    "This link and password don’t open a packet. Check the password. If it’s right, the packet may have expired or "
    "been revoked: ask the person who sent you the link for a new one."
)


def unlisted(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Mark a view: its pages are kept by nobody, found by no search engine, and their addresses told to no other site.
    Too many tries get 429 and the time."""

    @wraps(view)
    def answering(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
        except limits.TooManyTriesError as refusal:
            response = _too_many(request, refusal.retry_at)
        response["Cache-Control"] = "no-store"
        # The form's own request is told the site and not the address, which has the token. Not `no-referrer`: browsers
        # then send forms with the origin `null`, which the check of forms refuses.
        response["Referrer-Policy"] = "strict-origin"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return answering


@require_safe
@unlisted
def open_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Ask for the password, whatever the link. Nothing is looked up and nothing changes: mail scanners open links, too.

    The token is in this address alone: the form sends its hash, signed, to another one.
    """
    form = PasswordForm(initial={"link": signing.dumps(hash_of(token), salt=LINK_SALT)})
    return render(request, "credentialing/packets/opened/password.html", {"form": form})


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
def unlock(request: HttpRequest) -> HttpResponseBase:
    """With the right password, go on to the contents. 422 where link and password open nothing; 410 without a link."""
    if request.method != "POST":
        return _gone(request)
    form = PasswordForm(request.POST)
    if form.is_valid():
        token_hash = _link_of(form.cleaned_data["link"])
        if token_hash is None:
            return _gone(request)
        if opening.unlock(request, token_hash=token_hash, password=form.cleaned_data["password"]) is not None:
            return redirect("packet:contents")
        form.add_error("password", WRONG)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "credentialing/packets/opened/password.html", {"form": form}, status=status)


def _link_of(signed: str) -> str | None:
    """Return the hash that `open_link` put into the form, None for another text or after its time."""
    try:
        return str(signing.loads(signed, salt=LINK_SALT, max_age=LINK_FOR))
    except signing.BadSignature:
        return None


@require_safe
@unlisted
def contents(request: HttpRequest) -> HttpResponseBase:
    """Show what is in the packet that this browser has open. 410 where none is, or it's over."""
    packet = opening.opened_in(request)
    if packet is None:
        return _gone(request)
    papers = opening.offered(packet)
    context = {
        "packet": packet,
        "papers": papers,
        "whole": all(one.is_ready for one in papers if one.is_open) and sum(one.is_open for one in papers) > 1,
        "minutes": int(opening.OPEN_FOR.total_seconds() // 60),
    }
    return render(request, "credentialing/packets/opened/contents.html", context)


@require_safe
@unlisted
def download(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Send one paper, judged and recorded at this moment. 410 where the packet is over, 404 for a paper that isn't in
    it, isn't ready, or may not be given out anymore."""
    packet = opening.opened_in(request)
    if packet is None:
        return _gone(request)
    limits.count_download(request)
    item = opening.fetch(request, packet, public_id)
    if item is None or item.stored is None:
        return _unavailable(request, status=HTTPStatus.NOT_FOUND)
    name, sha256 = item.stored
    try:
        return private_file_response(name, filename=item.download_name, sha256=sha256)
    except (FileNotFoundError, FileChangedError) as error:
        report(item, missing=isinstance(error, FileNotFoundError))
        return _unavailable(request, status=HTTPStatus.SERVICE_UNAVAILABLE)


@require_safe
@unlisted
def download_all(request: HttpRequest) -> HttpResponseBase:
    """Send all papers that may be given out as one PDF with an outline, recorded. 410 where the packet is over, 404
    while a file isn't made yet."""
    packet = opening.opened_in(request)
    if packet is None:
        return _gone(request)
    limits.count_download(request)
    items = opening.fetch_all(request, packet)
    if not items:
        return _unavailable(request, status=HTTPStatus.NOT_FOUND)
    title = f"Credentialing packet, {packet.insured.display_name}"
    to = io.BytesIO()
    with Combiner(to, title=title) as combiner:
        for item in items:
            name, sha256 = item.stored or ("", "")
            try:
                with unchanged_file(name, sha256) as path:
                    combiner.add(path, title=item.title)
            except (FileNotFoundError, FileChangedError) as error:
                report(item, missing=isinstance(error, FileNotFoundError))
                return _unavailable(request, status=HTTPStatus.SERVICE_UNAVAILABLE)
        combiner.close()
    whose = file_name_part(packet.insured.last_name or packet.insured.name)
    response = HttpResponse(to.getvalue(), content_type="application/pdf")
    return as_attachment(response, f"Credentialing packet {whose}.pdf")


@require_POST
@unlisted
def close(request: HttpRequest) -> HttpResponseBase:
    """Forget the packet in this browser, for computers that others use."""
    opening.close(request)
    return render(request, "credentialing/packets/opened/closed.html")


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "credentialing/packets/opened/gone.html", status=HTTPStatus.GONE)


def _unavailable(request: HttpRequest, *, status: int) -> HttpResponse:
    return render(request, "credentialing/packets/opened/unavailable.html", status=status)


def _too_many(request: HttpRequest, until: dt.datetime | None) -> HttpResponse:
    until = until or timezone.now()
    status = HTTPStatus.TOO_MANY_REQUESTS
    response = render(request, "credentialing/packets/opened/limited.html", {"until": until}, status=status)
    response["Retry-After"] = str(max(1, int((until - timezone.now()).total_seconds()) + 1))
    return response
