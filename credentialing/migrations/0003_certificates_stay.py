"""What keeps certificates as issued, without a way past it.

django-pgtrigger's functions skip themselves where the session has set `pgtrigger.ignore`. This is a plain one, and
ENABLE ALWAYS: `session_replication_role` doesn't skip it either. A column added later stays as issued unless a new
migration puts it on the list of those that change while the file is being made.
"""

import pgtrigger.migrations
from django.db import migrations

FORWARD = """
CREATE FUNCTION credentialing_certificate_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- What changes while the file is being made.
    passing text[] := ARRAY[
        'status', 'attempts', 'enqueued_at', 'is_enqueued', 'last_error', 'file', 'sha256', 'size', 'ready_at'
    ];
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'Certificates stay as issued: % refused', TG_OP;
    END IF;
    IF OLD.status = 'ready' THEN
        RAISE EXCEPTION 'Certificates stay as issued: % refused, it is ready', TG_OP;
    END IF;
    IF to_jsonb(NEW) - passing IS DISTINCT FROM to_jsonb(OLD) - passing THEN
        RAISE EXCEPTION 'Certificates stay as issued: % refused', TG_OP;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stays_as_issued BEFORE UPDATE OR DELETE ON credentialing_certificate
    FOR EACH ROW EXECUTE FUNCTION credentialing_certificate_stays();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON credentialing_certificate
    FOR EACH STATEMENT EXECUTE FUNCTION credentialing_certificate_stays();
ALTER TABLE credentialing_certificate ENABLE ALWAYS TRIGGER stays_as_issued;
ALTER TABLE credentialing_certificate ENABLE ALWAYS TRIGGER no_truncate;
"""
BACKWARD = """
DROP TRIGGER stays_as_issued ON credentialing_certificate;
DROP TRIGGER no_truncate ON credentialing_certificate;
DROP FUNCTION credentialing_certificate_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("credentialing", "0002_retry_permission")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(model_name="certificate", name="stays_as_issued"),
        pgtrigger.migrations.RemoveTrigger(model_name="certificate", name="ready_is_final"),
        pgtrigger.migrations.RemoveTrigger(model_name="certificate", name="never_deleted"),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
