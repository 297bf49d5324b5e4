from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0019_expiry")]

    operations = [
        migrations.RunSQL(sql=(SQL / "0074_transfer.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
    ]
