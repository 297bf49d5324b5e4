from pathlib import Path

from django.db import migrations

RULES = Path(__file__).resolve().parent.parent / "sql" / "0002_owner_moves.sql"
REVERSE = """
drop trigger purchases_purchase_owner_moves on purchases_purchase;
drop function purchases_purchase_owner_moves();
"""


class Migration(migrations.Migration):
    dependencies = [("purchases", "0004_buyer_email"), ("accounts", "0002_guests")]

    operations = [migrations.RunSQL(RULES.read_text(), REVERSE)]
