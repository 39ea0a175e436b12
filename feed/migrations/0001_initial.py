import django.db.models.deletion
import django.utils.timezone
import feed.models
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    # Their names before the first release (docs/decisions/0168-one-migration-per-app.md).
    replaces = [
        ('feed', '0002_held_packages'),
        ('feed', '0003_plain_status_words'),
        ('feed', '0004_document_paths'),
        ('feed', '0005_progress_by_file'),
        ('feed', '0006_deltas_wait'),
        ('feed', '0007_unread_files'),
    ]

    dependencies = [
        ('accounts', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=40, unique=True)),
                ('sequence', models.BigIntegerField()),
                ('digest', models.CharField(max_length=64)),
                ('fingerprint', models.CharField(max_length=64)),
                ('as_of', models.DateTimeField()),
                ('applied_at', models.DateTimeField()),
                ('alarmed_at', models.DateTimeField(blank=True, null=True)),
                ('unread', models.JSONField(db_default={}, default=dict, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('received', 'Received'), ('checking', 'Checking and applying'), ('held', 'Held for review'), ('dropped', 'Dropped'), ('refused', 'Refused'), ('applied', 'Applied'), ('unchanged', 'No changes'), ('rehearsed', 'Dry run: would be applied'), ('failed', 'Failed')], default='received', max_length=12)),
                ('origin', models.CharField(choices=[('command', 'Command line'), ('upload', 'Admin upload'), ('folder', 'Watched folder')], default='command', max_length=10)),
                ('dry_run', models.BooleanField(default=False, verbose_name='dry run')),
                ('idempotency_key', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('name', models.CharField(blank=True, max_length=200, verbose_name='package')),
                ('upload', models.FileField(blank=True, storage=feed.models.package_storage, upload_to=feed.models.package_name)),
                ('path', models.TextField(blank=True)),
                ('source', models.CharField(blank=True, max_length=40)),
                ('sequence', models.BigIntegerField(blank=True, null=True)),
                ('mode', models.CharField(blank=True, max_length=5)),
                ('as_of', models.DateTimeField(blank=True, null=True)),
                ('digest', models.CharField(blank=True, max_length=64, verbose_name="package's SHA-256")),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('phase', models.CharField(blank=True, max_length=120)),
                ('bytes_done', models.BigIntegerField(default=0)),
                ('bytes_total', models.BigIntegerField(default=0)),
                ('progress', models.JSONField(blank=True, default=list, null=True)),
                ('counts', models.JSONField(blank=True, default=dict)),
                ('finding_counts', models.JSONField(blank=True, default=list)),
                ('difference', models.JSONField(blank=True, default=dict)),
                ('timings', models.JSONField(blank=True, default=dict, verbose_name='seconds')),
                ('outcome', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='received')),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('released_reason', models.TextField(blank=True, verbose_name='reason')),
                ('released_os_user', models.CharField(blank=True, db_default='', default='', max_length=64)),
                ('released_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('uploaded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('waits_for', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='waiting', to='feed.run')),
            ],
            options={
                'ordering': ('-id',),
                'permissions': [('load_package', 'Can upload packages of the carrier feed'), ('release_held_run', 'Can release held packages, with a reason')],
                'default_permissions': ('view',),
                'indexes': [models.Index(condition=models.Q(('status__in', ('received', 'checking'))), fields=['created_at'], name='feed_run_unfinished')],
                'constraints': [models.UniqueConstraint(fields=('idempotency_key', 'uploaded_by'), name='feed_run_once', nulls_distinct=False)],
            },
        ),
        migrations.CreateModel(
            name='Finding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(choices=[('package', 'Package'), ('schema', 'Schema'), ('references', 'References'), ('business', 'Business')], max_length=10)),
                ('kind', models.CharField(choices=[('error', 'Error'), ('warning', 'Warning')], max_length=7)),
                ('file', models.CharField(blank=True, max_length=200)),
                ('row', models.BigIntegerField(blank=True, null=True)),
                ('column', models.CharField(blank=True, max_length=80)),
                ('code', models.CharField(max_length=40)),
                ('sentence', models.TextField()),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='findings', to='feed.run')),
            ],
            options={
                'ordering': ('id',),
                'default_permissions': ('view',),
            },
        ),
    ]
