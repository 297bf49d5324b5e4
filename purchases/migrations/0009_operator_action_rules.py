from pathlib import Path

from django.db import migrations

RULES = Path(__file__).resolve().parent.parent / "sql" / "0004_operator_actions.sql"
REVERSE = """
drop trigger purchases_operatoraction_no_truncate on purchases_operatoraction;
drop trigger purchases_operatoraction_guard on purchases_operatoraction;
drop function purchases_operatoraction_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("purchases", "0008_operator_actions")]

    operations = [migrations.RunSQL(RULES.read_text(), REVERSE)]
