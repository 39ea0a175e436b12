"""Holders of certificates, certificates, and the forms that they bear."""

from credentialing.models.certificate_forms import CertificateForm, wants_approved_form
from credentialing.models.certificates import Certificate
from credentialing.models.holders import Holder
from credentialing.models.on_file import CarrierHolder, StandingHolder

__all__ = ["CarrierHolder", "Certificate", "CertificateForm", "Holder", "StandingHolder", "wants_approved_form"]
