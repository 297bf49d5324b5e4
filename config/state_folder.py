"""The folder of COFFER_STATE_DIR: made, or refused in a sentence; and kept by one demo at a time."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


class FolderTaken(Exception):
    """Another demo keeps its state there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"Another `make run` uses the folder {folder}. Stop it, or set COFFER_STATE_DIR to another."
        )


def make(folder: Path) -> None:
    """Make `folder` where it is missing. Raises ImproperlyConfigured."""
    with _said_of(folder):
        folder.mkdir(parents=True, exist_ok=True)


def make_writable(folder: Path) -> None:
    """Make `folder` where it is missing, and try whether files can be made in it. Raises ImproperlyConfigured."""
    make(folder)
    with _said_of(folder), tempfile.TemporaryFile(dir=folder):
        pass


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Keep other demos out of `folder`; the lock ends with this process, however it ends. Raises FolderTaken."""
    make_writable(folder)
    with (folder / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderTaken(folder) from None
        yield


@contextmanager
def _said_of(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImproperlyConfigured(
            f"COFFER_STATE_DIR: nothing can be kept in the folder {folder}: {error.strerror}."
        ) from error
