from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credits", "0004_open")]

    operations = [
        migrations.RemoveIndex(model_name="lot", name="credits_lot_burn_order"),
        migrations.AddIndex(
            model_name="lot",
            index=models.Index(
                models.F("account"),
                models.F("priority"),
                models.F("expires_at"),
                models.ExpressionWrapper(models.Q(kind="paid"), output_field=models.BooleanField()),
                models.F("id"),
                condition=models.Q(is_open=True),
                name="credits_lot_in_burn_order",
            ),
        ),
        migrations.RunSQL(sql=(SQL / "0040_canonical.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0041_entries.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0042_guards.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0043_spend.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
    ]
