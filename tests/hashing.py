"""Argon2 with the least work it allows: the tests hash often, and what they show doesn't hang on how slow it is."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickArgon2PasswordHasher(Argon2PasswordHasher):
    """The portal's algorithm with a small part of its cost."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
