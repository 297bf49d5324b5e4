from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0013_hold_purchase")]

    operations = [
        migrations.RunSQL(sql=(SQL / "0068_transfer.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
    ]
