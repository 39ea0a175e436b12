"""App configuration of credentialing."""

from django.apps import AppConfig


class CredentialingConfig(AppConfig):
    """Holders and certificates of insurance."""

    name = "credentialing"
    verbose_name = "Credentialing"
