"""Holders of certificates, and certificates."""

from credentialing.models.certificates import Certificate
from credentialing.models.holders import Holder

__all__ = ["Certificate", "Holder"]
