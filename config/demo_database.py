"""Ends the embedded PostgreSQL when the demo was killed and could not: `python -m config.demo_database FOLDER`."""

import os
import signal
import sys
import time
from pathlib import Path

from config import embedded_postgres

ENDINGS = {signal.SIGTERM, signal.SIGINT}


def main(folder: Path) -> None:
    """Use the server like any other process, until told to end; its last user stops it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    demo = os.getppid()
    embedded_postgres.start(folder)
    signal.sigwait(ENDINGS)
    if os.getppid() != demo:
        time.sleep(0.5)  # it was killed, and is still on its way out
    embedded_postgres.forget_dead_users(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
