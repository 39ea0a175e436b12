"""Messages of the outbox become work (core.work), and mails are rows. No message is lost: one that waits for its next
attempt waits until then as before."""

import django.utils.timezone
from django.db import migrations, models

BEFORE, AFTER = "waiting", "queued"


def rename_status(before: str, after: str):
    def rename(apps, schema_editor):
        apps.get_model("core", "OutboxMessage").objects.filter(status=before).update(status=after)

    return rename


class Migration(migrations.Migration):
    dependencies = [("core", "0003_append_only")]

    operations = [
        migrations.RemoveIndex(model_name="outboxmessage", name="outbox_waiting"),
        migrations.RenameField(model_name="outboxmessage", old_name="next_attempt_at", new_name="enqueued_at"),
        migrations.AddField(
            model_name="outboxmessage", name="is_enqueued", field=models.BooleanField(default=True)
        ),
        migrations.AddField(
            model_name="outboxmessage",
            name="last_error",
            field=models.CharField(blank=True, default="", max_length=120),
        ),
        migrations.AlterField(
            model_name="outboxmessage",
            name="status",
            field=models.CharField(
                choices=[("queued", "Waiting"), ("delivered", "Delivered"), ("failed", "Failed")],
                default="queued",
                max_length=12,
            ),
        ),
        migrations.RunPython(rename_status(BEFORE, AFTER), rename_status(AFTER, BEFORE)),
        migrations.AddIndex(
            model_name="outboxmessage",
            index=models.Index(
                condition=models.Q(("status", "queued")), fields=["enqueued_at"], name="outbox_queued"
            ),
        ),
        migrations.CreateModel(
            name="Mail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("enqueued_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("is_enqueued", models.BooleanField(default=True)),
                ("last_error", models.CharField(blank=True, default="", max_length=120)),
                ("name", models.CharField(max_length=60)),
                ("key", models.CharField(max_length=200)),
                ("to", models.EmailField(max_length=254)),
                ("context", models.JSONField(default=dict)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("sent", "Sent"),
                            ("dropped", "No longer needed"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=12,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ("-id",),
                "permissions": [("retry_mail", "Can try failed mails again")],
                "constraints": [models.UniqueConstraint(fields=("name", "key"), name="mail_once")],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "queued")), fields=["enqueued_at"], name="mail_queued"
                    ),
                    models.Index(
                        condition=models.Q(("sent_at__isnull", False)), fields=["sent_at"], name="mail_sent"
                    ),
                ],
            },
        ),
    ]
