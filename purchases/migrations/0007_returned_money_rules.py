from pathlib import Path

from django.db import migrations

RULES = Path(__file__).resolve().parent.parent / "sql" / "0003_returned_money.sql"
REVERSE = """
drop trigger purchases_fraudwarning_guard on purchases_fraudwarning;
drop trigger purchases_dispute_guard on purchases_dispute;
drop function purchases_stripe_object_guard();
drop trigger purchases_refund_guard on purchases_refund;
drop function purchases_refund_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("purchases", "0006_returned_money")]

    operations = [migrations.RunSQL(RULES.read_text(), REVERSE)]
