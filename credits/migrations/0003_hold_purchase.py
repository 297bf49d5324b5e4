from pathlib import Path

from django.db import migrations

HOLD_PURCHASE = Path(__file__).resolve().parent.parent / "sql" / "0030_hold_purchase.sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0002_ledger_rules")]

    operations = [
        migrations.RunSQL(
            sql=HOLD_PURCHASE.read_text(),
            reverse_sql="drop function credits_hold_purchase(text, text, text, text, jsonb, text)",
        ),
    ]
