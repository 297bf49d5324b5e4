from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0012_expiry")]

    operations = [
        migrations.RunSQL(sql=(SQL / "0067_hold_purchase.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
    ]
