from pathlib import Path

from django.db import migrations

RULE = Path(__file__).resolve().parent.parent / "sql" / "0005_terms.sql"
REVERSE = """
drop trigger purchases_purchase_terms on purchases_purchase;
drop function purchases_purchase_terms();
"""


class Migration(migrations.Migration):
    dependencies = [("purchases", "0015_terms")]

    operations = [migrations.RunSQL(RULE.read_text(), REVERSE)]
