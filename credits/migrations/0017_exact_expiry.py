from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0016_claw_back")]

    operations = [
        migrations.RunSQL(sql=(SQL / "0071_expiry.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
    ]
