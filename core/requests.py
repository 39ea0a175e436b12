"""What a customer asks staff, with messages both ways and a clock that both see (S-38, S-46).

An area's request inherits `Request`, and its messages `Message`; what they're about, and what staff decide, is the
area's own. `core.request_admin` is the queue.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from core import mail
from core.events import record_event
from core.fields import PublicIdField

LONGEST_TEXT = 4000
OPEN, IN_PROGRESS, ANSWERED, CLOSED = "open", "in_progress", "answered", "closed"
# Statuses that wait for staff, and have a clock.
WAITING = (OPEN, IN_PROGRESS)


def due_from_now() -> dt.datetime:
    """Return the time by which staff answer what comes now."""
    return timezone.now() + settings.SUPPORT_ANSWER_WITHIN


class RequestQuerySet(models.QuerySet[Any]):
    """Requests to staff."""

    def waiting(self) -> Self:
        """Return those that wait for staff, the most urgent first."""
        return self.filter(status__in=WAITING).order_by("due_at", "id")

    def overdue(self, now: dt.datetime | None = None) -> Self:
        """Return those that wait for staff past their due time."""
        return self.waiting().filter(due_at__lt=now or timezone.now())


class Request(models.Model):
    """One matter between a customer and staff, with messages both ways.

    A subclass has a `user`, a `status` with the four of this module and its own, a `desk` (a key of
    `settings.SUPPORT`), a page, and messages that inherit `Message`. `due_at` is 48 hours (setting) after the
    customer's last word. `ENDED`: the statuses in which nothing more happens.
    """

    ENDED: tuple[str, ...] = (CLOSED,)
    # The area's event tags, with the members REQUEST_REPLIED, REQUEST_TAKEN, REQUEST_ANSWERED, and REQUEST_CLOSED.
    TAGS: Any

    public_id = PublicIdField()
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField(default=due_from_now)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    # When staff, the customer, or the carrier's own system last decided or wrote; an older answer of the carrier
    # changes no status. Empty until someone does.
    acted_at = models.DateTimeField(null=True, blank=True, editable=False)
    idempotency_key = models.UUIDField(default=uuid.uuid4, editable=False)

    if TYPE_CHECKING:
        user: Any
        user_id: int
        status: Any
        desk: Any
        messages: Any

    class Meta:
        abstract = True

    def get_absolute_url(self) -> str:
        raise NotImplementedError

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for staff."""
        return self.status in WAITING

    @property
    def is_overdue(self) -> bool:
        """Whether it waits for staff past its due time."""
        return self.is_waiting and self.due_at < timezone.now()

    @property
    def is_closed(self) -> bool:
        """Whether it has come to its end."""
        return self.status in self.ENDED

    # Verbs. Each locks the row, so that two at once follow one another.

    def reply(self, *, text: str, key: uuid.UUID, by: Any = None) -> Any:
        """Add the customer's own words, or a colleague's (`by`). It waits for staff again, with a new clock; None where
        it was closed."""
        with transaction.atomic():
            now = self._locked()
            if self.is_closed:
                return None
            message, is_new = self.messages.get_or_create(
                idempotency_key=key, defaults={"author": by or self.user, "text": text, "sent_at": now}
            )
            if is_new:
                if not self.is_waiting:
                    self.status = IN_PROGRESS if self.assigned_to_id else OPEN
                    self.due_at = due_from_now()
                self._acted(now)
                record_event(self.TAGS.REQUEST_REPLIED, subject=self, by=by or self.user)
                self.tell_desk(key=str(key))
            return message

    def assign(self, to: Any, *, by: Any) -> bool:
        """Give it to a member of staff, or (`to` is None) back to everyone; returns whether that changed anything."""
        with transaction.atomic():
            now = self._locked()
            if self.is_closed or self.assigned_to_id == (to.pk if to else None):
                return False
            was_open = self.status == OPEN
            self.assigned_to = to
            if self.is_waiting:
                self.status = IN_PROGRESS if to else OPEN
            self._acted(now)
            record_event(
                self.TAGS.REQUEST_TAKEN,
                subject=self,
                by=by,
                on_behalf_of=self.user,
                assigned_to=to.get_username() if to else "",
            )
            if was_open and to is not None:
                self.tell("request_taken")
            return True

    def answer(self, *, text: str, by: Any, key: uuid.UUID, closes: bool = False) -> Any:
        """Send staff's words to the customer; `closes`: nothing else is to be done. The same key answers once."""
        with transaction.atomic():
            now = self._locked()
            message, is_new = self._say_of_staff(text, by=by, now=now, key=key)
            if is_new:
                self.status = CLOSED if closes else ANSWERED
                self.assigned_to = self.assigned_to or by
                self._acted(now)
                tag = self.TAGS.REQUEST_CLOSED if closes else self.TAGS.REQUEST_ANSWERED
                record_event(tag, subject=self, by=by, on_behalf_of=self.user)
                self.tell("request_answered", key=str(message.pk))
            return message

    def close(self, *, by: Any) -> bool:
        """End it without another word; returns False where it was closed already."""
        with transaction.atomic():
            now = self._locked()
            if self.is_closed:
                return False
            self.status = CLOSED
            self._acted(now)
            record_event(self.TAGS.REQUEST_CLOSED, subject=self, by=by, on_behalf_of=self.user)
            if by.pk != self.user_id:
                self.tell("request_closed")
            return True

    def take_answer(self, status: str | None, *, text: str, updated: dt.datetime, key: uuid.UUID) -> None:
        """Take the answer of the carrier's own system: where it is with the request, and its words, if any.

        `status`: None leaves it. So does an answer from before what staff or the customer did last; its words are shown
        all the same. The same key is taken once.
        """
        with transaction.atomic():
            now = self._locked()
            was = self.status
            if status and (self.acted_at is None or updated >= self.acted_at):
                if status in WAITING and not self.is_waiting:
                    self.due_at = due_from_now()
                self.status = status
                self.acted_at = min(updated, now)
            says = bool(text) and self._say_of_staff(text, by=None, now=now, key=key)[1]
            if self.status != was or says:
                self._changed(now)
                self._tell_of_answer(was, says=says, key=key)

    def _tell_of_answer(self, was: str, *, says: bool, key: uuid.UUID) -> None:
        """Record what the carrier's answer did, and mail it as staff's own steps are."""
        closed = self.is_closed and was != self.status
        if closed or says:
            tag = self.TAGS.REQUEST_CLOSED if closed else self.TAGS.REQUEST_ANSWERED
            record_event(tag, subject=self, on_behalf_of=self.user, source="feed")
            self.tell("request_answered" if says else "request_closed", key=str(key))
        elif was == OPEN:
            record_event(self.TAGS.REQUEST_TAKEN, subject=self, on_behalf_of=self.user, source="feed")
            self.tell("request_taken")

    # Mails: none holds what anyone wrote. It says that something happened, and the page behind sign-in has the words.

    def tell(self, name: str, *, key: str = "") -> None:
        """Tell the customer what became of it: `request_received`, `_taken`, `_answered`, or `_closed`."""
        if self.user.email:
            context = {"address": settings.PUBLIC_URL + self.get_absolute_url()}
            mail.send(name, to=self.user.email, context=context, key=f"{self.public_id}:{key}".rstrip(":"))

    def tell_desk(self, *, key: str) -> None:
        """Tell its desk that it waits for an answer."""
        place = f"{self._meta.app_label}/{self._meta.model_name}"
        context = {"address": f"{settings.PUBLIC_URL}/admin/{place}/{self.pk}/change/"}
        to = settings.SUPPORT[self.desk]["email"]
        mail.send("request_waiting", to=to, context=context, key=f"{self.public_id}:{key}")

    def _say_of_staff(self, text: str, *, by: Any, now: dt.datetime, key: uuid.UUID) -> tuple[Any, bool]:
        """Add words of our side, and return them and whether they're new. `by`: None is the carrier's own system."""
        words = {"author": by, "from_staff": True, "text": text, "sent_at": now}
        found: tuple[Any, bool] = self.messages.get_or_create(idempotency_key=key, defaults=words)
        return found

    def _locked(self) -> dt.datetime:
        """Lock the row and take over what another one changed meanwhile; returns the time."""
        row = type(self)._default_manager.select_for_update().get(pk=self.pk)  # noqa: SLF001  # Django's own name for it
        self.status, self.assigned_to_id, self.due_at = row.status, row.assigned_to_id, row.due_at
        self.acted_at = row.acted_at
        return timezone.now()

    def _acted(self, now: dt.datetime, *more: str) -> None:
        """Store what staff or the customer changed; `more`: fields of the subclass."""
        self.acted_at = now
        self._changed(now, *more)

    def _changed(self, now: dt.datetime, *more: str) -> None:
        self.changed_at = now
        fields = ["assigned_to", "due_at", "changed_at", "acted_at", *more]
        self.save(update_fields=["status", *fields])  # type: ignore[misc]  # each subclass has one


class Message(models.Model):
    """What one side wrote. Messages are only added, and never mailed. What the carrier's own system wrote has no
    author.

    A subclass has a foreign key `request`, with `messages` as its other side, unique together with the key.
    """

    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    from_staff = models.BooleanField(default=False)
    text = models.TextField(max_length=LONGEST_TEXT)
    sent_at = models.DateTimeField(default=timezone.now, editable=False)
    idempotency_key = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        abstract = True
        ordering = ["sent_at", "id"]

    def __str__(self) -> str:
        return f"{'Staff' if self.from_staff else 'Customer'}, {timezone.localtime(self.sent_at):%Y-%m-%d %H:%M}"
