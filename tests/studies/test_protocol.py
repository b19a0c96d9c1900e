# ruff: noqa: E501 - one bad file is one line
"""The checker names every error of a study file, by dotted key and line."""

import re

import pytest

from lims.core.errors import NotFound
from lims.core.permissions import Role
from lims.core.units import Quantity
from lims.studies import protocol
from lims.studies.protocol.reading import FOLDER

SITE = protocol.demonstration_site()
IRCT = (FOLDER / "irct20210228050535n2.toml").read_text(encoding="utf-8")
TANGDU = (FOLDER / "tangdu-me-ucmsc.toml").read_text(encoding="utf-8")


def changed(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


def without(text: str, table: str) -> str:
    """The file without one table and its keys."""
    made = re.sub(rf"^\[{re.escape(table)}\]\n(?:(?!\[).*\n)*", "", text, flags=re.MULTILINE)
    assert made != text
    return made


def line_of(text: str, start: str) -> int:
    return next(
        number for number, each in enumerate(text.splitlines(), 1) if each.startswith(start)
    )


def test_shipped_files_have_no_error() -> None:
    assert [path.name for path in protocol.shipped()] == [
        "irct20210228050535n2.toml",
        "tangdu-me-ucmsc.toml",
    ]
    for path in protocol.shipped():
        assert protocol.check(protocol.read_file(path), SITE).errors == ()


BAD = {
    "unknown key": (IRCT, 'phase = "1-2"', 'fase = "1-2"', "study.fase", "not known"),
    "unknown table": (IRCT, "[statistics]", "[statistic]", "statistic", "not known"),
    "missing key": (IRCT, 'condition = "recurrent implantation failure"\n', "", "study.condition", "missing"),
    "wrong type": (IRCT, "blinded = false", 'blinded = "no"', "study.blinded", "true or false"),
    "text for a number": (IRCT, "block_size = 4", 'block_size = "4"', "allocation.block_size", "whole number"),
    "a number for an amount": (IRCT, 'volume_nominal = "2 mL"', "volume_nominal = 2", "arms.IRCT-EXO.dose.volume_nominal", "value and unit"),
    "a float": (IRCT, 'volume_nominal = "2 mL"', "volume_nominal = 2.0", "arms.IRCT-EXO.dose.volume_nominal", "as text"),
    "amount without unit": (IRCT, 'volume_nominal = "2 mL"', 'volume_nominal = "2"', "arms.IRCT-EXO.dose.volume_nominal", "no unit"),
    "unknown unit": (IRCT, 'volume_nominal = "2 mL"', 'volume_nominal = "2 spoons"', "arms.IRCT-EXO.dose.volume_nominal", "not a unit"),
    "unit of another kind": (IRCT, 'concentration = "20 ug/uL"', 'concentration = "20 mL"', "arms.IRCT-EXO.dose.concentration", "measures volume"),
    "volume in hours": (IRCT, 'volume_nominal = "2 mL"', 'volume_nominal = "2 h"', "arms.IRCT-EXO.dose.volume_nominal", "measures time"),
    "negative volume": (IRCT, 'volume_nominal = "2 mL"', 'volume_nominal = "-2 mL"', "arms.IRCT-EXO.dose.volume_nominal", "below zero"),
    "thousandfold slip": (IRCT, 'concentration = "20 ug/uL"', 'concentration = "20 ug/mL"', "arms.IRCT-EXO.dose.acceptance_min", "lies above"),
    "Ehrlich unit": (IRCT, 'high = "0.5 [IU]/mL"', 'high = "0.5 [EU]/mL"', "specifications.ev_msc_menstrual.S14.limit.high", "not a unit"),
    "window without silent tolerance": (IRCT, 'silent = "2 h"            # HD: exactly 2.0 h is silent\n', "", "windows.before_transfer.silent", "tolerance"),
    "window without warn tolerance": (IRCT, 'warn = "6 h"              # HD: exactly 6.0 h warns\n', "", "windows.before_transfer.warn", "tolerance"),
    "window without override": (TANGDU, "override_days = [2, 8]    # HD\n", "", "windows.cycle_day.override_days", "tolerance"),
    "override without role": (IRCT, 'roles = ["investigator"]\n', "", "windows.before_transfer.roles", "roles"),
    "override with nobody": (IRCT, 'roles = ["investigator"]', "roles = []", "windows.before_transfer.roles", "roles"),
    "override by a stranger": (IRCT, 'roles = ["investigator"]', 'roles = ["nurse"]', "windows.before_transfer.roles", "nurse"),
    "silent beyond warn": (IRCT, 'silent = "2 h"', 'silent = "7 h"', "windows.before_transfer.silent", "lies above"),
    "override day inside": (TANGDU, "override_days = [2, 8]", "override_days = [2, 7]", "windows.cycle_day.override_days", "needs no override"),
    "visit without tolerance": (IRCT, 'before = "1 d"\n', "", "visits.hcg.before", "missing"),
    "visit of no arm": (IRCT, 'arms = ["IRCT-EXO", "IRCT-CTL"]', 'arms = ["IRCT-EXO", "IRCT-XXX"]', "visits.transfer.arms", "IRCT-XXX"),
    "arm without product": (IRCT, 'product = "ev_msc_menstrual"\n', "", "arms.IRCT-EXO.product", "missing"),
    "arm without donor rule": (IRCT, 'donor_rule = "recipient"\n', "", "arms.IRCT-EXO.donor_rule", "missing"),
    "arm without mechanical rule": (TANGDU, 'mechanical = "true"\n', "", "arms.TD-ME.mechanical", "missing"),
    "product with no donor": (IRCT, 'donor_rule = "recipient"', 'donor_rule = "none"', "arms.IRCT-EXO.donor_rule", "donor rule"),
    "unknown product": (IRCT, 'product = "ev_msc_menstrual"', 'product = "snake_oil"', "arms.IRCT-EXO.product", "snake_oil"),
    "flag for PRP": (TANGDU, 'mechanical = "not_applicable"', 'mechanical = "true"', "arms.TD-PRP.mechanical", "not cultured"),
    "control with a dose": (IRCT, "[arms.IRCT-EXO.dose]", "[arms.IRCT-CTL.dose]", "arms.IRCT-CTL.dose", "without a product"),
    "arm without dose": (IRCT, "[arms.IRCT-EXO.dose]", "[arms.IRCT-CTL.dose]", "arms.IRCT-EXO.dose", "needs its dose"),
    "protein unit nobody confirms": (IRCT, 'unit_confirmed_by_required = "sponsor"', 'unit_confirmed_by_required = "none"', "arms.IRCT-EXO.dose.unit_confirmed_by_required", "role"),
    "window of no name": (IRCT, 'window = "before_transfer"', 'window = "whenever"', "arms.IRCT-EXO.window", "whenever"),
    "specification of no name": (IRCT, 'specification = "ev_msc_menstrual"', 'specification = "ev"', "arms.IRCT-EXO.specification", "No specification"),
    "unknown field in a rule": (IRCT, 'rule = "age >= 20 AND age <= 40"', 'rule = "age >= 20 AND aeg <= 40"', "eligibility.criteria.I2.rule", "aeg"),
    "unit of another kind in a rule": (TANGDU, "AMH > 1.1 ng/mL", "AMH > 1.1 mL", "eligibility.criteria.I2.rule", "does not go with"),
    "rule without unit": (TANGDU, "AMH > 1.1 ng/mL", "AMH > 1.1", "eligibility.criteria.I2.rule", "does not go with"),
    "rule that is no yes or no": (IRCT, 'rule = "age >= 20 AND age <= 40"', 'rule = "age + 20"', "eligibility.criteria.I2.rule", "not a yes or no"),
    "rule that cannot be read": (IRCT, 'rule = "age >= 20 AND age <= 40"', 'rule = "20 <= age <= 40"', "eligibility.criteria.I2.rule", "cannot be read"),
    "word that is no choice": (IRCT, "rule = 'sex = \"female\"'", "rule = 'sex = \"woman\"'", "eligibility.criteria.I4.rule", "no choice"),
    "computed item with text": (IRCT, 'title = "female"\n', 'title = "female"\ntext = "x"\n', "eligibility.criteria.I4.text", "has no text"),
    "judged item without text": (IRCT, 'text = "She has no haematological disorder."\n', "", "eligibility.criteria.E2.text", "needs its text"),
    "requires a stranger": (IRCT, 'requires = ["measured_on"]', 'requires = ["weighed_on"]', "eligibility.criteria.I3.requires", "weighed_on"),
    "quantity without unit": (IRCT, 'unit = "kg"\n', "", "eligibility.fields.weight.unit", "needs its unit"),
    "field named like a word of rules": (IRCT, "[eligibility.fields.age]", "[eligibility.fields.AND]", "eligibility.fields.AND", "rename"),
    "fields that differ by case": (IRCT, "[eligibility.fields.sex]", "[eligibility.fields.AGE]", "eligibility.fields.AGE", "Two fields"),
    "unknown severity": (IRCT, 'severity = "stop"\n', 'severity = "halt"\n', "specifications.ev_msc_menstrual.S01.severity", "halt"),
    "limit of another kind": (IRCT, 'limit = { kind = "range", low = "16 ug/uL", high = "24 ug/uL" }', 'limit = { kind = "range", low = "16 mL", high = "24 ug/uL" }', "specifications.ev_msc_menstrual.S04.limit.low", "does not convert"),
    "limit without its end": (IRCT, 'limit = { kind = "range", low = "16 ug/uL", high = "24 ug/uL" }', 'limit = { kind = "range", low = "16 ug/uL" }', "specifications.ev_msc_menstrual.S04.limit.high", "needs this key"),
    "limit upside down": (IRCT, 'low = "16 ug/uL", high = "24 ug/uL"', 'low = "24 ug/uL", high = "16 ug/uL"', "specifications.ev_msc_menstrual.S04.limit.low", "above"),
    "limit of unknown kind": (IRCT, 'kind = "below", high', 'kind = "beneath", high', "specifications.ev_msc_menstrual.S14.limit.kind", "beneath"),
    "numeric limit without unit": (IRCT, 'limit = { kind = "one_of", choices = ["match"] }', 'limit = { kind = "above", low = "3 mL" }', "specifications.ev_msc_menstrual.S09.limit.low", "no unit"),
    "limit that points nowhere": (IRCT, '"@harvest.viability_stop_below"', '"@harvest.viability"', "specifications.ev_msc_menstrual.S11.stop.low", "points to no limit"),
    "override of no house limit": (IRCT, "[sharing]", '[limits.thaw]\nroom = "1 h"\n[sharing]', "limits.thaw.room", "no limit"),
    "override of another kind": (IRCT, "[sharing]", '[limits.thaw]\nroom_time_max = "3 mL"\n[sharing]', "limits.thaw.room_time_max", "cannot become"),
    "alias used twice": (TANGDU, 'aliases = ["UCMSC-Exo", "TCP-Exo"]', 'aliases = ["RH-Exo"]', "arms.TD-CONV.aliases", "already names"),
    "id declared twice": (IRCT, "[arms.IRCT-CTL]", "[arms.IRCT-EXO]", "file", "not TOML"),
    "no Persian label": (IRCT, 'fa = "کارآزمایی IRCT20210228050535N2"\n', "", "labels.trial.fa", "missing"),
    "no Chinese label": (IRCT, 'zh = "试验 IRCT20210228050535N2"\n', "", "labels.trial.zh", "missing"),
    "targets that do not add up": (IRCT, "target = 22\n", "target = 21\n", "allocation.target", "add up"),
    "block that does not divide": (IRCT, "block_size = 4", "block_size = 5", "allocation.block_size", "divide"),
    "note about no key": (IRCT, 'key = "cycles"', 'key = "cycle.x"', "notes.N06.key", "no key"),
    "journey of no arm": (IRCT, "[journey.IRCT-CTL]", "[journey.IRCT-CLT]", "journey.IRCT-CLT", "No arm"),
    "date with a time": (IRCT, "ethics_on = 2022-12-14", "ethics_on = 2022-12-14T10:00:00Z", "registration.ethics_on", "without a time"),
    "outcome unit": (IRCT, 'hcg = { type = "quantity", unit = "m[IU]/mL" }', 'hcg = { type = "quantity", unit = "miu" }', "outcomes.chemical_pregnancy.fields.hcg.unit", "not a unit"),
    "test that exempts from an allergy": (IRCT, 'unless_test_below_loq = "S18"', 'unless_test_below_loq = "S81"', "allergy.unless_test_below_loq", "S81"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_an_error_is_named_by_key_line_and_sentence(name: str) -> None:
    text, old, new, where, what = BAD[name]
    report = protocol.check(changed(text, old, new), SITE)
    found = {each.where.split(" (line ")[0]: each for each in report.errors}
    assert where in found, [each.shown() for each in report.errors]
    assert what in found[where].what
    assert re.search(r" \(line \d+\)$", found[where].where), found[where].where
    assert report.digest is None


def test_the_line_is_that_of_the_key() -> None:
    text = changed(IRCT, "block_size = 4", 'block_size = "4"')
    (error,) = protocol.check(text, SITE).errors
    assert error.where == f"allocation.block_size (line {line_of(text, 'block_size')})"


def test_a_missing_key_shows_the_line_of_its_table() -> None:
    text = changed(IRCT, 'donor_rule = "recipient"\n', "")
    (error,) = protocol.check(text, SITE).errors
    assert error.where == f"arms.IRCT-EXO.donor_rule (line {line_of(text, '[arms.IRCT-EXO]')})"


def test_every_error_is_named_and_not_the_first_alone() -> None:
    names = ["unknown key", "wrong type", "unknown unit", "window without warn tolerance",
             "arm without donor rule", "unknown field in a rule", "unknown severity",
             "limit of another kind", "note about no key", "no Chinese label"]  # fmt: skip
    text = IRCT
    for name in names:
        text = changed(text, BAD[name][1], BAD[name][2])
    found = {each.where.split(" (line ")[0] for each in protocol.check(text, SITE).errors}
    assert {BAD[name][3] for name in names} <= found


def test_a_missing_ethics_number_is_no_error_and_keeps_a_study_in_practice() -> None:
    text = changed(IRCT, 'ethics_number = "IR.MAZUMS.IMAMHOSPITAL.REC.1401.048"\n', "")
    report = protocol.check(text, SITE)
    assert report.errors == ()
    assert report.activation_requires == ("registration.ethics_number",)


@pytest.mark.parametrize(
    "table", ["study", "allocation", "consent", "safety", "eligibility.criteria.I2", "labels.route"]
)
def test_a_file_without_a_table_is_refused_or_still_whole(table: str) -> None:
    report = protocol.check(without(IRCT, table), SITE)
    whole = table in ("eligibility.criteria.I2", "labels.route")
    assert (not report.errors) is whole


@pytest.mark.parametrize(
    "text",
    ["", "x", "[" * 5000, "a = " + "[" * 3000, "arms = 3", "[arms]\nA = 3", "study = []",
     "[eligibility]\nfields = 1\ncriteria = 'x'", "limits = 3", "a." * 3000 + "b = 1",
     "study = { code = [1, { a = 2 }] }", "[specifications.x.S01]\nlimit = 'above'",
     "[windows.w]\nroles = 'x'", "n = 99999999999999999999", "\x00", "t = 10:00:00",
     "[labels]\nx = 1", "[limits]\na = [1, 2]", "[notes.N1]\nkey = '....'"],
)  # fmt: skip
def test_no_text_is_too_broken_for_a_sentence(text: str) -> None:
    report = protocol.check(text, SITE)
    assert report.errors
    for each in report.errors:
        assert each.what.endswith("."), each


def test_loading_a_bad_file_carries_all_faults() -> None:
    text = changed(changed(IRCT, "blinded = false", "blinded = 0"), "block_size = 4", "")
    with pytest.raises(protocol.ProtocolInvalid) as refused:
        protocol.load(text, SITE, "mine.toml")
    assert len(refused.value.faults) == 2
    assert "mine.toml" in str(refused.value)


def test_the_digest_follows_the_content_and_not_its_order_or_comments() -> None:
    digest = protocol.check(IRCT, SITE).digest
    again = changed(
        IRCT, 'phase = "1-2"\npurpose = "treatment"', 'purpose="treatment" # x\nphase="1-2"'
    )
    assert protocol.check(again, SITE).digest == digest
    other = changed(IRCT, 'phase = "1-2"', 'phase = "2"')
    assert protocol.check(other, SITE).digest != digest


def test_the_report_has_the_fields_with_their_units() -> None:
    shown = protocol.check(TANGDU, SITE).shown()
    assert shown["code"] == "TANGDU-ME-UCMSC"
    assert shown["arms"] == ["TD-ME", "TD-CONV", "TD-PRP"]
    assert {"name": "AMH", "type": "quantity", "unit": "ng/mL"} in shown["fields"]
    assert {"name": "age", "type": "integer", "unit": None} in shown["fields"]


def test_a_study_overrides_a_limit_of_the_house() -> None:
    text = changed(IRCT, "[sharing]", '[limits.thaw]\nroom_time_max = "30 min"\n\n[sharing]')
    read = protocol.load(text, SITE)
    assert read.limit("thaw.room_time_max") == Quantity(30, "min")
    assert protocol.load(IRCT, SITE).limit("thaw.room_time_max") == Quantity(60, "min")
    assert SITE.limit("culture.passage_harvest_stop_above") == 8
    with pytest.raises(NotFound):
        read.limit("thaw.nothing")


def test_a_limit_of_the_house_reaches_the_specification_that_points_to_it() -> None:
    site_text = (FOLDER / "site.toml").read_text(encoding="utf-8")
    site = protocol.load_site(changed(site_text, 'cord_nominal_volume = "1.5 mL"',
                                      'cord_nominal_volume = "1.2 mL"'))  # fmt: skip
    fill = {e.id: e for e in protocol.load(TANGDU, site).specification("ev_msc_cord")}["S02"]
    assert (fill.limit.low, fill.limit.high) == (Quantity("1.2", "mL"), Quantity("1.4", "mL"))
    assert site.digest != SITE.digest
    ours, theirs = (protocol.load(TANGDU, each).specification_digests for each in (SITE, site))
    assert ours["ev_msc_cord"] != theirs["ev_msc_cord"]
    assert ours["prp"] == theirs["prp"]


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('approver = "Quality unit (demonstration)"\n', "", "site.approver"),
        ("approved_on = 2026-01-15\n", "", "site.approved_on"),
        ('version = "1"', "version = 1", "site.version"),
        ('room_time_max = "60 min"', 'room_time_max = "60 minutes"', "limits.thaw.room_time_max"),
        ('zh = "生物危害"\n', "", "labels.biohazard.zh"),
    ],
)
def test_a_site_file_names_its_errors(old: str, new: str, where: str) -> None:
    text = changed((FOLDER / "site.toml").read_text(encoding="utf-8"), old, new)
    with pytest.raises(protocol.ProtocolInvalid) as refused:
        protocol.load_site(text)
    assert [each.where.split(" (line ")[0] for each in refused.value.faults] == [where]


def test_arms_carry_their_rules() -> None:
    irct, tangdu = protocol.load(IRCT, SITE), protocol.load(TANGDU, SITE)
    exo, control = irct.arms["IRCT-EXO"], irct.arms["IRCT-CTL"]
    assert (exo.donor_rule, exo.mechanical) == (protocol.DonorRule.RECIPIENT, None)
    assert exo.dose is not None
    assert exo.dose.unit_confirmed_by_required is Role.SPONSOR
    assert (control.product, control.dose, irct.window(control)) == (None, None, None)
    assert [tangdu.arms[each].mechanical for each in tangdu.arms] == [True, False, None]
    assert tangdu.arm("RH-Exo").code == "TD-ME"
    with pytest.raises(NotFound):
        tangdu.arm("IRCT-EXO")
    window = tangdu.window(tangdu.arms["TD-PRP"])
    assert window is not None
    assert (window.first, window.last, window.override_days) == (3, 7, (2, 8))


Q = Quantity


@pytest.mark.parametrize(
    ("product", "test", "result", "expected"),
    [
        ("ev_msc_cord", "S14", Q("0.49", "[IU]/mL"), None),
        ("ev_msc_cord", "S14", Q("0.5", "[IU]/mL"), "stop"),
        ("ev_msc_cord", "S03", Q("4.0E10", "{particles}/mL"), None),
        ("ev_msc_cord", "S03", Q("6.0E10", "{particles}/mL"), None),
        ("ev_msc_cord", "S03", Q("6.0000001E10", "{particles}/mL"), "stop"),
        ("ev_msc_cord", "S03", Q("5E7", "{particles}/uL"), None),
        ("ev_msc_cord", "S06", Q("90", "%"), "warn"),
        ("ev_msc_cord", "S06", Q("90.1", "%"), None),
        ("ev_msc_cord", "S11", Q("89.9", "%"), "warn"),
        ("ev_msc_cord", "S11", Q("79.9", "%"), "stop"),
        ("ev_msc_cord", "S13", "no_growth", None),
        ("ev_msc_cord", "S13", "growth", "stop"),
        ("ev_msc_cord", "S18", "below_loq", None),
        ("ev_msc_cord", "S18", Q(3, "ng/mL"), "warn"),
        ("prp", "S23", Q("4.2", "1"), None),
        ("prp", "S23", Q("1.9", "1"), "warn"),
        ("prp", "S23", Q("1.0", "1"), "stop"),
    ],
)
def test_a_result_is_judged_at_its_limit(
    product: str, test: str, result: Quantity | str, expected: str | None
) -> None:
    tests = {each.id: each for each in protocol.load(TANGDU, SITE).specification(product)}
    assert tests[test].judge(result) == expected
