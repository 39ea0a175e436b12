"""App configuration of accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, sessions, sign-in and second factors."""

    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Put our methods in the place of the registry's own."""
        from accounts.methods import register_methods

        register_methods()
