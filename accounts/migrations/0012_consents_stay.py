"""What keeps consents as they were given, without a way past it.

Plain triggers, ENABLE ALWAYS, as those of certificates: django-pgtrigger's skip themselves where a session has set
`pgtrigger.ignore`, and ordinary ones where it has set `session_replication_role`.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION accounts_deliveryconsent_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Consents stay as they were given: % refused', TG_OP;
END $$;
CREATE TRIGGER stays_as_given BEFORE UPDATE OR DELETE ON accounts_deliveryconsent
    FOR EACH ROW EXECUTE FUNCTION accounts_deliveryconsent_stays();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON accounts_deliveryconsent
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_deliveryconsent_stays();
ALTER TABLE accounts_deliveryconsent ENABLE ALWAYS TRIGGER stays_as_given;
ALTER TABLE accounts_deliveryconsent ENABLE ALWAYS TRIGGER no_truncate;
"""
BACKWARD = """
DROP TRIGGER stays_as_given ON accounts_deliveryconsent;
DROP TRIGGER no_truncate ON accounts_deliveryconsent;
DROP FUNCTION accounts_deliveryconsent_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_preferences")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
