import core.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# What keeps certificates as issued, without a way past it: plain triggers, ENABLE ALWAYS, as those of the event log
# (core/migrations/0001_initial.py). A column added later stays as issued unless a new migration puts it on the list of
# those that change while the file is being made.
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

    initial = True

    # Their names before the first release (docs/decisions/0168-one-migration-per-app.md).
    replaces = [
        ('credentialing', '0002_retry_permission'),
        ('credentialing', '0003_certificates_stay'),
        ('credentialing', '0004_holder_search'),
        ('credentialing', '0005_on_file_and_forms'),
    ]

    dependencies = [
        ('accounts', '__first__'),
        ('policies', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='CarrierHolder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40)),
                ('external_id', models.CharField(max_length=200, verbose_name="carrier's id")),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('address1', models.CharField(blank=True, db_default='', default='', max_length=120, verbose_name='address')),
                ('address2', models.CharField(blank=True, db_default='', default='', max_length=120, verbose_name='address, second line')),
                ('city', models.CharField(blank=True, db_default='', default='', max_length=80)),
                ('state', models.CharField(blank=True, db_default='', default='', max_length=2)),
                ('zip', models.CharField(blank=True, db_default='', default='', max_length=10, verbose_name='ZIP')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('name', models.CharField(max_length=200)),
                ('email', models.CharField(blank=True, default='', max_length=254)),
                ('phone', models.CharField(blank=True, default='', max_length=40)),
                ('minimum_per_claim', models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True)),
                ('minimum_aggregate', models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True)),
                ('separate_limits', models.BooleanField(default=False, verbose_name='wants separate limits')),
                ('tail_required', models.BooleanField(default=False, verbose_name='wants a tail after claims-made coverage')),
                ('days_ahead', models.PositiveSmallIntegerField(blank=True, help_text='Days before the end of coverage by which it wants the next certificate.', null=True)),
                ('fingerprint', models.CharField(editable=False, max_length=64)),
                ('search_name', models.CharField(blank=True, default='', editable=False, max_length=400)),
                ('search', models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.SearchVector('search_name', config='simple'), output_field=django.contrib.postgres.search.SearchVectorField())),
            ],
            options={
                'verbose_name': 'holder on file',
                'verbose_name_plural': 'holders on file',
                'abstract': False,
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['search'], name='credentialing_on_file_search'), models.Index(fields=['fingerprint'], name='credentialing_on_file_same')],
                'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='credentialing_carrierholder_key')],
            },
        ),
        migrations.CreateModel(
            name='Holder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address1', models.CharField(blank=True, db_default='', default='', max_length=120, verbose_name='address')),
                ('address2', models.CharField(blank=True, db_default='', default='', max_length=120, verbose_name='address, second line')),
                ('city', models.CharField(blank=True, db_default='', default='', max_length=80)),
                ('state', models.CharField(blank=True, db_default='', default='', max_length=2)),
                ('zip', models.CharField(blank=True, db_default='', default='', max_length=10, verbose_name='ZIP')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('name', models.CharField(max_length=200)),
                ('fingerprint', models.CharField(editable=False, max_length=64)),
                ('search_name', models.CharField(blank=True, default='', editable=False, max_length=400)),
                ('search', models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.SearchVector('search_name', config='simple'), output_field=django.contrib.postgres.search.SearchVectorField())),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('last_used_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('agency', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='holders', to='policies.agency')),
                ('created_by', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('insured', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='holders', to='policies.insured')),
                ('policyholder', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='holders', to='policies.policyholder')),
            ],
            options={
                'verbose_name': 'certificate holder',
                'ordering': ('name', 'id'),
                'indexes': [models.Index(fields=['-last_used_at'], name='credentialing_holder_recent'), django.contrib.postgres.indexes.GinIndex(fields=['search'], name='credentialing_holder_search')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('agency', None), ('insured__isnull', False), ('policyholder', None)), models.Q(('agency', None), ('insured', None), ('policyholder__isnull', False)), models.Q(('agency__isnull', False), ('insured', None), ('policyholder', None)), _connector='OR'), name='credentialing_holder_one_party'), models.UniqueConstraint(fields=('insured', 'policyholder', 'agency', 'fingerprint'), name='credentialing_holder_once', nulls_distinct=False)],
            },
        ),
        migrations.CreateModel(
            name='Certificate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('enqueued_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('is_enqueued', models.BooleanField(default=True)),
                ('last_error', models.CharField(blank=True, default='', max_length=120)),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('serial', models.CharField(max_length=24, unique=True)),
                ('verification_code', models.CharField(max_length=24, unique=True)),
                ('kind', models.CharField(choices=[('coi', 'Certificate of insurance'), ('coi_pending_cancellation', 'Certificate of insurance, cancellation pending'), ('coi_renewal', 'Certificate of insurance, term to come'), ('past_coverage_letter', 'Letter of past coverage')], max_length=24)),
                ('snapshot', models.JSONField()),
                ('snapshot_digest', models.CharField(max_length=64)),
                ('issued_on', models.DateField()),
                ('issued_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('idempotency_key', models.UUIDField(editable=False)),
                ('status', models.CharField(choices=[('queued', 'In preparation'), ('ready', 'Ready'), ('failed', 'Failed')], default='queued', max_length=8)),
                ('file', models.CharField(blank=True, default='', max_length=200)),
                ('sha256', models.CharField(blank=True, default='', max_length=64, verbose_name='SHA-256 of the file')),
                ('size', models.PositiveIntegerField(blank=True, null=True, verbose_name='size in bytes')),
                ('ready_at', models.DateTimeField(blank=True, null=True)),
                ('coverage', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='certificates', to='policies.coverage')),
                ('issued_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('membership', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='policies.membership')),
                ('holder', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='certificates', to='credentialing.holder')),
            ],
            options={
                'ordering': ('-issued_at', '-id'),
                'permissions': [('retry_certificate', 'Can try failed certificates again')],
                'indexes': [models.Index(fields=['coverage', '-issued_at'], name='credentialing_cert_coverage'), models.Index(fields=['-issued_at', '-id'], name='credentialing_cert_recent'), models.Index(condition=models.Q(('status', 'queued')), fields=['enqueued_at'], name='credentialing_cert_queued')],
                'constraints': [models.UniqueConstraint(fields=('coverage', 'snapshot_digest', 'issued_on'), name='credentialing_certificate_once_a_day'), models.UniqueConstraint(fields=('issued_by', 'idempotency_key', 'coverage', 'holder'), name='credentialing_certificate_once_a_form', nulls_distinct=False), models.CheckConstraint(condition=models.Q(models.Q(('status', 'ready'), _negated=True), models.Q(models.Q(('file', ''), _negated=True), models.Q(('sha256', ''), _negated=True), ('ready_at__isnull', False), ('size__gt', 0)), _connector='OR'), name='credentialing_certificate_ready_has_file')],
            },
        ),
        migrations.CreateModel(
            name='StandingHolder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40)),
                ('external_id', models.CharField(max_length=200, verbose_name="carrier's id")),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('claims_history', models.BooleanField(default=False, verbose_name='gets claims histories')),
                ('renewals', models.BooleanField(default=False, verbose_name='gets the certificate of each renewal')),
                ('notices', models.BooleanField(default=False, verbose_name='gets notices of cancellation and changed limits')),
                ('holder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='standing', to='credentialing.carrierholder')),
                ('insured', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='standing_holders', to='policies.insured')),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='standing_holders', to='policies.policy')),
            ],
            options={
                'abstract': False,
                'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='credentialing_standingholder_key')],
            },
        ),
        migrations.CreateModel(
            name='CertificateForm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40)),
                ('external_id', models.CharField(max_length=200, verbose_name="carrier's id")),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('state', models.CharField(blank=True, default='', help_text='Empty: all other states.', max_length=2)),
                ('kind', models.CharField(choices=[('certificate', 'Certificate of insurance'), ('letter', 'Letter of past coverage'), ('verification', 'Answer to a verification'), ('claims_history', 'Claims history')], max_length=15)),
                ('form_number', models.CharField(max_length=60)),
                ('edition', models.CharField(blank=True, default='', max_length=40)),
                ('effective', models.DateField()),
                ('expires', models.DateField(blank=True, null=True)),
                ('legend', models.TextField(blank=True, default='')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='certificate_forms', to='policies.company')),
            ],
            options={
                'abstract': False,
                'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='credentialing_certificateform_key'), models.CheckConstraint(condition=models.Q(('expires', None), ('expires__gt', models.F('effective')), _connector='OR'), name='credentialing_certificateform_period')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
