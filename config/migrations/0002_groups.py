"""The groups "support" and "finance". Their permissions can be changed in the admin afterwards."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

APPS = ("accounts", "checkout", "credits", "outbox", "purchases")
LOOK = (
    "accounts.view_user",
    "checkout.view_checkoutsession",
    "checkout.view_tier",
    "credits.view_account",
    "credits.view_entry",
    "credits.view_hold",
    "credits.view_ledgertransaction",
    "credits.view_lot",
    "outbox.view_message",
    "purchases.view_operatoraction",
    "purchases.view_purchase",
    "purchases.view_stripeevent",
)
GROUPS = {
    "support": (*LOOK, "purchases.settle_purchase", "purchases.adjust_credits"),
    "finance": (
        *LOOK,
        "credits.view_verifyrun",
        "purchases.view_backfillrun",
        "purchases.view_proofreport",
        "purchases.refund_purchase",
        "purchases.export_purchase",
    ),
}


def make_groups(apps, schema_editor):
    # Django makes permissions after all migrations have run; these groups want them now.
    for label in APPS:
        app = apps.get_app_config(label)
        app.models_module = True
        create_permissions(app, apps=apps, verbosity=0)
        app.models_module = None
    permissions = {
        f"{each.content_type.app_label}.{each.codename}": each
        for each in apps.get_model("auth", "Permission").objects.select_related("content_type")
    }
    for name, wanted in GROUPS.items():
        group, _is_new = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.add(*(permissions[each] for each in wanted))


class Migration(migrations.Migration):
    dependencies = [
        ("config", "0001_initial"),
        ("accounts", "0006_guests_index"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("checkout", "0006_tier_withdrawn"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("credits", "0006_verifyrun"),
        ("outbox", "0003_fallback_address"),
        ("purchases", "0013_more_permissions"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
