"""Checking a username and password."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from accounts.models import User
from core import memo


class UsernameBackend(ModelBackend):
    """Takes a username or a confirmed email that means one account; case and spaces don't count. A name that nobody has
    costs one hash too, so that the time tells nothing (docs/security.md#enumeration). A locked or inactive account
    fails like a wrong password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        *,
        judged: bool = True,
        **kwargs: Any,
    ) -> User | None:
        """Return the user, or None. `judged`: whether the password may be compared at all; without it, the attempt
        costs the same and fails."""
        if username is None or password is None:
            return None
        started = time.perf_counter()
        user = self._find(username, password, judged=judged)
        if user is None:
            _even_out(started)
        return user

    def _find(self, username: str, password: str, *, judged: bool) -> User | None:
        user = User.objects.meant_by(username)
        if user is None or not user.has_usable_password() or not judged:
            make_password(password)
            return None
        if user.check_password(password) and self.user_can_authenticate(user):
            return user
        return None

    def user_can_authenticate(self, user: Any) -> bool:
        return super().user_can_authenticate(user) and not user.locks.filter(lifted_at=None).exists()

    def get_user(self, user_id: int) -> User | None:
        user = memo.take(("user", user_id)) or User.objects.filter(pk=user_id).first()
        return user if user is not None and user.is_active else None


def _even_out(started: float) -> None:
    """While there are passwords of former systems, whose checks take longer or shorter, wait until a refusal has taken
    as long as any other (docs/decisions/0084-passwords-taken-over.md)."""
    if User.objects.filter(password_taken_over_at__isnull=False, password_changed_at=None).exists():
        left = settings.EVEN_REFUSAL.total_seconds() - (time.perf_counter() - started)
        time.sleep(max(0.0, left))
