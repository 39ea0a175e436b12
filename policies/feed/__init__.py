"""Files of the carrier feed that fill this area (docs/feed-format.md)."""

from policies.feed.answers import REQUESTS
from policies.feed.coverage import AGENTS_OF_RECORD, COVERAGES, ERE_OFFERS, POLICIES, PRIOR_COVERAGES, TERMS
from policies.feed.documents import DOCUMENTS
from policies.feed.parties import AGENCIES, COMPANIES, CONTACTS, INSUREDS, LICENSES, POLICYHOLDERS

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
    ERE_OFFERS,
    PRIOR_COVERAGES,
    DOCUMENTS,
    REQUESTS,
)

__all__ = ["TABLES"]
