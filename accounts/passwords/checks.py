"""What `manage.py check --deploy` says about passwords."""

from __future__ import annotations

from django.conf import settings
from django.core import checks

from accounts.passwords.breached import fault_of_large_list


@checks.register(checks.Tags.security, deploy=True)
def check_breached_passwords(**_kwargs: object) -> list[checks.CheckMessage]:
    """Report an error if the list of breached passwords can't be searched."""
    path = settings.BREACHED_PASSWORDS_FILE
    fault = fault_of_large_list(path) if path else ""
    return [checks.Error(f"BREACHED_PASSWORDS_FILE: {fault}", id="accounts.E001")] if fault else []
