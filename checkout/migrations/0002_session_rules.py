from pathlib import Path

from django.db import migrations

RULES = Path(__file__).resolve().parent.parent / "sql" / "0001_session_rules.sql"


class Migration(migrations.Migration):
    dependencies = [("checkout", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=RULES.read_text(),
            reverse_sql=[
                "drop trigger checkout_tier_touch on checkout_tier",
                "drop function checkout_tier_touch()",
                "drop trigger checkout_session_moves on checkout_checkoutsession",
                "drop function checkout_session_moves()",
                "drop trigger checkout_session_begins on checkout_checkoutsession",
                "drop function checkout_session_begins()",
            ],
        )
    ]
