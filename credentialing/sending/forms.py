"""The form that sends one certificate by email."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from core.idempotency import IdempotentForm
from credentialing.models import Delivery
from credentialing.sending import addresses, limits, services

if TYPE_CHECKING:
    from accounts.models import User
    from credentialing.models import Certificate


class SendForm(IdempotentForm):
    """Where a certificate goes. It is sent when the user has seen what will go (`confirmed`)."""

    use_required_attribute = False

    to = forms.EmailField(
        label="Email address",
        max_length=254,
        error_messages={
            "required": "Enter the holder’s email address.",
            "invalid": "Enter an email address like credentialing@hospital.org.",
            "max_length": "Enter an email address of at most 254 characters.",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    keep = forms.BooleanField(label="Keep this address for the holder", required=False)
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, certificate: Certificate, corrects: Delivery | None = None, **kwargs: Any) -> None:
        """`corrects`: a delivery that came back, whose address is to be corrected."""
        self.on_file = addresses.on_file(certificate.holder)
        if corrects is not None:
            kwargs.setdefault("initial", {"to": corrects.to})
        elif self.on_file:
            kwargs.setdefault("initial", {"to": self.on_file[0]})
        super().__init__(*args, **kwargs)
        self.fields["to"].help_text = "An address where the holder receives certificates." if not self.on_file else ""
        self.certificate = certificate
        self.corrects = corrects
        holder = certificate.holder
        # On one that has an address, the holder's own page changes it.
        wrong = corrects.to if corrects is not None else ""
        self.may_keep = holder is not None and holder.email in ("", wrong)
        if not self.may_keep:
            del self.fields["keep"]

    def clean_to(self) -> str:
        to = services.address(self.cleaned_data["to"])
        if to in services.addresses_that_bounced([to]):
            raise forms.ValidationError("Mail to this address came back. Ask the holder for another address.")
        return to

    @property
    def is_on_file(self) -> bool:
        return self.cleaned_data["to"] in self.on_file

    @property
    def earlier(self) -> Delivery | None:
        """The latest that went to the same address; sending again sends a second copy."""
        return self.certificate.deliveries.filter(to=self.cleaned_data["to"]).order_by("-pk").first()

    def preview(self, *, by: User) -> Delivery:
        """Return the delivery as it would be, unsaved."""
        return Delivery(
            certificate=self.certificate,
            to=self.cleaned_data["to"],
            holder_name=self.certificate.holder_name,
            sent_by=by,
        )

    def send(self, *, by: User) -> Delivery:
        """Send it. The same form again sends nothing more. Raises `TooManyError` past the user's limits."""
        key = f"asked:{by.pk}:{self.cleaned_data['idempotency_key']}"
        there = Delivery.objects.filter(key=key).first()
        if there is not None:
            return there
        to = self.cleaned_data["to"]
        limits.count(by, is_new_address=addresses.is_new(self.certificate, to))
        if self.cleaned_data.get("keep") and self.certificate.holder is not None:
            addresses.keep(self.certificate.holder, to, by=by)
        return services.send(certificate=self.certificate, to=to, by=by, key=key, corrects=self.corrects)
