"""Forms of accounts, one module for each feature."""

from accounts.forms.codes import CodeForm, VerifyForm
from accounts.forms.joining import JoinForm
from accounts.forms.methods import FirstMethodForm, NewPasskeyForm, PasskeySignInForm, RenameForm
from accounts.forms.passwords import LONGEST_PASSWORD, NewPasswordForm
from accounts.forms.recovery import ForgotPasswordForm, RecoveryCodeForm, ResetCodeForm
from accounts.forms.register import IdentityForm, LetterCodeForm, RegisterForm
from accounts.forms.setup import CallForm, MethodForm, PhoneForm
from accounts.forms.sign_in import SignInForm

__all__ = [
    "LONGEST_PASSWORD",
    "CallForm",
    "CodeForm",
    "FirstMethodForm",
    "ForgotPasswordForm",
    "IdentityForm",
    "JoinForm",
    "LetterCodeForm",
    "MethodForm",
    "NewPasskeyForm",
    "NewPasswordForm",
    "PasskeySignInForm",
    "PhoneForm",
    "RecoveryCodeForm",
    "RegisterForm",
    "RenameForm",
    "ResetCodeForm",
    "SignInForm",
    "VerifyForm",
]
