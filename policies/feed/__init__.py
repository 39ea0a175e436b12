"""Files of the carrier feed that fill this area (docs/feed-format.md)."""

from policies.feed.answers import REQUESTS
from policies.feed.coverage import COVERAGES
from policies.feed.coverage_details import ENDORSEMENTS, EXTRAS, FUND_ENROLLMENTS, PRIOR_LIMITS, SUSPENSIONS
from policies.feed.documents import DOCUMENTS
from policies.feed.parties import AGENCIES, COMPANIES, CONTACTS, INSUREDS, LICENSES, POLICYHOLDERS
from policies.feed.policies import AGENTS_OF_RECORD, POLICIES, TERMS
from policies.feed.tails import ERE_OFFERS, PRIOR_COVERAGES

TABLES = (
    COMPANIES,
    AGENCIES,
    POLICYHOLDERS,
    INSUREDS,
    LICENSES,
    CONTACTS,
    POLICIES,
    AGENTS_OF_RECORD,
    TERMS,
    COVERAGES,
    ENDORSEMENTS,
    SUSPENSIONS,
    PRIOR_LIMITS,
    EXTRAS,
    FUND_ENROLLMENTS,
    ERE_OFFERS,
    PRIOR_COVERAGES,
    DOCUMENTS,
    REQUESTS,
)

__all__ = ["TABLES"]
