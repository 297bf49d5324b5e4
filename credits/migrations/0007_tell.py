from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0006_verifyrun"), ("outbox", "0002_webhooks")]

    operations = [
        migrations.RunSQL(
            sql=(SQL / "0050_tell.sql").read_text(),
            reverse_sql="drop function credits_tell(jsonb, bigint, boolean, text)",
        ),
    ]
