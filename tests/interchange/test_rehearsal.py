"""A rehearsal leaves the dossier of each dose beside labels and certificates."""

import json
from pathlib import Path

from click.testing import CliRunner

from lims import interchange
from lims.cli import cli
from lims.core import vault
from tests.interchange.made import sealing, second  # noqa: F401


def test_a_rehearsal_leaves_the_dossier_of_each_dose(database, sealing, tmp_path: Path):  # noqa: F811
    vault.use("k" * 40)
    ran = CliRunner().invoke(
        cli,
        ["rehearse", "--study", "IRCT20210228050535N2", "--participants", "2", "--seed", "3",
         "--out", str(tmp_path), "--json"],
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)
    doses = sorted(each["dose"] for each in told["participants"] if each["dose"])
    assert doses
    assert told["dossiers"] == [f"dossiers/{each}.zip" for each in doses]
    for name in told["dossiers"]:
        content = (tmp_path / name).read_bytes()
        assert interchange.verify(content).word == "VALID BUT UNWITNESSED"
        assert second().verify(content)[0] == "VALID BUT UNWITNESSED"
