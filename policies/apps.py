"""The app of parties, policies and who sees what."""

from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    """Parties, policies, terms, coverages, memberships and roles."""

    name = "policies"
    verbose_name = "Policies"
