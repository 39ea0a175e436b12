import core.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('policies', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='BillingAccount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40)),
                ('external_id', models.CharField(max_length=200, verbose_name="carrier's id")),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('name', models.CharField(blank=True, default='', max_length=200)),
                ('autopay', models.CharField(choices=[('none', 'None'), ('carrier', 'Carrier'), ('portal', 'Portal')], db_default='none', default='none', max_length=8, verbose_name='AutoPay')),
                ('policyholder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='billing_accounts', to='policies.policyholder')),
            ],
            options={
                'abstract': False,
                'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='billing_billingaccount_key'), models.CheckConstraint(condition=models.Q(('autopay__in', ['none', 'carrier', 'portal'])), name='billing_autopay')],
            },
        ),
        migrations.CreateModel(
            name='Installment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40)),
                ('external_id', models.CharField(max_length=200, verbose_name="carrier's id")),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('due', models.DateField()),
                ('amount', models.DecimalField(decimal_places=2, max_digits=12)),
                ('fee', models.DecimalField(db_default=0, decimal_places=2, default=0, max_digits=12)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='installments', to='billing.billingaccount')),
                ('term', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='installments', to='policies.term')),
            ],
            options={
                'abstract': False,
                'indexes': [models.Index(fields=['account', 'due'], name='billing_installment_due'), models.Index(fields=['term'], name='billing_installment_term')],
                'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='billing_installment_key'), models.CheckConstraint(condition=models.Q(('amount__gte', 0), ('fee__gte', 0)), name='billing_installment_amounts')],
            },
        ),
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40)),
                ('external_id', models.CharField(max_length=200, verbose_name="carrier's id")),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('issued', models.DateField()),
                ('due', models.DateField()),
                ('amount', models.DecimalField(decimal_places=2, max_digits=12)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='invoices', to='billing.billingaccount')),
                ('document', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='invoices', to='policies.document')),
            ],
            options={
                'abstract': False,
                'indexes': [models.Index(fields=['account', 'issued'], name='billing_invoice_issued')],
                'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='billing_invoice_key'), models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='billing_invoice_amount')],
            },
        ),
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40)),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('public_id', core.fields.PublicIdField(default=core.fields.new_public_id)),
                ('external_id', models.CharField(blank=True, max_length=200, null=True, verbose_name="carrier's id")),
                ('portal_payment_id', models.CharField(blank=True, default='', max_length=120)),
                ('received', models.DateField()),
                ('amount', models.DecimalField(decimal_places=2, max_digits=12)),
                ('method', models.CharField(choices=[('check', 'Check'), ('ach', 'Bank account'), ('card', 'Card'), ('wire', 'Wire transfer')], max_length=5)),
                ('reference', models.CharField(blank=True, default='', max_length=120)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('applied', 'Applied'), ('returned', 'Returned'), ('refunded', 'Refunded'), ('void', 'Void')], max_length=8)),
                ('made_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('learned_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='billing.billingaccount')),
            ],
            options={
                'abstract': False,
                'indexes': [models.Index(fields=['account', 'received'], name='billing_payment_received')],
                'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='billing_payment_key'), models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='billing_payment_amount'), models.CheckConstraint(condition=models.Q(('method__in', ['check', 'ach', 'card', 'wire']), ('status__in', ['pending', 'applied', 'returned', 'refunded', 'void'])), name='billing_payment_words'), models.CheckConstraint(condition=models.Q(('external_id__isnull', False), ('made_at__isnull', False), ('retired_at__isnull', False), _connector='OR'), name='billing_payment_known')],
            },
        ),
        migrations.CreateModel(
            name='Allocation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40)),
                ('external_id', models.CharField(max_length=200, verbose_name="carrier's id")),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('amount', models.DecimalField(decimal_places=2, max_digits=12)),
                ('term', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='policies.term')),
                ('payment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='billing.payment')),
            ],
            options={
                'abstract': False,
                'indexes': [models.Index(fields=['payment'], name='billing_allocation_payment'), models.Index(fields=['term'], name='billing_allocation_term')],
                'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='billing_allocation_key'), models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='billing_allocation_amount')],
            },
        ),
        migrations.CreateModel(
            name='Transaction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40)),
                ('external_id', models.CharField(max_length=200, verbose_name="carrier's id")),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
                ('posted', models.DateField()),
                ('kind', models.CharField(choices=[('premium', 'Premium'), ('endorsement', 'Endorsement'), ('return_premium', 'Return premium'), ('tax', 'Tax'), ('fund_surcharge', 'Fund surcharge'), ('installment_fee', 'Installment fee'), ('nsf_fee', 'Returned payment fee'), ('late_fee', 'Late fee'), ('credit', 'Credit'), ('refund', 'Refund'), ('writeoff', 'Write-off')], max_length=16)),
                ('amount', models.DecimalField(decimal_places=2, max_digits=12)),
                ('description', models.CharField(blank=True, default='', max_length=200)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='transactions', to='billing.billingaccount')),
                ('insured', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='transactions', to='policies.insured')),
                ('term', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='transactions', to='policies.term')),
            ],
            options={
                'abstract': False,
                'indexes': [models.Index(fields=['account', 'posted'], name='billing_transaction_posted'), models.Index(fields=['term'], name='billing_transaction_term')],
                'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='billing_transaction_key'), models.CheckConstraint(condition=models.Q(models.Q(('amount__gte', 0), ('kind__in', ['premium', 'endorsement', 'tax', 'fund_surcharge', 'installment_fee', 'nsf_fee', 'late_fee', 'refund'])), models.Q(('amount__lte', 0), ('kind__in', ['return_premium', 'credit', 'writeoff'])), _connector='OR'), name='billing_transaction_sign')],
            },
        ),
    ]
