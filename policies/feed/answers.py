"""requests.csv: the carrier's answers to requests made in the portal."""

from __future__ import annotations

from core.areas import answered_models
from core.feedspec import Column, Kind, Load, RowCheck, Severity, Table
from core.outbox import publish_sql
from policies.models import RequestAnswer

REQUESTS_FILE = "requests.csv"
REQUEST_ANSWERED = "request.answered"


def _is_known(request: str) -> str:
    """Return SQL for whether an area has the request of that public id."""
    tables = [model._meta.db_table for model in answered_models()]
    known = [f"EXISTS (SELECT 1 FROM {table} r WHERE r.public_id = {request})" for table in tables]
    return f"({' OR '.join(known) or 'false'})"


def tell_of_answers(load: Load) -> None:
    """Publish `request.answered` for each answer that is new or has changed.

    A request was made here and waits for its answer, so the first one counts, too.
    """
    query = f"""
        SELECT a.public_id || ':' || %(run_id)s AS key, jsonb_build_object(
            'answer', a.public_id, 'request', a.portal_request_id, 'run', %(run_id)s::bigint) AS payload
        FROM {load.changes(REQUESTS_FILE)} d JOIN policies_requestanswer a ON a.id = d.id
        WHERE d.change <> 'retired' AND {_is_known("a.portal_request_id")}
          AND (d.was_status, d.was_updated, d.was_message, d.was_charge)
              IS DISTINCT FROM (a.status, a.updated, a.message, a.charge)
    """
    load.execute(publish_sql(query), {"topic": REQUEST_ANSWERED})


REQUESTS = Table(
    file=REQUESTS_FILE,
    model="policies.RequestAnswer",
    columns=(
        Column("portal_request_id", Kind.IDENTIFIER, required=True),
        Column("status", Kind.CHOICE, required=True, choices=tuple(RequestAnswer.Status.values)),
        Column("updated", Kind.TIME, required=True),
        Column("message"),
        Column("charge", Kind.MONEY, optional=True),
    ),
    checks=(
        RowCheck(
            code="unknown-request",
            column="portal_request_id",
            faulty=f"NOT {_is_known('s.portal_request_id')}",
            sentence="The portal has no request ‘{portal_request_id}’.",
            severity=Severity.WARNING,
        ),
    ),
    track=("status", "updated", "message", "charge"),
    after=(tell_of_answers,),
    every_row=True,
)
