from pathlib import Path

from django.db import migrations

BOOKING = Path(__file__).resolve().parent.parent / "sql" / "0006_booking.sql"
REVERSE = """
drop function purchases_flag_others(uuid, bigint, bigint);
drop function purchases_lock_owner_to_credit(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("purchases", "0016_terms_rule"),
        ("accounts", "0002_guests"),
        ("checkout", "0001_initial"),
    ]

    operations = [migrations.RunSQL(BOOKING.read_text(), REVERSE)]
