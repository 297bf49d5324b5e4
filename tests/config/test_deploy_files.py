"""The files in deploy/ and the container files name what exists. No engine builds them here."""

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.environment import ROOT

UNITS = sorted((ROOT / "deploy").glob("*.service"))
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_what_is_installed(path: Path) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path)
    program, *words = unit["Service"]["ExecStart"].split()

    assert (Path(sys.executable).parent / Path(program).name).exists()
    assert not [word for word in words if word.endswith(".py") and not (ROOT / word).exists()]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_started_again_whenever_it_ended(path: Path) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.read(path)

    assert unit["Service"]["Restart"] == "always"


def test_gunicorn_takes_its_configuration() -> None:
    gunicorn = Path(sys.executable).parent / "gunicorn"
    words = [
        str(gunicorn),
        "--check-config",
        "--config",
        "deploy/gunicorn.conf.py",
        "config.wsgi:application",
    ]

    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)


def test_static_files_are_collected_without_database_and_secrets(tmp_path: Path) -> None:
    line = re.search(r"^RUN (DEBUG=false.*?)python (manage.py collectstatic.*?)$", dockerfile(), re.M | re.S)
    assert line
    settings = dict(word.split("=", 1) for word in line[1].replace("\\", "").split())
    environment = {"PATH": os.environ["PATH"], **settings, "COFFER_ENV_FILE": os.devnull}
    words = [sys.executable, *line[2].split(), "--dry-run"]

    subprocess.run(
        words,
        cwd=ROOT,
        env={**environment, "COFFER_STATE_DIR": str(tmp_path)},
        check=True,
        capture_output=True,
    )

    assert not list(tmp_path.iterdir()), "root's folders, which the image's user could not write to"


def test_the_image_copies_and_starts_what_exists() -> None:
    for source in re.findall(r"^COPY (\S+) ", dockerfile(), re.MULTILINE):
        assert (ROOT / source).exists()
    assert (
        'CMD ["gunicorn", "--config", "deploy/gunicorn.conf.py", "config.wsgi:application"]' in dockerfile()
    )


def test_compose_runs_one_of_each() -> None:
    services = COMPOSE["services"]

    assert set(services) == {"database", "redis", "migrate", "web", "worker", "beat"}
    for name in ("web", "worker", "beat"):
        assert services[name]["restart"] == "unless-stopped"
    for name in ("worker", "beat"):
        assert f"celery -A config {name}" in services[name]["command"]
    mounted = services["database"]["volumes"][1].split(":")[0]
    assert (ROOT / mounted).stat().st_mode & 0o111


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()
