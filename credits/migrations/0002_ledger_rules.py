from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"

# Takes the triggers with them.
DROP_FUNCTIONS = r"""
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select oid::regprocedure from pg_proc
    where pronamespace = 'public'::regnamespace and proname like 'credits\_%'
  loop
    execute format('drop function if exists %s cascade', v_function);
  end loop;
  drop type credits_step;
end
$$
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0001_initial")]

    operations = [
        migrations.RunSQL(sql=(SQL / "0001_canonical.sql").read_text(), reverse_sql=DROP_FUNCTIONS),
        migrations.RunSQL(sql=(SQL / "0002_entries.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0003_guards.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0004_parts.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0005_grant.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0006_spend.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0007_expire.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0008_steps.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0009_hold_rules.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0010_holds.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0011_reverse.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0012_adjust.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0013_transfer.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=(SQL / "0014_claw_back.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
    ]
