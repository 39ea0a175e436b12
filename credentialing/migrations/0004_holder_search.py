"""Find holders by name with accents and case aside, as insureds and policyholders are found."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

from policies.names import fold


def fold_names(apps, schema_editor):
    """Fill the new column of holders that are already saved."""
    holders = apps.get_model("credentialing", "Holder").objects
    changed = []
    for holder in holders.only("name").iterator():
        holder.search_name = fold(holder.name)
        changed.append(holder)
    holders.bulk_update(changed, ["search_name"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("credentialing", "0003_certificates_stay")]

    operations = [
        migrations.AddField("holder", "search_name", models.CharField(blank=True, default="", editable=False, max_length=400)),
        migrations.RunPython(fold_names, migrations.RunPython.noop),
        migrations.AddField(
            "holder",
            "search",
            models.GeneratedField(
                db_persist=True,
                expression=django.contrib.postgres.search.SearchVector("search_name", config="simple"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            "holder",
            django.contrib.postgres.indexes.GinIndex(fields=["search"], name="credentialing_holder_search"),
        ),
    ]
