"""Web support's desk in admin, one module for each kind of row. Django imports it to register them."""

from accounts.admin.factor_resets import FactorResetAdmin
from accounts.admin.users import UserAdmin

__all__ = ["FactorResetAdmin", "UserAdmin"]
