"""The event log's triggers, without a way past them.

django-pgtrigger's functions skip themselves where the session has set `pgtrigger.ignore`. These are plain ones, and
ENABLE ALWAYS: `session_replication_role` doesn't skip them either.
"""

import pgtrigger.migrations
from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON core_event
    FOR EACH ROW EXECUTE FUNCTION core_event_refuse();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON core_event
    FOR EACH STATEMENT EXECUTE FUNCTION core_event_refuse();
ALTER TABLE core_event ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE core_event ENABLE ALWAYS TRIGGER no_truncate;
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'core_event'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER no_truncate_partition', part);
    END LOOP;
END $$;
"""
BACKWARD = "DROP TRIGGER append_only ON core_event; DROP TRIGGER no_truncate ON core_event;"


class Migration(migrations.Migration):
    dependencies = [("core", "0002_throttle_claims")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(model_name="event", name="append_only"),
        pgtrigger.migrations.RemoveTrigger(model_name="event", name="no_truncate"),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
