from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = [("purchases", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "alter table purchases_purchase add column fault_column integer",
            "alter table purchases_purchase drop column fault_column",
        )
    ]
