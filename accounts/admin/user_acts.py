"""What staff do to an account, each act with a reason and an event (docs/staff.md#accounts)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.admin import looks
from accounts.admin.forms import ReasonForm, UnlockForm
from accounts.events import AccountEvent
from accounts.guards import user_of
from accounts.methods import devices_of
from accounts.models import AccountLink, DetailChange, User
from accounts.services import browsers, links, locks, resets
from accounts.services.changes import Change
from accounts.services.remembering import describe_agent
from core.admin import StaffAdmin
from core.dates import shown_day
from core.events import record_event
from core.models import Event
from core.sentences import label_of
from core.templatetags.show import day_long

EVENTS_SHOWN = 200

UNLOCK, READ_EVENTS, END_SESSIONS = "accounts.unlock_user", "accounts.view_user_events", "accounts.end_user_sessions"


def line_of(event: Event) -> dict[str, Any]:
    """Return a line of the log as staff read it."""
    told = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in event.data.items()}
    browser = describe_agent(event.agent) if event.agent else ""
    return {"event": event, "what": label_of(event.tag), "browser": browser, "told": told}


def may_activate(user: User) -> bool:
    """Whether the account only lacks a password."""
    return _is_open(user) and bool(user.email) and not user.has_usable_password()


def may_reset(user: User) -> bool:
    """Whether the account can get a link to choose another password: an email counts once its owner confirmed it."""
    return _is_open(user) and user.email_confirmed_at is not None and user.has_usable_password()


def _is_open(user: User) -> bool:
    return user.is_active and not user.locks.filter(lifted_at=None).exists()


def email_choices(user: User) -> dict[str, str]:
    """Return the emails that may be the owner's, if it was changed lately; the present one first."""
    former = locks.former_emails_of(user)
    if not former:
        return {}
    told = {email: f"Restore {email}, given up {day_long(shown_day(change.at))}" for email, change in former.items()}
    return {user.email: f"Keep {user.email}: it’s the owner’s", **told}


def changed_line(change: DetailChange) -> dict[str, Any]:
    """Return a change of details as staff read it: when, what, and what was there before."""
    former = ", ".join(str(value) for name, value in change.former.items() if value and name != "confirmed_at")
    what = Change(change.change).label if change.change in Change.values else change.change
    return {"at": change.at, "what": what, "former": former, "by": change.by}


class UserActs(StaffAdmin[User]):
    """The pages that ask staff for a reason, and act. Each asks for its right, and whether the account is theirs to
    serve (`User.is_served_by`)."""

    def get_urls(self) -> list[URLPattern]:
        acts = {
            "lock": self.lock_view,
            "unlock": self.unlock_view,
            "activation": self.activation_view,
            "reset": self.reset_view,
            "end-sessions": self.end_sessions_view,
            "revoke-devices": self.revoke_devices_view,
            "events": self.events_view,
        }
        return [
            path(f"<int:user_id>/{name}/", self.admin_site.admin_view(view), name=f"accounts_user_{name}")
            for name, view in acts.items()
        ] + [*looks.urls(self), *super().get_urls()]

    def account_of(self, request: HttpRequest, user_id: int, permission: str) -> User:
        """Return the account of a page. Raises PermissionDenied without the right, Http404 if there's no account."""
        if not request.user.has_perm(permission):
            raise PermissionDenied
        user = self.get_object(request, str(user_id))
        if user is None:
            raise Http404
        return user

    def served(self, request: HttpRequest, user_id: int, permission: str) -> User:
        """Return the account of an act. Raises PermissionDenied without the right, for the staff member's own account,
        and for a staff account unless a superuser asks."""
        user = self.account_of(request, user_id, permission)
        if not user.is_served_by(user_of(request)):
            raise PermissionDenied
        return user

    def act(
        self,
        request: HttpRequest,
        user: User,
        *,
        title: str,
        action: str,
        do: Callable[[str], str],
        note: str = "",
    ) -> HttpResponse:
        """Ask for a reason; with one, do it and say what was done. `do` gets the reason and returns the sentence."""
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            messages.success(request, do(form.cleaned_data["reason"]))
            return self.back_to(user)
        return self.ask_reason(request, user, form, title=title, action=action, note=note)

    def unlock_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """End the lock and every cool-off, with a reason. After a lock, each factor is kept or removed, the email is
        kept or restored if it was changed lately, and the owner chooses a new password."""
        user = self.served(request, user_id, UNLOCK)
        locked = user.locks.filter(lifted_at=None).exists()
        form = UnlockForm(
            request.POST if request.method == "POST" else None,
            devices=devices_of(user) if locked else [],
            emails=email_choices(user) if locked else {},
        )
        if form.is_valid():
            reason, email = form.cleaned_data["reason"], form.cleaned_data.get("email")
            locks.unlock(user=user, by=user_of(request), reason=reason, kept=form.kept(), email=email)
            messages.success(request, f"{user} is unlocked.{self._password_words(user) if locked else ''}")
            return self.back_to(user)
        changes = [changed_line(change) for change in locks.recent_changes_of(user)] if locked else []
        if changes and request.method != "POST":
            record_event(AccountEvent.VIEWED, subject=user, on_behalf_of=user, what="recent changes")
        return self.ask_reason(
            request, user, form, title=f"Unlock {user}", action="Unlock this account", changes=changes
        )

    def lock_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Lock the account until staff unlock it, with a reason. Its sessions end at once."""
        user = self.served(request, user_id, UNLOCK)

        def lock(reason: str) -> str:
            locks.lock(user=user, by=user_of(request), reason=reason)
            return f"{user} is locked. All sessions have ended."

        return self.act(request, user, title=f"Lock {user}", action="Lock this account", do=lock)

    def activation_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Email a new link to choose a password, with a reason, to an account without one."""
        user = self.served(request, user_id, UNLOCK)
        if not may_activate(user):
            raise PermissionDenied
        return self._send_link(request, user, links.send_activation, title=f"Activate {user}")

    def reset_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Email a link to choose another password, with a reason. It works for 30 minutes, as one that the owner asks
        for. The present password works until it's used; it changes no second factor."""
        user = self.served(request, user_id, UNLOCK)
        if not may_reset(user):
            raise PermissionDenied
        return self._send_link(request, user, resets.send_for, title=f"Password of {user}")

    def _send_link(
        self, request: HttpRequest, user: User, mail_link: Callable[..., AccountLink], *, title: str
    ) -> HttpResponse:
        def send(reason: str) -> str:
            link = mail_link(user=user, by=user_of(request))
            record_event(AccountEvent.LINK_ASKED, subject=user, on_behalf_of=user, reason=reason, link=link.public_id)
            return f"We sent a link to choose a password to {user.email}."

        return self.act(request, user, title=title, action="Send the link", do=send)

    def end_sessions_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """End every session, revoke every remembered device, and void links, with a reason."""
        user = self.served(request, user_id, END_SESSIONS)

        def end(reason: str) -> str:
            ended = browsers.sign_out_everywhere(user=user, by=user_of(request), reason=reason)
            return f"{ended} sessions of {user} have ended, and no device is remembered."

        note = "The account stays open: the owner signs in again. Lock it if someone else could sign in, too."
        return self.act(request, user, title=f"Sign out {user}", action="End all sessions", do=end, note=note)

    def revoke_devices_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Revoke every remembered device, with a reason. Sessions that gave a code go on."""
        user = self.served(request, user_id, END_SESSIONS)

        def revoke(reason: str) -> str:
            revoked = browsers.revoke_all(user=user, by=user_of(request), reason=reason)
            return f"{revoked} remembered devices of {user} are revoked."

        note = "Each of them is asked for a code at its next sign-in. Sessions that gave a code go on."
        return self.act(
            request, user, title=f"Remembered devices of {user}", action="Revoke all devices", do=revoke, note=note
        )

    def events_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Show the account's newest events; older ones page by page."""
        user = self.account_of(request, user_id, READ_EVENTS)
        record_event(AccountEvent.EVENTS_VIEWED, subject=user, on_behalf_of=user)
        before = request.GET.get("before", "")
        log = Event.objects.about_user(user.pk)
        if before.isdecimal():
            log = log.filter(id__lt=int(before))
        events = list(log[: EVENTS_SHOWN + 1])
        context = self._context(request, user, title=f"Event log of {user}")
        context |= {
            "lines": [line_of(event) for event in events[:EVENTS_SHOWN]],
            "older": events[EVENTS_SHOWN - 1].pk if len(events) > EVENTS_SHOWN else None,
        }
        return TemplateResponse(request, "admin/accounts/user/events.html", context)

    def ask_reason(
        self,
        request: HttpRequest,
        user: User,
        form: ReasonForm,
        *,
        title: str,
        action: str,
        note: str = "",
        changes: Sequence[dict[str, Any]] = (),
    ) -> HttpResponse:
        """Show the form of an act; 422 where it was sent and refused."""
        context = self._context(request, user, title=title) | {"changes": changes}
        context |= {"form": form, "action": action, "note": note, "obstacles": locks.obstacles_of(user)}
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        context["questions"] = form.questions() if isinstance(form, UnlockForm) else []
        return TemplateResponse(request, "admin/accounts/user/reason.html", context, status=status)

    def back_to(self, user: User) -> HttpResponseRedirect:
        """Return to the account's page."""
        return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[user.pk]))

    def _context(self, request: HttpRequest, user: User, *, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": title, "original": user, "opts": self.opts}

    @staticmethod
    def _password_words(user: User) -> str:
        if user.email:
            return f" The old password is void. We sent a link to choose a new one to {user.email}."
        return " The old password is void. Without an email, ask an operator for a link (manage.py activation_link)."
