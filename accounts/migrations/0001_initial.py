import accounts.models.users
import core.fields
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

# What keeps consents as they were given, without a way past it: plain triggers, ENABLE ALWAYS, as those of the event log
# (core/migrations/0001_initial.py).
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

    initial = True

    # Their names before the first release (docs/decisions/0168-one-migration-per-app.md).
    replaces = [
        ('accounts', '0002_email_confirmed_at'),
        ('accounts', '0003_folded_length'),
        ('accounts', '0004_account_link'),
        ('accounts', '0005_guessing_and_factors'),
        ('accounts', '0006_mails_leave_the_outbox'),
        ('accounts', '0007_help_texts'),
        ('accounts', '0008_links_and_notices'),
        ('accounts', '0009_registrations'),
        ('accounts', '0010_recovery'),
        ('accounts', '0011_preferences'),
        ('accounts', '0012_consents_stay'),
        ('accounts', '0013_voice_and_take_over'),
        ('accounts', '0014_looks'),
        ('accounts', '0015_passkeys'),
        ('accounts', '0016_devices_and_places'),
        ('accounts', '0017_taken_over_passwords'),
        ('accounts', '0018_names_of_factor_resets'),
    ]

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('username', models.CharField(error_messages={'unique': 'A user with this username already exists.'}, max_length=150, unique=True, validators=[accounts.models.users.validate_folded_length])),
                ('username_key', accounts.models.users.FoldedUsernameField(editable=False, max_length=200, unique=True)),
                ('first_name', models.CharField(blank=True, max_length=100)),
                ('last_name', models.CharField(blank=True, max_length=100)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('password', models.CharField(max_length=255)),
                ('email_confirmed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('phone', models.CharField(blank=True, max_length=32)),
                ('address1', models.CharField(blank=True, max_length=120, verbose_name='address line 1')),
                ('address2', models.CharField(blank=True, max_length=120, verbose_name='address line 2')),
                ('city', models.CharField(blank=True, max_length=80)),
                ('state', models.CharField(blank=True, max_length=2)),
                ('zip', models.CharField(blank=True, max_length=10, verbose_name='ZIP')),
                ('time_zone', models.CharField(default='America/New_York', max_length=64)),
                ('language', models.CharField(choices=[('en', 'English'), ('es', 'Español')], default='en', max_length=8)),
                ('notices', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('renewal', 'Renewal reminders'), ('payment', 'Payment reminders'), ('news', 'News and risk management updates'), ('activity_review', 'A reminder each quarter to review my account’s activity')], max_length=30), blank=True, db_default=['renewal', 'payment'], default=accounts.models.users.usual_notices, size=None)),
                ('is_staff', models.BooleanField(default=False, help_text='Can open admin.', verbose_name='staff')),
                ('is_active', models.BooleanField(default=True, help_text='Can sign in. Clear this instead of deleting.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('password_changed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('password_taken_over_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('factorless_since', models.DateTimeField(blank=True, editable=False, null=True)),
                ('security_epoch', models.PositiveIntegerField(default=1, editable=False)),
                ('default_method', models.CharField(blank=True, db_default='', default='', editable=False, max_length=22)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'ordering': ('username_key',),
                'permissions': [('unlock_user', 'Can see why an account is locked, lock it and unlock it'), ('view_user_events', "Can read an account's event log"), ('view_as_user', 'Can look at the portal as a customer sees it, read-only and for a reason'), ('end_user_sessions', "Can end an account's sessions and forget its remembered devices")],
                'indexes': [models.Index(django.db.models.functions.text.Upper('email'), condition=models.Q(('email_confirmed_at__isnull', False)), name='user_confirmed_email'), models.Index(condition=models.Q(('password_changed_at', None), ('password_taken_over_at__isnull', False)), fields=['password_taken_over_at'], name='unused_passwords')],
                'constraints': [models.CheckConstraint(condition=models.Q(('email_confirmed_at', None), models.Q(('email', ''), _negated=True), _connector='OR'), name='only_an_email_is_confirmed')],
            },
        ),
        migrations.CreateModel(
            name='AccountLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('purpose', models.CharField(choices=[('activation', 'Activation: choose a password'), ('reset', 'Reset: choose another password'), ('confirm_email', 'Confirmation of a new email'), ('lock', 'Lock: the owner did not make a change')], max_length=20)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('change', models.CharField(blank=True, db_default='', default='', max_length=30)),
                ('token_hash', models.CharField(blank=True, editable=False, max_length=64)),
                ('epoch', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('voided_at', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-created_at',),
                'constraints': [models.UniqueConstraint(condition=models.Q(('used_at', None), ('voided_at', None), models.Q(('purpose__in', ('lock',)), _negated=True)), fields=('user', 'purpose'), name='one_open_link_per_purpose'), models.UniqueConstraint(condition=models.Q(('token_hash', ''), _negated=True), fields=('token_hash',), name='a_link_token_once')],
            },
        ),
        migrations.CreateModel(
            name='AccountLock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=300)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('lifted_at', models.DateTimeField(blank=True, null=True)),
                ('lift_reason', models.CharField(blank=True, max_length=300)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='locks_set', to=settings.AUTH_USER_MODEL)),
                ('lifted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='locks_lifted', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='locks', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-created_at',),
                'constraints': [models.UniqueConstraint(condition=models.Q(('lifted_at', None)), fields=('user',), name='one_lock_at_a_time'), models.CheckConstraint(condition=models.Q(('lifted_at', None), models.Q(('lift_reason', ''), _negated=True), _connector='OR'), name='lock_lifted_with_a_reason')],
            },
        ),
        migrations.CreateModel(
            name='DeliveryConsent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('category', models.CharField(choices=[('policy', 'Policy documents'), ('billing', 'Invoices and billing notices'), ('notices', 'Renewal, nonrenewal, and cancellation notices'), ('education', 'Seminar and risk management mailings')], max_length=20)),
                ('is_given', models.BooleanField(verbose_name='given')),
                ('text_version', models.CharField(max_length=20)),
                ('text', models.TextField()),
                ('username', models.CharField(max_length=150)),
                ('name', models.CharField(blank=True, max_length=201)),
                ('email', models.EmailField(max_length=254)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ip', models.GenericIPAddressField(null=True)),
                ('agent', models.CharField(blank=True, max_length=300)),
                ('session_id', models.CharField(blank=True, max_length=22)),
                ('request_id', models.CharField(blank=True, max_length=64)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='delivery_consents', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-at', '-id'),
                'indexes': [models.Index(fields=['user', 'category', '-at'], name='consent_of_user')],
            },
        ),
        migrations.CreateModel(
            name='DetailChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('change', models.CharField(max_length=30)),
                ('former', models.JSONField(default=dict)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='detail_changes', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-at', '-id'),
                'indexes': [models.Index(fields=['user', '-at'], name='detail_change_of_user'), models.Index(fields=['at'], name='detail_change_at')],
            },
        ),
        migrations.CreateModel(
            name='FactorReset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('status', models.CharField(choices=[('asked', 'Waiting for a second person'), ('waiting', 'In the delay'), ('done', 'Done'), ('stopped', 'Stopped by the owner'), ('cancelled', 'Cancelled by staff'), ('lapsed', 'Nobody approved it')], default='asked', max_length=12)),
                ('way', models.CharField(choices=[('two_persons', 'A second person approves'), ('call_back', 'I called the owner back at the number on file')], max_length=12, verbose_name='how it was confirmed')),
                ('reason', models.CharField(max_length=300)),
                ('called', models.CharField(blank=True, max_length=4, verbose_name='number called ends in')),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('approved_at', models.DateTimeField(blank=True, null=True)),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='takes effect')),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('end_reason', models.CharField(blank=True, max_length=300)),
                ('approved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('ended_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='factor_resets', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'reset of second factors',
                'verbose_name_plural': 'resets of second factors',
                'ordering': ('-asked_at',),
                'permissions': [('reset_factors', 'Can ask for and approve resets of the second factor')],
                'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['due_at'], name='factor_reset_due')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['asked', 'waiting'])), fields=('user',), name='one_open_factor_reset'), models.CheckConstraint(condition=models.Q(('approved_by', None), models.Q(('approved_by', models.F('asked_by')), _negated=True), _connector='OR'), name='factor_reset_by_two_persons'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['waiting', 'done']), _negated=True), models.Q(('approved_by__isnull', False), ('due_at__isnull', False), ('way', 'two_persons')), models.Q(('due_at__isnull', False), ('way', 'call_back'), models.Q(('called', ''), _negated=True)), _connector='OR'), name='factor_reset_confirmed')],
            },
        ),
        migrations.CreateModel(
            name='FamiliarPlace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fingerprint', models.CharField(editable=False, max_length=64)),
                ('first_seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('last_seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='familiar_places', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['last_seen_at'], name='familiar_place_last_seen')],
                'constraints': [models.UniqueConstraint(fields=('user', 'fingerprint'), name='a_familiar_place_once')],
            },
        ),
        migrations.CreateModel(
            name='FormerUsername',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('username_key', models.CharField(max_length=200, unique=True)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='former_usernames', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='PasswordReset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('enqueued_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('is_enqueued', models.BooleanField(default=True)),
                ('last_error', models.CharField(blank=True, default='', max_length=120)),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('typed', core.fields.EncryptedTextField(blank=True, default='', editable=False)),
                ('status', models.CharField(choices=[('queued', 'Waiting'), ('done', 'Done'), ('failed', 'Failed')], default='queued', max_length=12)),
                ('ip', models.GenericIPAddressField(null=True)),
                ('agent', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('code_hash', models.CharField(blank=True, editable=False, max_length=64)),
                ('failures', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('code_used_at', models.DateTimeField(editable=False, null=True)),
                ('password_mark', models.CharField(blank=True, editable=False, max_length=64)),
                ('link', models.OneToOneField(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='reset', to='accounts.accountlink')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'queued')), fields=['enqueued_at'], name='password_reset_queued'), models.Index(fields=['created_at'], name='password_reset_created')],
            },
        ),
        migrations.CreateModel(
            name='RecoverySet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='The human-readable name of this device.', max_length=64)),
                ('confirmed', models.BooleanField(default=True, help_text='Is this device ready for use?')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('failures', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('consecutive_failures', models.PositiveIntegerField(default=0, editable=False)),
                ('period_failures', models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ('period_began_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('cool_off_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('disabled_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('replaces', models.CharField(blank=True, db_default='', default='', editable=False, max_length=22)),
                ('drawn', models.PositiveIntegerField(default=0, editable=False)),
                ('drawn_at', models.DateTimeField(editable=False, null=True)),
                ('user', models.ForeignKey(help_text='The user that this device belongs to.', on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user',), name='one_recovery_set_per_user')],
            },
        ),
        migrations.CreateModel(
            name='RecoveryCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code_hash', models.CharField(editable=False, max_length=64)),
                ('used_at', models.DateTimeField(editable=False, null=True)),
                ('set', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='codes', to='accounts.recoveryset')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('set', 'code_hash'), name='a_recovery_code_once')],
            },
        ),
        migrations.CreateModel(
            name='Registration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('enqueued_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('is_enqueued', models.BooleanField(default=True)),
                ('last_error', models.CharField(blank=True, default='', max_length=120)),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('idempotency_key', models.UUIDField(editable=False, unique=True)),
                ('policy_number', core.fields.EncryptedTextField()),
                ('full_name', core.fields.EncryptedTextField()),
                ('email', core.fields.EncryptedTextField()),
                ('zip', core.fields.EncryptedTextField(verbose_name='ZIP')),
                ('date_of_birth_hash', models.CharField(editable=False, max_length=64)),
                ('status', models.CharField(choices=[('queued', 'Being matched'), ('failed', 'Failed: try it again'), ('unmatched', 'No match'), ('review', 'For staff to decide'), ('link', 'Link emailed'), ('letter', 'Letter to print'), ('posted', 'Letter printed'), ('known', 'Has an account'), ('done', 'Account created'), ('refused', 'Refused by staff'), ('expired', 'Not used in time')], default='queued', max_length=12)),
                ('reason', models.CharField(blank=True, choices=[('no_policy', 'No policy has this number.'), ('no_person', 'Nobody on this policy fits the name, the date of birth, or the ZIP.'), ('name', 'The date of birth and the ZIP fit someone on this policy; the name doesn’t.'), ('birth_date', 'The name and the ZIP fit; the date of birth doesn’t.'), ('no_birth_date', 'The name fits, but we have no date of birth for this person.'), ('zip', 'The name and the date of birth fit; the ZIP doesn’t.'), ('several', 'Several people on this policy fit.'), ('pending', 'The person is matched, but the policy isn’t bound yet.'), ('ended', 'The person is matched, but the policy or this person’s coverage has ended.'), ('access_ended', 'The person is matched, but someone ended this person’s access.'), ('has_account', 'The person has an account already.'), ('email_taken', 'The person is matched, but another account uses the email on file.'), ('shared_email', 'The person is matched, but others have the same email on file.'), ('no_email', 'The person is matched, but no email is on file.'), ('no_address', 'The person is matched, but neither an email nor a mailing address is on file.')], default='', max_length=20, verbose_name='why')),
                ('parties', models.JSONField(blank=True, default=list, editable=False)),
                ('sent_to', core.fields.EncryptedTextField(blank=True, default='')),
                ('token_hash', models.CharField(blank=True, default='', editable=False, max_length=64)),
                ('code_hash', models.CharField(blank=True, default='', editable=False, max_length=64)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('printed_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='asked')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='registrations', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-id',),
                'permissions': [('complete_registration', 'Can complete registrations by hand, and refuse them'), ('print_registration_letters', 'Can print the letters with codes for registrations'), ('retry_registration', 'Can try failed registrations again')],
                'indexes': [models.Index(condition=models.Q(('status', 'queued')), fields=['enqueued_at'], name='registration_queued'), models.Index(fields=['created_at'], name='registration_created')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('token_hash', ''), _negated=True), fields=('token_hash',), name='a_registration_link'), models.UniqueConstraint(condition=models.Q(('code_hash', ''), _negated=True), fields=('code_hash',), name='a_registration_code'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'done'), _negated=True), ('user__isnull', False), _connector='OR'), name='a_completed_registration_has_an_account')],
            },
        ),
        migrations.CreateModel(
            name='Session',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('key_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('data', models.TextField(blank=True, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('last_seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ip', models.GenericIPAddressField(null=True)),
                ('agent', models.CharField(blank=True, max_length=300)),
                ('authenticated_at', models.DateTimeField(blank=True, null=True)),
                ('verified_at', models.DateTimeField(blank=True, null=True)),
                ('verified_by', models.CharField(blank=True, max_length=80)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('end_reason', models.CharField(blank=True, choices=[('signed_out', 'Signed out'), ('idle', 'Idle too long'), ('absolute', 'Open too long'), ('code_wait', 'No code was entered in time'), ('replaced', 'Replaced by another sign-in in the same browser'), ('locked', 'The account was locked'), ('factor_gone', 'The sign-in method that opened it is gone'), ('everywhere', 'Ended with all sessions of the account'), ('elsewhere', 'Ended by its owner from another browser'), ('by_staff', 'Ended by web support')], max_length=20)),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-last_seen_at',),
                'indexes': [models.Index(fields=['last_seen_at'], name='session_last_seen'), models.Index(condition=models.Q(('ended_at', None)), fields=['user', '-last_seen_at'], name='session_open_of_user')],
            },
        ),
        migrations.AddField(
            model_name='recoveryset',
            name='set_up_in',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.session'),
        ),
        migrations.CreateModel(
            name='PhoneDevice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='The human-readable name of this device.', max_length=64)),
                ('confirmed', models.BooleanField(default=True, help_text='Is this device ready for use?')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('failures', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('consecutive_failures', models.PositiveIntegerField(default=0, editable=False)),
                ('period_failures', models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ('period_began_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('cool_off_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('disabled_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('replaces', models.CharField(blank=True, db_default='', default='', editable=False, max_length=22)),
                ('channel', models.CharField(choices=[('text', 'Text message'), ('voice', 'Phone call')], db_default='text', default='text', editable=False, max_length=5)),
                ('phone', core.fields.EncryptedTextField(editable=False)),
                ('extension', core.fields.EncryptedTextField(blank=True, default='', editable=False)),
                ('phone_hash', models.CharField(db_index=True, editable=False, max_length=64)),
                ('last_four', models.CharField(editable=False, max_length=4)),
                ('user', models.ForeignKey(help_text='The user that this device belongs to.', on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('set_up_in', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.session')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('confirmed', True)), fields=('user', 'phone_hash', 'channel'), name='a_phone_once_per_user'), models.UniqueConstraint(condition=models.Q(('confirmed', False)), fields=('set_up_in',), name='one_phone_in_set_up')],
            },
        ),
        migrations.CreateModel(
            name='PasskeyChallenge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ceremony', models.CharField(choices=[('set_up', 'Set up'), ('sign', 'Sign')], max_length=10)),
                ('challenge', models.CharField(max_length=120)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField()),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='passkey_challenges', to='accounts.session')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('session', 'ceremony'), name='one_passkey_challenge_per_session')],
            },
        ),
        migrations.CreateModel(
            name='Passkey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='The human-readable name of this device.', max_length=64)),
                ('confirmed', models.BooleanField(default=True, help_text='Is this device ready for use?')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('failures', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('consecutive_failures', models.PositiveIntegerField(default=0, editable=False)),
                ('period_failures', models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ('period_began_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('cool_off_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('disabled_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('replaces', models.CharField(blank=True, db_default='', default='', editable=False, max_length=22)),
                ('credential_type', models.CharField(choices=[('public-key', 'Public Key')], default='public-key', editable=False, max_length=32, verbose_name='credential type')),
                ('credential_id', models.BinaryField(max_length=1023, verbose_name='credential id data')),
                ('public_key', models.BinaryField(max_length=1023, verbose_name='COSE public key data')),
                ('transports', models.JSONField(default=list, editable=False, verbose_name='transports')),
                ('sign_count', models.PositiveIntegerField(default=0, editable=False, verbose_name='sign count')),
                ('backup_eligible', models.BooleanField(default=False, editable=False, verbose_name='backup eligible')),
                ('backup_state', models.BooleanField(default=False, editable=False, verbose_name='backup state')),
                ('aaguid', models.CharField(editable=False, max_length=36, verbose_name='AAGUID')),
                ('credential_id_sha256', models.CharField(editable=False, max_length=64, unique=True, verbose_name='hashed credential id')),
                ('discoverable', models.BooleanField(default=None, editable=False, null=True, verbose_name='discoverable')),
                ('user', models.ForeignKey(help_text='The user that this device belongs to.', on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('set_up_in', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.session')),
            ],
            options={
                'verbose_name': 'passkey',
            },
        ),
        migrations.CreateModel(
            name='Look',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('reason', models.CharField(max_length=300)),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ends_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('end_reason', models.CharField(blank=True, choices=[('by_hand', 'Ended by the staff member'), ('time', 'Its time was up'), ('session', 'The staff member’s session ended'), ('not_allowed', 'No longer allowed')], default='', max_length=20)),
                ('staff', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='looks', to=settings.AUTH_USER_MODEL)),
                ('subject', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='looked_at', to=settings.AUTH_USER_MODEL)),
                ('session', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='looks', to='accounts.session')),
            ],
            options={
                'ordering': ('-started_at',),
                'indexes': [models.Index(condition=models.Q(('ended_at', None)), fields=['ends_at'], name='accounts_look_open')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('session',), name='accounts_one_look_a_session'), models.CheckConstraint(condition=models.Q(('staff', models.F('subject')), _negated=True), name='accounts_look_at_another'), models.CheckConstraint(condition=models.Q(models.Q(('end_reason', ''), ('ended_at', None)), models.Q(('ended_at__isnull', False), models.Q(('end_reason', ''), _negated=True)), _connector='OR'), name='accounts_look_ended_why')],
            },
        ),
        migrations.CreateModel(
            name='Challenge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('code_hash', models.CharField(blank=True, editable=False, max_length=64)),
                ('delivery', models.CharField(choices=[('queued', 'Waiting to be sent'), ('sending', 'Being sent'), ('sent', 'Sent'), ('delivered', 'Delivered'), ('undelivered', 'Not delivered'), ('failed', 'Could not be sent'), ('unknown', 'Not known whether it was sent'), ('expired', 'Expired before it was sent')], default='queued', max_length=12)),
                ('error', models.CharField(blank=True, max_length=40)),
                ('wrong_tries', models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)),
                ('provider_id', models.CharField(blank=True, db_index=True, max_length=64)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField()),
                ('sending_at', models.DateTimeField(blank=True, null=True)),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('voided_at', models.DateTimeField(blank=True, null=True)),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='challenges', to='accounts.phonedevice')),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='challenges', to='accounts.session')),
            ],
            options={
                'ordering': ('-created_at',),
                'indexes': [models.Index(condition=models.Q(('delivery__in', ['queued', 'sending'])), fields=['created_at'], name='challenge_on_its_way')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('used_at', None), ('voided_at', None)), fields=('device',), name='one_open_code_per_device')],
            },
        ),
        migrations.CreateModel(
            name='AuthenticatorDevice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='The human-readable name of this device.', max_length=64)),
                ('confirmed', models.BooleanField(default=True, help_text='Is this device ready for use?')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('failures', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('consecutive_failures', models.PositiveIntegerField(default=0, editable=False)),
                ('period_failures', models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ('period_began_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('cool_off_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('disabled_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('replaces', models.CharField(blank=True, db_default='', default='', editable=False, max_length=22)),
                ('seed', core.fields.EncryptedTextField(editable=False)),
                ('last_step', models.BigIntegerField(default=0, editable=False)),
                ('user', models.ForeignKey(help_text='The user that this device belongs to.', on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('set_up_in', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.session')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('confirmed', False)), fields=('set_up_in',), name='one_authenticator_in_set_up')],
            },
        ),
        migrations.CreateModel(
            name='TrustedDevice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('token_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('label', models.CharField(max_length=100)),
                ('ip', models.GenericIPAddressField(null=True)),
                ('agent', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='first used')),
                ('last_used_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('asked_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('epoch', models.PositiveIntegerField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trusted_devices', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-last_used_at',),
            },
        ),
        migrations.AddField(
            model_name='session',
            name='trusted_device',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='sessions', to='accounts.trusteddevice'),
        ),
        migrations.CreateModel(
            name='UsernameReminder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('enqueued_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('is_enqueued', models.BooleanField(default=True)),
                ('last_error', models.CharField(blank=True, default='', max_length=120)),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('typed', core.fields.EncryptedTextField(blank=True, default='', editable=False)),
                ('status', models.CharField(choices=[('queued', 'Waiting'), ('done', 'Done'), ('failed', 'Failed')], default='queued', max_length=12)),
                ('ip', models.GenericIPAddressField(null=True)),
                ('agent', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('born_hash', models.CharField(blank=True, editable=False, max_length=64)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'queued')), fields=['enqueued_at'], name='username_reminder_queued'), models.Index(fields=['created_at'], name='username_reminder_created')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='user',
            trigger=pgtrigger.compiler.Trigger(name='a_new_email_is_not_confirmed', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."email" IS DISTINCT FROM (NEW."email") AND OLD."email_confirmed_at" IS NOT DISTINCT FROM (NEW."email_confirmed_at"))', func='NEW.email_confirmed_at = NULL; RETURN NEW;', hash='7de438e2f376449725f3374cce730c5e51e9f7ab', operation='UPDATE', pgid='pgtrigger_a_new_email_is_not_confirmed_0f7da', table='accounts_user', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='user',
            trigger=pgtrigger.compiler.Trigger(name='a_former_username_is_taken', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF EXISTS (\n                        SELECT 1 FROM accounts_formerusername f\n                        WHERE f.username_key = NEW.username_key AND f.user_id <> NEW.id\n                    ) THEN\n                        RAISE unique_violation USING MESSAGE = 'Another account had this username.';\n                    END IF;\n                    RETURN NEW;\n                ", hash='01f1794ec0d887490403134c80a71453c48fe831', operation='INSERT OR UPDATE OF "username_key"', pgid='pgtrigger_a_former_username_is_taken_fb3f7', table='accounts_user', when='BEFORE')),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
