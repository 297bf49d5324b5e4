from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0010_repay")]

    operations = [
        migrations.RunSQL(sql=(SQL / "0062_entries.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0063_guards.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        # The guards say it now, under the same names.
        migrations.RemoveConstraint(model_name="account", name="credits_account_no_overdraft"),
        migrations.RemoveConstraint(model_name="lot", name="credits_lot_no_overdraft"),
        migrations.RunSQL(sql=(SQL / "0064_spend.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0065_tell.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
    ]
