"""Holders, certificates, batches and deliveries of them, claims histories, packets, forms, requests, and
verifications."""

from credentialing.models.authorizations import Authorization, AuthorizationRevocation
from credentialing.models.batches import Batch, BatchItem, BatchPiece
from credentialing.models.certificate_forms import CertificateForm, wants_approved_form
from credentialing.models.certificates import Certificate
from credentialing.models.claims_histories import ClaimsPaper, ClaimsRequest, LossRunRule
from credentialing.models.deliveries import Delivery
from credentialing.models.holder_requests import HolderMessage, HolderRequest
from credentialing.models.holders import Holder
from credentialing.models.joiners import JoinerHolder
from credentialing.models.notices import Notice, NoticeRun, StandingIssue
from credentialing.models.on_file import CarrierHolder, StandingHolder
from credentialing.models.own_standing import OwnStandingHolder
from credentialing.models.packets import Packet, PacketItem, PacketOpening
from credentialing.models.renewal_skips import RenewalSkip
from credentialing.models.requests import PaperRequest
from credentialing.models.verifications import Verification

__all__ = [
    "Authorization",
    "AuthorizationRevocation",
    "Batch",
    "BatchItem",
    "BatchPiece",
    "CarrierHolder",
    "Certificate",
    "CertificateForm",
    "ClaimsPaper",
    "ClaimsRequest",
    "Delivery",
    "Holder",
    "HolderMessage",
    "HolderRequest",
    "JoinerHolder",
    "LossRunRule",
    "Notice",
    "NoticeRun",
    "OwnStandingHolder",
    "Packet",
    "PacketItem",
    "PacketOpening",
    "PaperRequest",
    "RenewalSkip",
    "StandingHolder",
    "StandingIssue",
    "Verification",
    "wants_approved_form",
]
