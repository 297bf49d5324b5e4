"""What has a command of its own: each is run as a reader would run it, and its last line, or its JSON, is quoted."""

import json
import subprocess
import sys

from bench.report import Section
from bench.server import House
from bench.workers import PROJECT

NOTE = """Each also by itself, with sizes to choose: `python -m NAME --help`.

What `bench.webhooks` compares, each in one process and over a connection to the sandbox that is kept:

- Ours: the signature, the event stored, the session asked for with its line items and its charge, compared with what
  was offered, and booked in one transaction under locks: the ledger, the purchase, its checkout session, duplicates, a
  letter and an outgoing webhook; the event done, the call counted. Within all of our middleware, with log lines.
- dj-stripe's whole job, as its manual begins: the signature, the call and the Event stored, the Session and its
  PaymentIntent asked for and stored by its own handler (the PaymentMethod, a third call, is given to it for nothing);
  then a receiver locks a wallet, adds to it, and notes the session. Within Django's default middleware. At most half
  of its CPU is wanted.
- dj-stripe with `DJSTRIPE_WEBHOOK_EVENT_CALLBACK`, which stands in the place of that handler: neither Event nor
  Session is stored; the callback asks for the session and credits it as above. It does less than ours, and is shown
  beside it."""
COMMANDS = ["bench.verify", "bench.cleanup", "bench.prove", "bench.pages", "bench.api", "bench.webhooks"]


def measure(_house: House) -> Section:
    """One row for each."""
    return Section(
        title="Commands of their own",
        note=NOTE,
        columns=["command", "says"],
        rows=[[f"`python -m {name}`", _last_line(name)] for name in COMMANDS],
    )


def _last_line(name: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", name], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    lines = (done.stdout or done.stderr).strip().splitlines()
    if lines and lines[-1] == "}":
        return json.dumps(json.loads("\n".join(lines[lines.index("{") :])))
    return lines[-1] if lines else f"nothing, and exit status {done.returncode}"
