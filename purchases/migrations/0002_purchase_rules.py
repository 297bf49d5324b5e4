from pathlib import Path

from django.db import migrations

RULES = Path(__file__).resolve().parent.parent / "sql" / "0001_purchase_rules.sql"
REVERSE = """
drop trigger purchases_purchase_keep on purchases_purchase;
drop function purchases_purchase_keep();
drop trigger purchases_purchase_guard on purchases_purchase;
drop function purchases_purchase_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("purchases", "0001_initial")]

    operations = [migrations.RunSQL(RULES.read_text(), REVERSE)]
