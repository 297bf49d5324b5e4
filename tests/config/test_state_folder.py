"""COFFER_STATE_DIR: one that cannot be used is refused in a sentence, and one demo at a time uses it."""

import subprocess
import sys
from pathlib import Path

import pytest

from config import state_folder
from tests.config import production
from tests.sandbox_process import PROJECT, free_port

NOWHERE = "postgresql://nobody@127.0.0.1:9/nothing"
KEEPER = """
import sys, time
from pathlib import Path
from config import state_folder
with state_folder.kept(Path(sys.argv[1])):
    print("kept", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("database", ["", NOWHERE])
@pytest.mark.parametrize("beyond", ["", "folder"])
def test_a_file_in_its_place_is_said(tmp_path: Path, database: str, beyond: str) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / beyond
    done = production.run(
        "manage.py",
        *("demo", f"--port={free_port()}", f"--sandbox-port={free_port()}"),
        DEBUG="true",
        STRIPE_SECRET_KEY="",
        COFFER_STATE_DIR=str(folder),
        DATABASE_URL=database,
        MIGRATE_DATABASE_URL=database,
    )

    assert done.returncode == 1
    (said,) = done.stderr.strip().splitlines()
    assert said.startswith(f"COFFER_STATE_DIR: nothing can be kept in the folder {folder}")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that not even root may write to")
def test_a_folder_that_nobody_may_write_to_is_said() -> None:
    done = production.run(
        "manage.py",
        "check",
        DEBUG="true",
        STRIPE_SECRET_KEY="",
        COFFER_STATE_DIR="/proc/self",
        DATABASE_URL="",
        MIGRATE_DATABASE_URL="",
    )

    assert done.returncode == 1
    assert (
        done.stderr.strip()
        == "COFFER_STATE_DIR: nothing can be kept in the folder /proc/self: No such file or directory."
    )


def test_a_second_demo_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "web.log"
    log.parent.mkdir()
    log.write_text("the first one's")
    with state_folder.kept(tmp_path):
        done = production.run(
            "manage.py",
            *("demo", f"--port={free_port()}", f"--sandbox-port={free_port()}"),
            DEBUG="true",
            COFFER_STATE_DIR=str(tmp_path),
            DATABASE_URL=NOWHERE,
            MIGRATE_DATABASE_URL=NOWHERE,
        )

    assert (done.returncode, log.read_text()) == (1, "the first one's")
    assert done.stderr == (
        f"CommandError: Another `make run` uses the folder {tmp_path}. Stop it, or set COFFER_STATE_DIR to another.\n"
    )


def test_a_folder_is_free_again_once_its_demo_was_killed(tmp_path: Path) -> None:
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert keeper.stdout is not None
    assert keeper.stdout.readline() == "kept\n"
    with pytest.raises(state_folder.FolderTaken), state_folder.kept(tmp_path):
        pass

    keeper.kill()
    keeper.communicate()

    with state_folder.kept(tmp_path):
        pass
