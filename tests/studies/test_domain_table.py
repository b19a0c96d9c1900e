# ruff: noqa: E501 - a row of the table is one line
"""Every row of the two registrations, as data: the file and key where it stands, and its value.

A row that vanishes from a study file, or whose value moves, turns this red.
"""

import re
import tomllib
from datetime import date
from typing import Any

import pytest

from lims.core.units import Quantity
from lims.studies import protocol
from lims.studies.protocol.reading import FOLDER

I, T, S = "irct20210228050535n2", "tangdu-me-ucmsc", "site"  # noqa: E741

# section, row, file, key, value
ROWS: list[tuple[str, str, str, str, Any]] = [
    # 1.1 Design
    ("1.1", "condition", I, "study.condition", "recurrent implantation failure"),
    ("1.1", "condition", T, "study.condition", "thin endometrium after severe intrauterine adhesions and hysteroscopic adhesiolysis"),
    ("1.1", "phase", I, "study.phase", "1-2"),
    ("1.1", "phase", T, "study.phase", "1-2"),
    ("1.1", "sites", I, "site.number_of_sites", 1),
    ("1.1", "sites", T, "site.number_of_sites", 1),
    ("1.1", "place", I, "site.city", "Sari"),
    ("1.1", "place", T, "site.city", "Xi'an"),
    ("1.1", "allocation", I, "allocation.method", "block_randomised"),
    ("1.1", "allocation", I, "allocation.ratio", "1:1"),
    ("1.1", "allocation", I, "allocation.block_size", 4),
    ("1.1", "allocation", I, "allocation.target", 44),
    ("1.1", "allocation", I, "arms.IRCT-EXO.target", 22),
    ("1.1", "allocation", I, "arms.IRCT-CTL.target", 22),
    ("1.1", "allocation", I, "allocation.list_source", "external web service (sealedenvelope.com)"),
    ("1.1", "allocation", T, "allocation.randomised", False),
    ("1.1", "allocation", T, "allocation.parallel", True),
    ("1.1", "allocation", T, "allocation.target", 90),
    ("1.1", "allocation", T, "arms.TD-ME.target", 30),
    ("1.1", "allocation", T, "arms.TD-CONV.target", 30),
    ("1.1", "allocation", T, "arms.TD-PRP.target", 30),
    ("1.1", "blinding", I, "study.blinded", False),
    ("1.1", "blinding", I, "study.blinding", "none; no placebo; the control gets no injection"),
    ("1.1", "blinding", T, "study.blinded", False),
    ("1.1", "source material", I, "study.source_material", "patient's own menstrual blood, collected by menstrual cup"),
    ("1.1", "source material", T, "study.source_material", "umbilical-cord MSC (allogeneic); PRP arm: own blood"),
    ("1.1", "registered", I, "registration.registered_on", date(2023, 1, 3)),
    ("1.1", "registered", I, "registration.timing", "prospective"),
    ("1.1", "ethics", I, "registration.ethics_number", "IR.MAZUMS.IMAMHOSPITAL.REC.1401.048"),
    ("1.1", "ethics", I, "registration.ethics_on", date(2022, 12, 14)),
    ("1.1", "posted", T, "registration.first_posted", date(2025, 3, 26)),
    ("1.1", "start", T, "registration.dates.start.actual", date(2025, 2, 21)),
    ("1.1", "completion", T, "registration.dates.completion.estimated", date(2027, 3, 31)),
    ("1.1", "statistics", I, "statistics.given", False),
    ("1.1", "statistics", T, "statistics.test", "ANOVA with Tukey HSD"),
    ("1.1", "statistics", T, "statistics.alpha", "0.05"),
    ("1.1", "drop-out", T, "allocation.drop_out", "10 %"),
    # 1.2 Arms
    ("1.2", "IRCT-EXO", I, "arms.IRCT-EXO.product", "ev_msc_menstrual"),
    ("1.2", "IRCT-EXO", I, "arms.IRCT-EXO.donor_rule", "recipient"),
    ("1.2", "IRCT-EXO", I, "arms.IRCT-EXO.mechanical", "unspecified"),
    ("1.2", "IRCT-EXO", I, "arms.IRCT-EXO.dose.volume_nominal", "2 mL"),
    ("1.2", "IRCT-EXO", I, "arms.IRCT-EXO.dose.concentration", "20 ug/uL"),
    ("1.2", "IRCT-EXO", I, "arms.IRCT-EXO.dose.occasions", 1),
    ("1.2", "IRCT-EXO", I, "arms.IRCT-EXO.route", "intrauterine"),
    ("1.2", "IRCT-EXO", I, "arms.IRCT-EXO.device", "iui_catheter"),
    ("1.2", "IRCT-EXO", I, "arms.IRCT-EXO.window", "before_transfer"),
    ("1.2", "IRCT-CTL", I, "arms.IRCT-CTL.product", "none"),
    ("1.2", "IRCT-CTL", I, "arms.IRCT-CTL.donor_rule", "none"),
    *[
        ("1.2", arm, T, f"arms.{arm}.{key}", value)
        for arm, donor, mechanical, product in (
            ("TD-ME", "other", "true", "ev_msc_cord"),
            ("TD-CONV", "other", "false", "ev_msc_cord"),
            ("TD-PRP", "recipient", "not_applicable", "prp"),
        )
        for key, value in (
            ("product", product),
            ("donor_rule", donor),
            ("mechanical", mechanical),
            ("dose.volume_min", "1 mL"),
            ("dose.volume_max", "1.5 mL"),
            ("dose.per_site", True),
            ("dose.occasions", 1),
            ("device", "needle_17g"),
            ("route", "intraendometrial_subendometrial"),
            ("window", "cycle_day"),
        )
    ],
    ("1.2", "TD-ME", T, "arms.TD-ME.aliases", ["ME-UCMSC-Exo", "RH-Exo"]),
    ("1.2", "TD-ME", T, "arms.TD-ME.dose.concentration", "5E10 {particles}/mL"),
    ("1.2", "TD-ME", T, "arms.TD-ME.dose.comparator", "~"),
    ("1.2", "TD-CONV", T, "arms.TD-CONV.aliases", ["UCMSC-Exo", "TCP-Exo"]),
    ("1.2", "TD-CONV", T, "arms.TD-CONV.dose.concentration", "5E10 {particles}/mL"),
    # 1.3 Eligibility: type of each item; the computed rules
    *[
        ("1.3", f"IRCT {name}", I, f"eligibility.criteria.{name}.type", kind)
        for name, kind in {"I1": "M", "I2": "M", "I3": "M", "I4": "M", "E1": "H", "E2": "J",
                           "E3": "J", "E4": "J", "E5": "H"}.items()
    ],
    *[
        ("1.3", f"TD {name}", T, f"eligibility.criteria.{name}.type", kind)
        for name, kind in {"I1": "M", "I2": "M", "I3": "M", "I4": "M", "I5": "M", "I6": "J",
                           "I7": "H", "E1": "J", "E2": "H", "E3": "J", "E4": "H", "E5": "J",
                           "E6": "H", "E7": "H", "E8": "M", "E9": "H", "E10": "J", "E11": "J",
                           "E12": "J"}.items()
    ],
    ("1.3", "IRCT I1", I, "eligibility.criteria.I1.rule", "(failed_transfer_cycles >= 3 OR good_quality_embryos_transferred >= 10) AND NOT conceived_from_them"),
    ("1.3", "IRCT I2", I, "eligibility.criteria.I2.rule", "age >= 20 AND age <= 40"),
    ("1.3", "IRCT I3", I, "eligibility.criteria.I3.rule", "weight / (height * height) < 30.0 kg/m2"),
    ("1.3", "IRCT I3", I, "eligibility.criteria.I3.requires", ["measured_on"]),
    ("1.3", "IRCT I4", I, "eligibility.criteria.I4.rule", 'sex = "female"'),
    ("1.3", "TD I2", T, "eligibility.criteria.I2.rule", "AFC >= 7 AND AMH > 1.1 ng/mL"),
    ("1.3", "TD I4", T, "eligibility.criteria.I4.rule", "prp_date > tcra_date"),
    ("1.3", "TD I5", T, "eligibility.criteria.I5.rule", "transfer_cycles >= 1 AND transfer_cycle_thickness < 7 mm"),
    ("1.3", "TD E8", T, "eligibility.criteria.E8.rule", "endometriotic_cyst_size < 4 cm"),
    ("1.3", "TD E12", T, "eligibility.criteria.E12.reason_required", True),
    ("1.3", "no waivers", I, "eligibility.waivers", False),
    ("1.3", "no waivers", T, "eligibility.waivers", False),
    # 1.4 Allocation, timing, outcomes, safety
    ("1.4", "block", I, "allocation.possible_orders", 6),
    ("1.4", "block", I, "allocation.blocks", 11),
    ("1.4", "block", I, "allocation.block_boundaries_visible", False),
    ("1.4", "reveal", I, "allocation.reveal_after", ["consent", "eligibility"]),
    ("1.4", "refused", I, "allocation.refused", ["reveal_twice", "skip_row", "edit_row", "delete_randomised_participant"]),
    ("1.4", "collection time", I, "allocation.collection_relative_to_allocation", "either"),
    ("1.4", "control material", I, "allocation.control_material", "as_consented"),
    ("1.4", "assignment", T, "allocation.record", ["assigned_by", "assigned_at", "ground"]),
    ("1.4", "31st subject", T, "allocation.above_target", "warn"),
    ("1.4", "IRCT window", I, "windows.before_transfer.nominal", "48 h"),
    ("1.4", "IRCT window", I, "windows.before_transfer.silent", "2 h"),
    ("1.4", "IRCT window", I, "windows.before_transfer.warn", "6 h"),
    ("13.1", "IRCT window", I, "windows.before_transfer.override_min", "24 h"),
    ("13.1", "IRCT window", I, "windows.before_transfer.override_max", "72 h"),
    ("1.4", "IRCT window", I, "windows.before_transfer.roles", ["investigator"]),
    ("1.4", "no FET date", I, "windows.before_transfer.missing", "stop"),
    ("1.4", "TD cycle day", T, "windows.cycle_day.first", 3),
    ("1.4", "TD cycle day", T, "windows.cycle_day.last", 7),
    ("1.4", "TD cycle day", T, "windows.cycle_day.override_days", [2, 8]),
    ("1.4", "TD cycle day", T, "windows.cycle_day.roles", ["investigator"]),
    ("1.4", "single occasion", T, "windows.cycle_day.second_occasion", "stop"),
    *[
        ("1.4", f"outcome {name}", I, f"outcomes.{name}.class", rank)
        for name, rank in {"chemical_pregnancy": "primary", "clinical_pregnancy": "primary",
                           "abortion": "primary", "live_birth": "secondary",
                           "implantation_rate": "secondary",
                           "ongoing_pregnancy": "secondary"}.items()
    ],
    ("1.4", "chemical pregnancy", I, "outcomes.chemical_pregnancy.start", "14 d"),
    ("1.4", "chemical pregnancy", I, "outcomes.chemical_pregnancy.fields.hcg.unit", "m[IU]/mL"),
    ("1.4", "hCG cut-off", S, "limits.outcome.hcg_cut_off", "25 m[IU]/mL"),
    ("1.4", "hCG warn zone", S, "limits.outcome.hcg_warn_from", "5 m[IU]/mL"),
    ("1.4", "clinical pregnancy", I, "outcomes.clinical_pregnancy.start", "35 d"),
    ("1.4", "clinical pregnancy", I, "outcomes.clinical_pregnancy.fields.heartbeat.type", "boolean"),
    ("1.4", "abortion", I, "outcomes.abortion.fields.gestation_days.type", "integer"),
    ("1.4", "live birth", I, "outcomes.live_birth.fields.weight.unit", "g"),
    ("1.4", "implantation rate", I, "outcomes.implantation_rate.fields.sacs.type", "integer"),
    ("1.4", "implantation rate", I, "outcomes.implantation_rate.fields.embryos.type", "integer"),
    ("1.4", "implantation rate", I, "outcomes.implantation_rate.start", "42 d"),
    ("1.4", "ongoing pregnancy", I, "outcomes.ongoing_pregnancy.start", "140 d"),
    ("1.4", "thickness", T, "outcomes.endometrial_thickness.class", "primary"),
    ("1.4", "thickness", T, "outcomes.endometrial_thickness.start", "30 d"),
    ("1.4", "thickness", T, "outcomes.endometrial_thickness.end", "90 d"),
    ("1.4", "thickness", T, "outcomes.endometrial_thickness.fields.thickness.unit", "mm"),
    ("1.4", "thickness", T, "outcomes.endometrial_thickness.fields.day_type.choices", ["hcg_trigger", "oocyte_retrieval", "progesterone_start", "embryo_transfer"]),
    ("1.4", "clinical pregnancy", T, "outcomes.clinical_pregnancy.class", "secondary"),
    ("1.4", "clinical pregnancy", T, "outcomes.clinical_pregnancy.fields.location.choices", ["intrauterine", "ectopic"]),
    *[
        ("1.4", f"named {name}", T, f"outcomes.{name}.class", "named")
        for name in ("implantation", "live_birth", "miscarriage", "safety",
                     "biochemical_pregnancy", "clinical_confirmation", "perinatal_complications")
    ],
    ("1.4", "safety", T, "safety.follow_ups", ["90 d", "365 d"]),
    ("1.4", "safety", T, "safety.immediate", ["allergy", "infection"]),
    ("1.4", "safety", T, "safety.tests", ["tumour_markers", "liver", "kidney", "ultrasound"]),
    ("1.4", "safety", I, "safety.registered", False),
    ("1.4", "safety", I, "safety.severity", "rec"),
    ("1.4", "safety", I, "safety.adverse_event_fields", ["onset", "grade", "seriousness", "relation", "lot", "dose"]),
    # 1.5 Contradictions: each note stands where its trial is
    *[
        ("1.5", f"gap {number}", file, f"notes.N{number:02}.key", key)
        for number, file, key in (
            (1, I, "arms.IRCT-EXO.dose.unit_confirmed_by_required"),
            (2, I, "specifications.ev_msc_menstrual.S04.limit"),
            (3, I, "specifications.ev_msc_menstrual.S03.severity"),
            (4, I, "outcomes"),
            (5, I, "registration"),
            (6, I, "cycles"),
            (7, T, "arms.TD-ME.dose.sites_max"),
            (8, T, "arms.TD-ME.dose.comparator"),
            (9, T, "arms.TD-ME.route"),
            (10, T, "arms.TD-ME.aliases"),
            (11, T, "eligibility.fields.prp_date"),
            (12, T, "specifications.prp"),
            (13, T, "allocation.evaluable"),
            (14, T, "safety.follow_up_end"),
            (15, T, "registration.dates.primary_completion"),
            (16, I, "specifications.ev_msc_menstrual.S22"),
            (16, T, "specifications.ev_msc_cord.S22"),
            (17, I, "panels"),
            (17, T, "panels"),
        )
    ],
    ("1.5", "gap 1", I, "arms.IRCT-EXO.dose.unit_confirmed_by_required", "sponsor"),
    ("1.5", "gap 1", S, "limits.bca.thousandfold_slip", "warn"),
    ("1.5", "gap 2", I, "arms.IRCT-EXO.dose.acceptance_min", "16 ug/uL"),
    ("1.5", "gap 2", I, "arms.IRCT-EXO.dose.acceptance_max", "24 ug/uL"),
    ("1.5", "gap 2", I, "arms.IRCT-EXO.dose.volume_min", "1.9 mL"),
    ("1.5", "gap 2", I, "arms.IRCT-EXO.dose.volume_max", "2.1 mL"),
    ("1.5", "gap 5", I, "registration.status", "recruitment complete"),
    ("1.5", "gap 6", I, "cycles.dose_links", ["collection_cycle", "transfer_cycle"]),
    ("1.5", "gap 7", T, "arms.TD-ME.dose.sites_max", 4),
    ("1.5", "gap 7", T, "arms.TD-ME.dose.above_sites_max", "warn"),
    ("1.5", "gap 8", T, "arms.TD-ME.dose.acceptance_min", "4.0E10 {particles}/mL"),
    ("1.5", "gap 8", T, "arms.TD-ME.dose.acceptance_max", "6.0E10 {particles}/mL"),
    ("1.5", "gap 13", T, "allocation.evaluable", 81),
    ("1.5", "gap 17", I, "panels.eligibility", False),
    ("1.5", "gap 17", T, "panels.eligibility", False),
    # 1.6 Further facts
    ("1.6", "scientific title", I, "study.title", "Evaluation of the effect of the autologous exosomes derived from menstrual blood mesenchymal stem cells on implantation rate and prevention of miscarriage in patients with recurrent implantation failure"),
    ("1.6", "scientific title", T, "study.title", "Evaluation of the Therapeutic Effects of Mechanically Engineered Umbilical Cord-Derived Stem Cell Exosomes on Endometrial Injury: a Prospective, Non-Randomized, Parallel-Controlled Clinical Study"),
    ("1.6", "public title", I, "study.public_title", "Exosome therapy in recurrent implantation failure"),
    ("1.6", "public title", T, "study.public_title", "Evaluating Mechanically Engineered Stem Cell Exosomes for Treating Endometrial Injury: a Clinical Study"),
    ("1.6", "register", I, "registration.register", "Iranian registry of clinical trials"),
    ("1.6", "register", T, "registration.register", "ClinicalTrials.gov"),
    ("1.6", "condition", T, "study.registered_condition", "intrauterine adhesions"),
    ("1.6", "place", I, "site.hospital", "Imam Khomeini Hospital"),
    ("1.6", "place", I, "site.department", "infertility department"),
    ("1.6", "place", T, "site.hospital", "Tang-Du Hospital"),
    ("1.6", "status", T, "registration.status", "recruiting"),
    ("1.6", "sponsor", I, "registration.sponsor", "Mazandaran University of Medical Sciences"),
    ("1.6", "sponsor", I, "registration.funding_share", "100 %"),
    ("1.6", "sponsor", T, "registration.sponsor", "Tang-Du Hospital (The Fourth Military Medical University)"),
    ("1.6", "dates", I, "registration.registered_on_jalali", "1401/10/13"),
    ("1.6", "dates", I, "registration.update_count", 0),
    ("1.6", "dates", I, "registration.ethics_on_jalali", "1401/09/23"),
    ("1.6", "dates", I, "registration.ethics_committee", "Research Ethics Committees of Imam Hospital"),
    ("1.6", "dates", I, "registration.dates.recruitment_start.estimated", date(2023, 4, 4)),
    ("1.6", "dates", I, "registration.dates.recruitment_end.estimated", date(2023, 11, 21)),
    ("1.6", "dates", T, "registration.first_submitted", date(2025, 3, 18)),
    ("1.6", "dates", T, "registration.met_qc", date(2025, 3, 19)),
    ("1.6", "dates", T, "registration.last_update_posted", date(2025, 3, 26)),
    ("1.6", "dates", T, "registration.verified", "2025-03"),
    ("1.6", "dates", T, "registration.dates.primary_completion.estimated", date(2025, 6, 12)),
    ("1.6", "purpose", I, "study.purpose", "treatment"),
    ("1.6", "purpose", T, "study.purpose", "treatment"),
    ("1.6", "arms", I, "registration.arm_coding", "Treatment - Drugs"),
    ("1.6", "arms", I, "arms.IRCT-CTL.title", "Frozen embryo transfer without injection"),
    ("1.6", "arms", T, "arms.TD-ME.role", "experimental"),
    ("1.6", "arms", T, "arms.TD-CONV.role", "experimental"),
    ("1.6", "arms", T, "arms.TD-PRP.role", "active_comparator"),
    ("1.6", "characterisation", I, "study.characterisation", "secreted exosomes isolated and identified"),
    ("1.6", "characterisation", T, "study.mandatory_tests", ["S05", "S08", "S19"]),
    ("1.6", "characterisation", T, "study.identical_process_arms", ["TD-ME", "TD-CONV"]),
    ("1.6", "claims", T, "study.claims_severity", "rec"),
    ("1.6", "statistics", T, "statistics.per_arm", 30),
    ("1.6", "statistics", T, "statistics.evaluable_per_arm", 27),
    ("1.6", "statistics", T, "statistics.power", "not given"),
    ("1.6", "statistics", T, "statistics.prp_rationale", "MD 1.23 mm (95 % CI 0.87-1.59); RR of pregnancy 2.04 (1.52-2.76); without reference"),
    ("1.6", "sharing", I, "sharing.decided", False),
    ("1.6", "sharing", T, "sharing.decided", True),
    ("1.6", "sharing", T, "sharing.from_when", "6 months after publication"),
    ("1.6", "sharing", T, "sharing.for_years", 3),
    ("1.6", "sharing", T, "sharing.conditions", ["proposal", "data_use_agreement"]),
    ("1.6", "sharing", T, "sharing.supporting", ["CSR"]),
    ("1.6", "sharing", I, "sharing.export_requires", ["consent_to_sharing", "agreement_on_file"]),
    ("1.6", "sharing", T, "sharing.export_requires", ["consent_to_sharing", "agreement_on_file"]),
    ("1.6", "regulated", T, "registration.fda_regulated_drug", False),
    ("1.6", "regulated", T, "registration.fda_regulated_device", False),
    ("1.6", "regulated", T, "registration.us_export", False),
    *[
        ("1.6", f"visit {name}", I, f"visits.{name}.offset", offset)
        for name, offset in {"collection": "0 d", "injection": "-48 h", "transfer": "0 d",
                             "hcg": "14 d", "ultrasound": "35 d", "sacs": "42 d",
                             "week_20": "140 d", "delivery": "0 d"}.items()
    ],
    ("1.6", "visits of controls", I, "visits.injection.arms", ["IRCT-EXO"]),
    ("1.6", "visits of controls", I, "visits.hcg.arms", ["IRCT-EXO", "IRCT-CTL"]),
    *[
        ("1.6", f"visit {name}", T, f"visits.{name}.offset", offset)
        for name, offset in {"baseline": "0 d", "injection": "4 d", "progesterone": "0 d",
                             "progesterone_7": "7 d", "next_transfer_cycle": "0 d",
                             "hcg": "15 d", "week_5": "35 d", "day_90": "90 d",
                             "year_1": "365 d", "birth": "0 d"}.items()
    ],
    ("1.6", "thickness", T, "outcomes.endometrial_thickness.anchor", "injection"),
    ("1.6", "thickness", T, "outcomes.endometrial_thickness.primary_value", "first qualifying measurement"),
    ("1.6", "wording E5", T, "eligibility.criteria.E5.title", "high risk of hormone-dependent tumour such as breast cancer or ovarian tumours"),
    ("13.3", "one administration", I, "arms.IRCT-EXO.dose.occasions", 1),
    ("13.12", "delivered", I, "arms.IRCT-EXO.dose.delivered_min", "1.9 mL"),
    ("13.12", "delivered", I, "arms.IRCT-EXO.dose.delivered_max", "2.1 mL"),
    ("13.20", "PRP markers", S, "limits.prp.markers_sample_before_draw_max", "30 d"),
    ("13.22", "TD fill", S, "limits.fill.cord_nominal_volume", "1.5 mL"),
    ("13.22", "TD fill", S, "limits.fill.tolerance", "0.1 mL"),
    ("13.30", "control", I, "journey.IRCT-CTL.stages", ["consent", "allocation", "outcome"]),
    ("site", "version", S, "site.version", "1"),
    ("site", "approver", S, "site.approver", "Quality unit (demonstration)"),
    ("site", "date", S, "site.approved_on", date(2026, 1, 15)),
]  # fmt: skip

# 6.6: test -> (unit, EV of IRCT, EV of Tang-Du, PRP); each column as its limit is shown, with
# its severity. None: the column has a dash.
ROWS_66: dict[str, tuple[str | None, str | None, str | None, str | None]] = {
    "S01": (None, "clear / opalescent|stop", "clear / opalescent|stop", "straw|stop"),
    "S02": ("mL", "1.9 mL - 2.1 mL|stop", "1.5 mL - 1.7 mL|stop", "≥ 1 mL|stop"),
    "S03": ("{particles}/mL", "report|rec", "4E10 particles/mL - 6E10 particles/mL|stop", None),
    "S04": ("ug/uL", "16 µg/µL - 24 µg/µL|stop", "report|rec", None),
    "S05": ("nm", "80 nm - 180 nm|warn", "80 nm - 180 nm|warn", None),
    "S05-D50": ("nm", "report|warn", "report|warn", None),
    "S06": ("%", "> 90 %|warn", "> 90 %|warn", None),
    "S07": ("{particles}/ug", "report|warn", "≥ 2E9 particles/µg|warn", None),
    "S08": (None, "conforms|stop", "conforms|stop", None),
    "S09": (None, "match|stop", "match|stop", "match|stop"),
    "S10": ("%", "conforms|stop", "conforms|stop", None),
    "S11": ("%", "≥ 90 %|warn", "≥ 90 %|warn", None),
    "S12": (None, "normal|stop", "normal|stop", None),
    "S13": (None, "no_growth|stop", "no_growth|stop", "no_growth|stop"),
    "S14": ("[IU]/mL", "< 0.5 EU/mL|stop", "< 0.5 EU/mL|stop", None),
    "S15": (None, "negative|stop", "negative|stop", None),
    "S16": ("[pH]", "7 pH - 7.6 pH|stop", "7 pH - 7.6 pH|stop", None),
    "S17": ("mosm/kg", "270 mosm/kg - 340 mosm/kg|stop", "270 mosm/kg - 340 mosm/kg|stop", None),
    "S18": ("ng/mL", "below_loq|warn", "below_loq|warn", None),
    "S19": ("ng/mL", "report|rec", "report|rec", None),
    "S20": (None, "intact_vesicles|warn", "intact_vesicles|warn", None),
    "S21": ("%", "report|warn", "report|warn", None),
    "S22": (None, "complete|stop", "complete|stop", "complete|stop"),
    "S23": ("1", None, None, "≥ 2|warn"),
    "S24": (None, None, "match|stop", None),
}
COLUMNS = ((I, "ev_msc_menstrual"), (T, "ev_msc_cord"), (T, "prp"))


def _document(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


FILES = {name: _document(name) for name in (I, T, S)}
STUDIES = {
    name: protocol.load(
        (FOLDER / f"{name}.toml").read_text(encoding="utf-8"), protocol.demonstration_site()
    )
    for name in (I, T)
}


@pytest.mark.parametrize(
    ("section", "row", "file", "key", "value"),
    ROWS,
    ids=[f"{section}-{file[:4]}-{key}" for section, _row, file, key, _value in ROWS],
)
def test_a_row_of_the_registration_stands_in_its_file(
    section: str, row: str, file: str, key: str, value: Any
) -> None:
    at: Any = FILES[file]
    for part in key.split("."):
        assert part in at, f"{section} {row}: {key} is not in {file}.toml"
        at = at[part]
    assert at == value


@pytest.mark.parametrize("test_id", list(ROWS_66))
def test_a_row_of_the_release_specification_stands_for_each_product(test_id: str) -> None:
    unit, *columns = ROWS_66[test_id]
    for (file, product), expected in zip(COLUMNS, columns, strict=True):
        tests = {each.id: each for each in STUDIES[file].specification(product)}
        found = tests.get(test_id)
        if expected is None:
            assert found is None
            continue
        assert found is not None, f"{product} lacks {test_id}"
        assert f"{found.limit.shown()}|{found.severity}" == expected
        if found.limit.kind is not protocol.LimitKind.ONE_OF:
            assert found.unit == unit


def test_no_specification_holds_a_test_the_table_does_not_know() -> None:
    beyond = {"S06-200", "S18-ALB", "S23-PRP", "S23-BASE"}
    for file, product in COLUMNS:
        ids = {each.id for each in STUDIES[file].specification(product)}
        assert ids <= set(ROWS_66) | beyond


def test_replicates_are_those_of_the_table() -> None:
    wanted = {"S03": 6, "S04": 3, "S05": 3, "S06": 3, "S11": 2, "S14": 2, "S17": 2, "S18": 2,
              "S19": 2, "S21": 3, "S13": 1, "S20": 1}  # fmt: skip
    tests = {each.id: each for each in STUDIES[I].specification("ev_msc_menstrual")}
    assert {name: tests[name].replicates for name in wanted} == wanted


def test_only_the_sterility_of_prp_is_late() -> None:
    late = {
        (product, each.id)
        for file, product in COLUMNS
        for each in STUDIES[file].specification(product)
        if each.late
    }
    assert late == {("prp", "S13")}


def test_rna_is_mandatory_for_tang_du_and_not_for_irct() -> None:
    def mandatory(file: str, product: str) -> bool:
        return next(e for e in STUDIES[file].specification(product) if e.id == "S19").mandatory

    assert mandatory(T, "ev_msc_cord")
    assert not mandatory(I, "ev_msc_menstrual")


def test_totals_are_those_of_the_table() -> None:
    irct = STUDIES[I].arms["IRCT-EXO"].dose
    assert irct is not None
    assert (irct.total_min, irct.total_nominal, irct.total_max) == (
        Quantity("30.4", "mg"),
        Quantity("40", "mg"),
        Quantity("50.4", "mg"),
    )
    dose = STUDIES[T].arms["TD-ME"].dose
    assert dose is not None
    assert (dose.total_min, dose.total_max) == (
        Quantity("4.0E10", "{particles}"),
        Quantity("9.0E10", "{particles}"),
    )


def test_a_study_without_ethics_number_may_only_practise() -> None:
    assert STUDIES[T].activation_requires == ("registration.ethics_number",)
    assert STUDIES[I].activation_requires == ()


def test_no_file_holds_a_telephone_number_or_an_address() -> None:
    for path in FOLDER.glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        assert "@" not in re.sub(r'"@[a-z0-9_.]+"|"@name"', "", text), path.name
        assert not re.search(r"\+\d{2,3}[ -]?\d{2,}|\b0\d{9,}\b", text), path.name


def test_the_panel_is_complete_and_never_a_rule() -> None:
    found = protocol.panel("immunology")
    assert list(found.analytes) == [
        "PNK", "NK12", "UNK", "NKR", "ANG", "AUTO", "MDC", "DC86", "DC200", "DCMAT", "ILT4",
        "GRMDSC", "MOMDSC", "HIF1A", "TREG", "TH", "E2P4", "AAB", "HLA", "PC", "CTLA4", "UNKC",
        "MDSCF", "TWEAK", "KIRG", "VASC", "OXS", "ILC",
    ]  # fmt: skip
    assert found.analytes["HIF1A"].population == "missed against elective abortion"
    text = (FOLDER / "immunology-panel.toml").read_text(encoding="utf-8")
    with pytest.raises(protocol.ProtocolInvalid, match="never a rule"):
        protocol.load_panel(text.replace("eligibility = false", "eligibility = true"))
