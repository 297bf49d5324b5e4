from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0015_grant_each")]

    operations = [
        migrations.RunSQL(sql=(SQL / "0070_claw_back.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
    ]
