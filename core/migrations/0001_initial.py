import django.contrib.postgres.fields
import django.utils.timezone
from django.db import migrations, models

# What keeps the event log: it lets go of what is past the retention, and refuses the rest. The function is plain, runs with
# its own search path, and counts in UTC; its triggers are ENABLE ALWAYS. So nothing that a session sets changes what is
# refused: django-pgtrigger's functions skip themselves where it has set `pgtrigger.ignore`, and ordinary triggers don't
# run where it has set `session_replication_role`.
FORWARD = """
CREATE FUNCTION core_event_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
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
BACKWARD = """
DROP TRIGGER append_only ON core_event;
DROP TRIGGER no_truncate ON core_event;
DROP FUNCTION core_event_refuse();
"""


class Migration(migrations.Migration):

    initial = True

    # Their names before the first release (docs/decisions/0168-one-migration-per-app.md).
    replaces = [
        ('core', '0002_throttle_claims'),
        ('core', '0003_append_only'),
        ('core', '0004_work_and_mails'),
        ('core', '0005_event_log_is_one_table'),
    ]

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('tag', models.CharField(max_length=100)),
                ('actor_id', models.BigIntegerField(null=True)),
                ('actor_name', models.CharField(blank=True, max_length=150)),
                ('on_behalf_of_id', models.BigIntegerField(null=True)),
                ('on_behalf_of_name', models.CharField(blank=True, max_length=150)),
                ('subject_type', models.CharField(blank=True, max_length=60)),
                ('subject_id', models.CharField(blank=True, max_length=60)),
                ('ip', models.GenericIPAddressField(null=True)),
                ('agent', models.CharField(blank=True, max_length=300)),
                ('request_id', models.CharField(blank=True, max_length=64)),
                ('session_id', models.CharField(blank=True, max_length=22)),
                ('data', models.JSONField(default=dict)),
            ],
            options={
                'ordering': ('-at', '-id'),
                'indexes': [models.Index(fields=['-at', '-id'], name='event_at'), models.Index(fields=['actor_id', '-at'], name='event_actor'), models.Index(fields=['on_behalf_of_id', '-at'], name='event_on_behalf_of'), models.Index(fields=['subject_type', 'subject_id', '-at'], name='event_subject'), models.Index(fields=['tag', '-at'], name='event_tag')],
            },
        ),
        migrations.CreateModel(
            name='Mail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('enqueued_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('is_enqueued', models.BooleanField(default=True)),
                ('last_error', models.CharField(blank=True, default='', max_length=120)),
                ('name', models.CharField(max_length=60)),
                ('key', models.CharField(max_length=200)),
                ('to', models.EmailField(max_length=254)),
                ('context', models.JSONField(default=dict)),
                ('status', models.CharField(choices=[('queued', 'Waiting'), ('sent', 'Sent'), ('dropped', 'No longer needed'), ('failed', 'Failed')], default='queued', max_length=12)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ('-id',),
                'permissions': [('retry_mail', 'Can try failed mails again')],
                'indexes': [models.Index(condition=models.Q(('status', 'queued')), fields=['enqueued_at'], name='mail_queued'), models.Index(condition=models.Q(('sent_at__isnull', False)), fields=['sent_at'], name='mail_sent')],
                'constraints': [models.UniqueConstraint(fields=('name', 'key'), name='mail_once')],
            },
        ),
        migrations.CreateModel(
            name='OutboxMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('enqueued_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('is_enqueued', models.BooleanField(default=True)),
                ('last_error', models.CharField(blank=True, default='', max_length=120)),
                ('topic', models.CharField(max_length=100)),
                ('key', models.CharField(max_length=200)),
                ('payload', models.JSONField(default=dict)),
                ('status', models.CharField(choices=[('queued', 'Waiting'), ('delivered', 'Delivered'), ('failed', 'Failed')], default='queued', max_length=12)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('delivered_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ('id',),
                'indexes': [models.Index(condition=models.Q(('status', 'queued')), fields=['enqueued_at'], name='outbox_queued')],
                'constraints': [models.UniqueConstraint(fields=('topic', 'key'), name='outbox_once')],
            },
        ),
        migrations.CreateModel(
            name='Throttle',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=60)),
                ('key', models.CharField(max_length=64)),
                ('hits', django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), default=list, size=None)),
                ('pending', django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), default=None, null=True, size=None)),
                ('granted', models.BooleanField(default=True)),
                ('blocked_until', models.DateTimeField(blank=True, null=True)),
                ('refused', models.PositiveIntegerField(db_default=0, default=0)),
                ('refused_since', models.DateTimeField(blank=True, null=True)),
                ('refusal_event', models.BigIntegerField(blank=True, null=True)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'indexes': [models.Index(fields=['updated_at'], name='throttle_updated')],
                'constraints': [models.UniqueConstraint(fields=('scope', 'key'), name='throttle_once')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
