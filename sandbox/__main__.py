"""`python -m sandbox`: starts everything, and ends it at once on SIGTERM or SIGINT."""

import logging
import signal
import sqlite3
import sys
import threading
from types import FrameType

from sandbox import deliveries, idempotency
from sandbox.app import Application
from sandbox.background import Background
from sandbox.options import Options, read_options
from sandbox.server import Server
from sandbox.world import new_world


def main() -> int:
    options = read_options(sys.argv[1:])
    _set_up_log(options)
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        world = new_world(options)
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"sandbox: cannot keep its state in {options.state}: {error}.\n")
        return 1
    idempotency.resume(world)
    deliveries.resume(world)
    try:
        server = Server((options.host, options.port), Application(world))
    except OSError as error:
        sys.stderr.write(f"sandbox: cannot listen on {options.host}:{options.port}: {error.strerror}.\n")
        return 1
    background = Background(world)
    background.start()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    logging.getLogger("sandbox").warning("sandbox: ready on %s", options.public_url)
    stopped.wait()
    background.stop()
    server.server_close()
    return 0


def _set_up_log(options: Options) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("sandbox")
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING if options.quiet else logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
