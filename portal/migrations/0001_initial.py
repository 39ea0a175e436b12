import core.dates
import core.fields
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import portal.models.requests
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    # Their names before the first release (docs/decisions/0168-one-migration-per-app.md).
    replaces = [
        ('portal', '0002_delete_demomessage'),
        ('portal', '0003_support'),
        ('portal', '0004_maintenance_rights'),
        ('portal', '0005_answers_of_the_carrier'),
    ]

    dependencies = [
        ('accounts', '__first__'),
        ('policies', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Announcement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('title', models.CharField(max_length=120)),
                ('body', models.TextField(help_text='Plain text. An empty line begins a new paragraph.')),
                ('link', models.CharField(blank=True, default='', help_text='Where to read more, if anywhere: an address that begins with https://.', max_length=300, validators=[django.core.validators.URLValidator(schemes=['https'])])),
                ('level', models.PositiveSmallIntegerField(choices=[(0, 'News'), (1, 'Notice'), (2, 'Important notice')], db_default=0, default=0, help_text='A notice is a box at the top of home, and of the sign-in pages if it’s shown to visitors.', verbose_name='shown as')),
                ('audience', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('insured', 'Insured'), ('policyholder', 'Policyholder'), ('agent', 'Agent')], max_length=12), blank=True, default=list, help_text='The roles that it is for; none chosen: everybody.', size=None)),
                ('for_visitors', models.BooleanField(default=False, help_text='Shown on the page that visitors see, too.', verbose_name='also before sign-in')),
                ('published_from', models.DateTimeField(default=django.utils.timezone.now)),
                ('published_until', models.DateTimeField(blank=True, help_text='Empty: until further notice.', null=True)),
            ],
            options={
                'ordering': ['-level', '-published_from', '-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('published_until', None), ('published_until__gt', models.F('published_from')), _connector='OR'), name='portal_announcement_dates', violation_error_message="It can't end before it begins.")],
            },
        ),
        migrations.CreateModel(
            name='FaqEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(help_text='Its place in the address. Links lead to it.', max_length=60, unique=True)),
                ('topic', models.CharField(choices=[('start', 'Getting started'), ('sign-in', 'Signing in'), ('second-factor', 'Two-step verification'), ('security', 'Keeping your account safe'), ('policies', 'Policies and documents'), ('certificates', 'Certificates of insurance'), ('payments', 'Billing and payments'), ('help', 'Getting help')], max_length=16)),
                ('question', models.CharField(max_length=160, validators=[django.core.validators.MinLengthValidator(5)])),
                ('answer', models.TextField(help_text='Plain text. An empty line begins a new paragraph; lines that begin with “- ” or “1. ” make a list. **bold**, [words](/address/), [words](https://address), and [words](faq:slug of another entry). A value in braces, such as {web_phone}, comes from the settings.', max_length=8000)),
                ('roles', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('insured', 'Insured'), ('policyholder', 'Policyholder'), ('agent', 'Agent')], max_length=12), blank=True, default=list, help_text='The roles that it is for. If none is selected, it’s for everyone.', size=None)),
                ('order', models.PositiveSmallIntegerField(default=100, help_text='Within its topic, the smallest comes first.')),
                ('is_published', models.BooleanField(default=True, verbose_name='published')),
                ('published_on', models.DateField(default=core.dates.carrier_today, help_text='Shown as the date of the entry.')),
                ('shipped_hash', models.CharField(blank=True, default='', editable=False, max_length=64)),
                ('companies', models.ManyToManyField(blank=True, help_text='The writing companies that it is about. None: all of them.', related_name='+', to='policies.company')),
                ('related', models.ManyToManyField(blank=True, related_name='+', to='portal.faqentry')),
            ],
            options={
                'verbose_name': 'FAQ entry',
                'verbose_name_plural': 'FAQ entries',
                'ordering': ['topic', 'order', 'slug'],
            },
        ),
        migrations.CreateModel(
            name='MaintenanceWindow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('area', models.CharField(blank=True, default='', help_text='Empty: the whole portal.', max_length=40)),
                ('starts_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='from')),
                ('expected_end', models.DateTimeField(blank=True, help_text='Shown to customers. Empty: not known yet.', null=True)),
                ('closes', models.BooleanField(default=True, help_text='From the start until you end it. Otherwise customers only see the notice, until the expected end.', verbose_name='closes the portal')),
                ('notice_from', models.DateTimeField(blank=True, help_text='When the notice appears on the home and sign-in pages. Empty: no notice ahead.', null=True, verbose_name='announced from')),
                ('message', models.TextField(blank=True, default='', help_text='What customers should know. Plain text, no markup.', max_length=1000)),
                ('ended_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('overrun_told_at', models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                'ordering': ['-starts_at', '-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('expected_end', None), ('expected_end__gt', models.F('starts_at')), _connector='OR'), name='portal_maintenance_dates', violation_error_message="It can't end before it begins."), models.CheckConstraint(condition=models.Q(('closes', True), ('expected_end__isnull', False), _connector='OR'), name='portal_maintenance_notice_ends', violation_error_message='A notice that closes nothing needs an expected end.')],
            },
        ),
        migrations.CreateModel(
            name='SupportRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('kind', models.CharField(choices=[('question', 'Question'), ('missing', 'Something is missing')], max_length=12)),
                ('topic', models.CharField(max_length=40)),
                ('place', models.CharField(blank=True, default='', max_length=40, verbose_name='page')),
                ('status', models.CharField(choices=[('open', 'Open'), ('in_progress', 'In progress'), ('answered', 'Answered'), ('closed', 'Closed')], default='open', max_length=12)),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('due_at', models.DateTimeField(default=portal.models.requests.due_from_now)),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('acted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('idempotency_key', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('assigned_to', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('policy', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='policies.policy')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='support_requests', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-opened_at', '-id'],
                'permissions': [('answer_supportrequest', 'Can answer and close requests to support')],
                'indexes': [models.Index(fields=['user', '-changed_at', '-id'], name='portal_supportrequest_own'), models.Index(condition=models.Q(('status__in', ('open', 'in_progress'))), fields=['due_at'], name='portal_supportrequest_due')],
                'constraints': [models.UniqueConstraint(fields=('user', 'idempotency_key'), name='portal_supportrequest_once')],
            },
        ),
        migrations.CreateModel(
            name='SupportMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_staff', models.BooleanField(default=False)),
                ('text', models.TextField(max_length=4000)),
                ('sent_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('idempotency_key', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('author', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='portal.supportrequest')),
            ],
            options={
                'ordering': ['sent_at', 'id'],
                'constraints': [models.UniqueConstraint(fields=('request', 'idempotency_key'), name='portal_supportmessage_once')],
            },
        ),
    ]
