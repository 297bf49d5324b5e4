from pathlib import Path

from django.db import migrations

RULES = Path(__file__).resolve().parent.parent / "sql" / "0001_ended_guests.sql"
REVERSE = """
drop trigger accounts_user_guard on accounts_user;
drop function accounts_user_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_guests")]

    operations = [migrations.RunSQL(RULES.read_text(), REVERSE)]
