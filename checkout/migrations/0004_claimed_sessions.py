from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"
RULES, BEFORE = SQL / "0002_claimed_sessions.sql", SQL / "0001_session_rules.sql"
BEGIN, END = "create function checkout_session_moves()", "create trigger checkout_session_moves"


def _as_before() -> str:
    text = BEFORE.read_text()
    return text[text.index(BEGIN) : text.index(END)].replace("create function", "create or replace function")


class Migration(migrations.Migration):
    dependencies = [("checkout", "0003_cleanuprun"), ("accounts", "0002_guests")]

    operations = [migrations.RunSQL(RULES.read_text(), _as_before())]
