"""The event log becomes an ordinary table; its lines move over, none is lost, and its triggers let go of what is past
the retention.

The function is plain, runs with its own search path, and counts in UTC; its triggers are ENABLE ALWAYS. So nothing that
a session sets changes what is refused.
"""

from django.db import migrations, models

FORWARD = """
ALTER TABLE core_event RENAME TO core_event_by_year;
DROP TRIGGER append_only ON core_event_by_year;
DROP TRIGGER no_truncate ON core_event_by_year;

CREATE TABLE core_event (
    id bigint NOT NULL DEFAULT nextval('core_event_id_seq'),
    at timestamptz NOT NULL,
    tag varchar(100) NOT NULL,
    actor_id bigint NULL,
    actor_name varchar(150) NOT NULL,
    on_behalf_of_id bigint NULL,
    on_behalf_of_name varchar(150) NOT NULL,
    subject_type varchar(60) NOT NULL,
    subject_id varchar(60) NOT NULL,
    ip inet NULL,
    agent varchar(300) NOT NULL,
    request_id varchar(64) NOT NULL,
    session_id varchar(22) NOT NULL,
    data jsonb NOT NULL
);
INSERT INTO core_event (
    id, at, tag, actor_id, actor_name, on_behalf_of_id, on_behalf_of_name, subject_type, subject_id, ip, agent,
    request_id, session_id, data
)
SELECT
    id, at, tag, actor_id, actor_name, on_behalf_of_id, on_behalf_of_name, subject_type, subject_id, ip, agent,
    request_id, session_id, data
FROM core_event_by_year;

-- Whoever could write to the log still can.
DO $$
DECLARE
    given record;
BEGIN
    IF (SELECT count(*) FROM core_event) <> (SELECT count(*) FROM core_event_by_year) THEN
        RAISE EXCEPTION 'The event log did not move over as a whole';
    END IF;
    FOR given IN
        SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END AS role, acl.privilege_type
        FROM pg_class, aclexplode(relacl) acl
        WHERE pg_class.oid = 'core_event_by_year'::regclass AND acl.grantee <> relowner
    LOOP
        EXECUTE format('GRANT %s ON core_event TO %s', given.privilege_type, given.role);
    END LOOP;
END $$;
ALTER SEQUENCE core_event_id_seq OWNED BY core_event.id;
DROP TABLE core_event_by_year;

ALTER TABLE core_event ADD CONSTRAINT core_event_pkey PRIMARY KEY (id);
CREATE INDEX event_actor ON core_event (actor_id, at DESC);
CREATE INDEX event_on_behalf_of ON core_event (on_behalf_of_id, at DESC);
CREATE INDEX event_subject ON core_event (subject_type, subject_id, at DESC);
CREATE INDEX event_tag ON core_event (tag, at DESC);

CREATE OR REPLACE FUNCTION core_event_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF (OLD.at AT TIME ZONE 'UTC') < (now() AT TIME ZONE 'UTC') - interval '5 years' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'The event log is append-only: % refused', TG_OP;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON core_event
    FOR EACH ROW EXECUTE FUNCTION core_event_refuse();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON core_event
    FOR EACH STATEMENT EXECUTE FUNCTION core_event_refuse();
ALTER TABLE core_event ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE core_event ENABLE ALWAYS TRIGGER no_truncate;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0004_work_and_mails")]

    operations = [
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="event", index=models.Index(fields=["-at", "-id"], name="event_at")
        ),
    ]
