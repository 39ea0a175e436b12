"""Parties, policies, terms, coverages, and the memberships that say who sees them."""

from policies.models.answers import RequestAnswer
from policies.models.change_requests import ChangeItem, ChangeMessage, ChangeRequest, ChangeRequestFile
from policies.models.change_rules import ChangeRule
from policies.models.coverage import Coverage
from policies.models.coverage_details import Endorsement, Extra, FundEnrollment, PriorLimit, Suspension
from policies.models.document_files import DocumentFile, DocumentFileProgress, DocumentRead
from policies.models.documents import Document
from policies.models.figures import BookFigure, Headcount
from policies.models.fraud_warnings import FraudWarning, fraud_warning
from policies.models.invitation import Invitation
from policies.models.membership import Membership
from policies.models.parties import Agency, Company, Contact, Insured, License, Policyholder
from policies.models.policy import AgentOfRecord, Policy, PolicyStatus
from policies.models.reach import SCOPE, Reach, Scope, coverages_not_retired, of_agencies, reach_of
from policies.models.reminders import RenewalReminder
from policies.models.renewal_parts import RenewalAsking, RenewalCode, RenewalPart, RenewalSignature
from policies.models.renewals import (
    Draft,
    RenewalApplication,
    RenewalMessage,
    RenewalSection,
    RenewalSubmission,
    SavedMeanwhileError,
)
from policies.models.rosters import RosterColumns, RosterUpload
from policies.models.tails import EreOffer, PriorCoverage
from policies.models.term import Term

__all__ = [
    "SCOPE",
    "Agency",
    "AgentOfRecord",
    "BookFigure",
    "ChangeItem",
    "ChangeMessage",
    "ChangeRequest",
    "ChangeRequestFile",
    "ChangeRule",
    "Company",
    "Contact",
    "Coverage",
    "Document",
    "DocumentFile",
    "DocumentFileProgress",
    "DocumentRead",
    "Draft",
    "Endorsement",
    "EreOffer",
    "Extra",
    "FraudWarning",
    "FundEnrollment",
    "Headcount",
    "Insured",
    "Invitation",
    "License",
    "Membership",
    "Policy",
    "PolicyStatus",
    "Policyholder",
    "PriorCoverage",
    "PriorLimit",
    "Reach",
    "RenewalApplication",
    "RenewalAsking",
    "RenewalCode",
    "RenewalMessage",
    "RenewalPart",
    "RenewalReminder",
    "RenewalSection",
    "RenewalSignature",
    "RenewalSubmission",
    "RequestAnswer",
    "RosterColumns",
    "RosterUpload",
    "SavedMeanwhileError",
    "Scope",
    "Suspension",
    "Term",
    "coverages_not_retired",
    "fraud_warning",
    "of_agencies",
    "reach_of",
]
