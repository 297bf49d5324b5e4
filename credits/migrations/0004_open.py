from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0003_hold_purchase")]

    operations = [
        migrations.RunSQL(
            sql=(SQL / "0031_open.sql").read_text(), reverse_sql="drop function credits_open(bigint)"
        ),
    ]
