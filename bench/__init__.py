"""What the ledger costs, measured in one run and written to docs/bench.md: `make bench`. Never a test."""
