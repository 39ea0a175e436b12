"""documents.csv: the documents of policies and billing accounts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from core.feedspec import Column, FileUse, Kind, Reference, RowCheck, SetCheck, Table
from core.pdf.keeping import FAULTS, pdf_taker
from policies.feed.columns import POLICY, SHA256, SHA256_WORDS
from policies.models import Document

# Of the private storage.
FOLDER = "documents"

DOCUMENTS = Table(
    file="documents.csv",
    model="policies.Document",
    columns=(
        Column("document_id", Kind.IDENTIFIER, field=None, required=True),
        replace(POLICY, required=False),
        Column("billing_account_id", Kind.IDENTIFIER, field="billing_account_key"),
        Column("term_id", Kind.IDENTIFIER),
        Column("kind", Kind.CHOICE, required=True, choices=tuple(Document.Kind.values)),
        Column("title", required=True),
        Column("issued", Kind.DATE, required=True),
        Column(
            "path",
            Kind.FILE,
            required=True,
            use=FileUse(
                taker=partial(pdf_taker, FOLDER),
                digest="sha256",
                fields={"name": "file"} | {name: name for name in ("size", "pages", "content_type", "fault")},
                faults=FAULTS,
                words="a PDF",
                given="sha256",
                folder=FOLDER,
            ),
        ),
        Column(
            "sha256",
            field=None,
            pattern=SHA256,
            pattern_words=SHA256_WORDS,
            lower=True,
            optional=True,
        ),
    ),
    references=(
        Reference("policy_number", "policies.csv", "policy"),
        Reference("term_id", "terms.csv", "term"),
    ),
    checks=(
        RowCheck(
            code="belongs-to-none",
            column="policy_number",
            faulty="s.policy_number IS NULL AND s.billing_account_id = ''",
            sentence="The document has neither a policy nor a billing account.",
        ),
    ),
    set_checks=(
        SetCheck(
            code="term-of-other-policy",
            column="term_id",
            sql="""
                SELECT d.line, t.external_id AS term, p.number AS policy
                FROM {change} d
                JOIN policies_document o ON o.id = d.id
                JOIN policies_term t ON t.id = o.term_id
                JOIN policies_policy p ON p.id = t.policy_id
                WHERE d.change <> 'retired' AND o.policy_id IS DISTINCT FROM t.policy_id AND o.policy_id IS NOT NULL
            """,
            sentence="Term {term} is one of policy {policy}, not of the document's.",
        ),
    ),
)
