"""Mails that still wait as messages of the outbox become rows of their own; nothing that was promised is lost."""

from django.db import migrations
from django.utils import timezone

TOPICS = ("account.link", "account.notice")


def move(apps, schema_editor):
    OutboxMessage, Mail = apps.get_model("core", "OutboxMessage"), apps.get_model("core", "Mail")
    for message in OutboxMessage.objects.filter(topic__in=TOPICS, status="queued"):
        mail = mail_of(apps, message)
        if mail is not None:
            name, to, context = mail
            Mail.objects.get_or_create(name=name, key=message.key, defaults={"to": to, "context": context})
        OutboxMessage.objects.filter(pk=message.pk).update(status="delivered", delivered_at=timezone.now())


def mail_of(apps, message):
    if message.topic == "account.link":
        link = apps.get_model("accounts", "AccountLink").objects.filter(public_id=message.payload["link"]).first()
        return ("activation", link.email, {"link": link.public_id}) if link is not None and link.email else None
    user = apps.get_model("accounts", "User").objects.filter(public_id=message.payload["user"]).first()
    return ("wrong_codes", user.email, {"off": message.payload["off"]}) if user is not None and user.email else None


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_guessing_and_factors"), ("core", "0004_work_and_mails")]

    operations = [migrations.RunPython(move, migrations.RunPython.noop)]
