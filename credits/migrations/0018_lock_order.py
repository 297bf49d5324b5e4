from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0017_claw_back")]

    operations = [
        migrations.RunSQL(sql=(SQL / "0072_lock_order.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
    ]
