from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0014_transfer")]

    operations = [
        migrations.RunSQL(sql=(SQL / "0069_grant_each.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
    ]
