"""compose.yaml is well formed, keeps no secret, and starts the processes that the suite starts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent.parent
SCHEMA = Path(sys.executable).parent / "check-jsonschema"


@pytest.fixture(scope="module")
def compose():
    return YAML(typ="safe").load((ROOT / "compose.yaml").read_text())


def test_it_keeps_to_the_compose_specification():
    ran = subprocess.run(
        [SCHEMA, "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_mistake_would_be_seen(tmp_path):
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((ROOT / "compose.yaml").read_text().replace("depends_on:", "depends_upon:", 1))
    ran = subprocess.run(
        [SCHEMA, "--builtin-schema", "vendor.compose-spec", wrong], capture_output=True
    )
    assert ran.returncode == 1


def test_every_part_of_an_installation_is_there(compose):
    services = compose["services"]
    once = {"upgrade", "backup"}
    assert set(services) == {"proxy", "web", "worker", "beat", "postgres", "redis", *once}
    for name, service in services.items():
        if name not in once:
            assert service["restart"] == "unless-stopped", name
            assert "healthcheck" in service, name
    assert services["postgres"]["image"].startswith("postgres:15")
    redis = services["redis"]["command"]
    assert redis[redis.index("--appendonly") + 1] == "yes"
    assert redis[redis.index("--maxmemory-policy") + 1] == "noeviction"
    assert [name for name, each in services.items() if "ports" in each] == ["proxy"]
    for name in ("postgres", "redis"):
        assert services[name]["networks"] == ["inside"], name
    assert compose["networks"]["inside"]["internal"] is True


def test_the_application_never_gets_the_owners_password(compose):
    for name in ("web", "worker", "beat", "backup"):
        settings = compose["services"][name]["environment"]
        assert "LIMS_OWNER_DATABASE_URL" not in settings, name
        assert "LIMS_OWNER_PASSWORD" not in str(settings), name
        assert settings["LIMS_DATABASE_URL"].startswith("postgresql://lims_app:"), name
    upgrade = compose["services"]["upgrade"]["environment"]
    assert upgrade["LIMS_OWNER_DATABASE_URL"].startswith("postgresql://lims_owner:")


def test_only_the_workers_hold_the_key_that_seals(compose):
    holders = {name for name, each in compose["services"].items() if "secrets" in each}
    assert holders == {"worker", "beat"}
    for name in ("web", "worker", "beat", "upgrade"):
        settings = compose["services"][name]["environment"]
        assert ("LIMS_SEAL_KEY_FILE" in settings) == (name in holders), name
        assert settings["LIMS_DATABASE_URL"], name
    assert set(compose["secrets"]) == {"seal_key"}


def test_every_secret_comes_from_the_environment_and_is_missed_by_name(compose):
    text = (ROOT / "compose.yaml").read_text()
    example = (ROOT / ".env.example").read_text()
    asked = dict(re.findall(r"(?<!\$)\$\{(\w+)(:\?|:-)?", text))
    secret = {name for name in asked if "PASSWORD" in name or "SECRET" in name}
    assert len(secret) == 5
    for name, how in asked.items():
        assert f"{name}=" in example, f"{name} is not in .env.example"
        assert how == (":?" if name in secret else ":-"), name
    for line in example.splitlines():
        name, _equals, value = line.partition("=")
        assert name not in secret or not value, f"{name} has a value in .env.example"


def test_the_commands_are_those_of_lims(compose):
    lims = Path(sys.executable).parent / "lims"
    for name in ("web", "worker", "beat", "upgrade"):
        command = compose["services"][name]["command"]
        assert command[0] == "lims"
        words = [each for each in command[1:] if re.fullmatch("[a-z]+", each)]
        offered = subprocess.run([lims, *words, "--help"], capture_output=True, text=True)
        assert offered.returncode == 0, name
        for option in (each for each in command if each.startswith("--")):
            assert option in offered.stdout, f"{name}: {option}"
