"""Web support's desk in admin, one module for each kind of row. Django imports it to register them."""

from accounts.admin.users import UserAdmin

__all__ = ["UserAdmin"]
