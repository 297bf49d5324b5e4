from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0018_lock_order")]

    operations = [
        migrations.RunSQL(sql=(SQL / "0073_expiry.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
    ]
