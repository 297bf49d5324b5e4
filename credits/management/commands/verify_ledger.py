"""The proof of the ledger, for a cron job, a test run and an auditor."""

import json
import sys
import uuid
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from credits import proof, verifying


class Command(BaseCommand):
    """Prove every account from its entries; exit 1 where something is off."""

    help = "Prove each balance: sum of entries, of lots, of holds; no gap; no entry touched. Exit 1 if not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", type=uuid.UUID, help="only the account with this uuid")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        account = options["account"]
        report = proof.prove(account=account) if account else verifying.verify()
        if account and not report.accounts:
            report.problems.append(proof.Problem(account=str(account), where="account", what="there is none"))
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report)))
        else:
            for problem in report.problems:
                self.stdout.write(f"account {problem.account}: {problem.where}: {problem.what}")
            self.stdout.write(
                f"{report.accounts} accounts, {report.entries} entries, {len(report.problems)} problems"
            )
        if report.problems:
            sys.exit(1)
