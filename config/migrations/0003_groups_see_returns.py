"""Both groups look at what went back of a purchase too, and at what Stripe warned of."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

LOOK = ("view_refund", "view_dispute", "view_fraudwarning")


def let_look(apps, schema_editor):
    # As in 0002: Django makes permissions after all migrations have run.
    app = apps.get_app_config("purchases")
    app.models_module = True
    create_permissions(app, apps=apps, verbosity=0)
    app.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="purchases", codename__in=LOOK
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=["support", "finance"]):
        group.permissions.add(*permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("config", "0002_groups"),
        ("purchases", "0016_terms_rule"),
    ]

    operations = [migrations.RunPython(let_look, migrations.RunPython.noop)]
