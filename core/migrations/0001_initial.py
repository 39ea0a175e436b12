import django.contrib.postgres.fields
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


EVENT_TABLE = """
CREATE TABLE core_event (
    id bigserial NOT NULL,
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
    data jsonb NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX event_actor ON core_event (actor_id, at DESC);
CREATE INDEX event_on_behalf_of ON core_event (on_behalf_of_id, at DESC);
CREATE INDEX event_subject ON core_event (subject_type, subject_id, at DESC);
CREATE INDEX event_tag ON core_event (tag, at DESC);
CREATE TABLE core_event_default PARTITION OF core_event DEFAULT;
-- The row trigger of the parent reaches its partitions by itself; a statement trigger on TRUNCATE does not.
CREATE FUNCTION core_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The event log is append-only: % refused', TG_OP;
END $$;
CREATE TRIGGER no_truncate_partition BEFORE TRUNCATE ON core_event_default
    FOR EACH STATEMENT EXECUTE FUNCTION core_event_refuse();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='OutboxMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('topic', models.CharField(max_length=100)),
                ('key', models.CharField(max_length=200)),
                ('payload', models.JSONField(default=dict)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('delivered', 'Delivered'), ('failed', 'Failed')], default='waiting', max_length=12)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('delivered_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='Throttle',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=60)),
                ('key', models.CharField(max_length=64)),
                ('hits', django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), default=list, size=None)),
                ('granted', models.BooleanField(default=True)),
                ('blocked_until', models.DateTimeField(blank=True, null=True)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        # The event log is partitioned by year, which Django's CreateModel can't say: the state is the model's, the SQL ours.
        migrations.SeparateDatabaseAndState(
            state_operations=[
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
                        'indexes': [models.Index(fields=['actor_id', '-at'], name='event_actor'), models.Index(fields=['on_behalf_of_id', '-at'], name='event_on_behalf_of'), models.Index(fields=['subject_type', 'subject_id', '-at'], name='event_subject'), models.Index(fields=['tag', '-at'], name='event_tag')],
                    },
                ),
            ],
            database_operations=[
                migrations.RunSQL(EVENT_TABLE, "DROP TABLE core_event; DROP FUNCTION core_event_refuse();"),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='event',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'The event log is append-only: % refused', TG_OP;", hash='5c14d9e9baea9b8ab3b8f63aad6980653d742d04', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_56466', table='core_event', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='event',
            trigger=pgtrigger.compiler.Trigger(name='no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'The event log is append-only: % refused', TG_OP;", hash='66e75886307703435c78b6634fbde3052967f745', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_no_truncate_65091', table='core_event', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='outboxmessage',
            index=models.Index(condition=models.Q(('status', 'waiting')), fields=['next_attempt_at'], name='outbox_waiting'),
        ),
        migrations.AddConstraint(
            model_name='outboxmessage',
            constraint=models.UniqueConstraint(fields=('topic', 'key'), name='outbox_once'),
        ),
        migrations.AddIndex(
            model_name='throttle',
            index=models.Index(fields=['updated_at'], name='throttle_updated'),
        ),
        migrations.AddConstraint(
            model_name='throttle',
            constraint=models.UniqueConstraint(fields=('scope', 'key'), name='throttle_once'),
        ),
    ]
