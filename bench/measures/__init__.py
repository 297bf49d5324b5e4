"""One module a measure: `measure(house)` returns its table. The command runs all that are here, by name."""
