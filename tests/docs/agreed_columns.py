"""The files and columns that carriers and we agreed on (docs/feed-format.md); a + marks what a file may lack."""

from __future__ import annotations

AGREED = {
    "companies.csv": (
        "company_id name naic_number address1 address2 city state zip signatory signatory_title services "
        "+signature +period_wording +pending_cancellation +says_cancelled"
    ),
    "agencies.csv": "agency_id name producer_code phone email address1 address2 city state zip",
    "policyholders.csv": (
        "policyholder_id kind insured_id name phone email address1 address2 city state zip paperless +parent_id"
    ),
    "insureds.csv": (
        "insured_id kind name first_name middle_name last_name suffix credential npi date_of_birth "
        "specialty_code specialty email phone address1 address2 city state zip"
    ),
    "licenses.csv": "insured_id state number expires",
    "contacts.csv": (
        "contact_id party party_id first_name last_name email phone zip date_of_birth role capabilities "
        "username +password_hash"
    ),
    "policies.csv": (
        "policy_number company_id policyholder_id billing_account_id program status status_date status_reason "
        "+status_reason_code cancellation_effective cure_amount reinstate_by reinstatement_amount "
        "+replaced_by +underwriter_name +underwriter_phone +underwriter_email"
    ),
    "agents_of_record.csv": "policy_number agency_id from to",
    "terms.csv": (
        "term_id policy_number status effective expires premium payment_plan billing offer_expires "
        "quick_renew paid_through"
    ),
    "coverages.csv": (
        "coverage_id term_id insured_id part form retroactive_date full_prior_acts limit_per_claim "
        "limit_aggregate +limit_basis limits_shared +limits_shared_with +defense deductible +deductible_basis "
        "effective expires premium specialty_code specialty endorsements fund fund_limits ended_reason +scope "
        "+states +locum +site +cost_center +continues"
    ),
    "endorsements.csv": "coverage_id form_number edition title effective expires on_certificate",
    "suspensions.csv": "suspension_id coverage_id from to reason_code",
    "prior_limits.csv": "coverage_id incidents_before limit_per_claim limit_aggregate",
    "extras.csv": "coverage_id label limit",
    "fund_enrollments.csv": "coverage_id fund form limits effective expires",
    "certificate_forms.csv": "company_id state kind form_number edition effective expires legend",
    "ere_offers.csv": (
        "offer_id coverage_id status decide_by option price installments +installment_amount +finance_charge "
        "letter_code_sha256 starts ends"
    ),
    "prior_coverages.csv": "insured_id carrier policy_number form effective expires retroactive_date ere_ends",
    "billing_accounts.csv": "billing_account_id policyholder_id name autopay",
    "transactions.csv": "transaction_id billing_account_id term_id posted kind amount description +insured_id",
    "installments.csv": "installment_id billing_account_id term_id due amount fee",
    "invoices.csv": "invoice_id billing_account_id issued due amount document_id",
    "payments.csv": "payment_id portal_payment_id billing_account_id received amount method reference status",
    "allocations.csv": "payment_id term_id amount",
    "holders.csv": (
        "holder_id name email phone address1 address2 city state zip +minimum_per_claim +minimum_aggregate "
        "+separate_limits +tail_required +days_ahead"
    ),
    "standing_holders.csv": "holder_id policy_number insured_id claims_history renewals notices",
    "claims.csv": (
        "claim_number policy_number insured_id kind status disposition incident_date report_date closed_date "
        "indemnity_paid expense_paid reserve description +stage +handler +handler_phone +counsel +next_date "
        "+next_event"
    ),
    "seminars.csv": (
        "seminar_id title kind starts ends timezone location url seats cme_credits hours programs credit_eligible"
    ),
    "attendance.csv": "attendance_id seminar_id insured_id participant policy_number completed cme_credits",
    "premium_credits.csv": "insured_id term_id percent granted",
    "documents.csv": "document_id policy_number billing_account_id term_id kind title issued path +sha256",
    "requests.csv": "portal_request_id status updated message +charge",
}
