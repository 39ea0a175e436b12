"""`manage.py activation_link USERNAME`, for an owner who can't get email."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.models.users import fold_username
from accounts.services.links import hand_over_activation


class Command(BaseCommand):
    """Prints a link by which the owner of an account chooses a password. It works once; hand it to the owner alone."""

    help = "Print an activation link for an account without a password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username_key=fold_username(options["username"])).first()
        if user is None:
            raise CommandError("Nobody has that username.")
        if user.has_usable_password():
            raise CommandError("The account has a password. Lock and unlock it in admin to void it.")
        if not user.is_active or user.locks.filter(lifted_at=None).exists():
            raise CommandError("The account is locked or inactive.")
        self.stdout.write(hand_over_activation(user=user))
