"""In quality control: files in the makers' layouts, results entered, reviewed, released."""

from decimal import Decimal

from lims import custody, qc, release
from lims.core import db
from lims.custody import ItemKind
from lims.instruments import synthetic
from lims.station.rehearsal.stage import Stage, Walk, days, hours, minutes

D = Decimal
_STANDARDS = tuple(D(each) for each in (0, 125, 250, 500, 750, 1000, 1500, 2000))
_BLANK = D("0.092")
_CELLS = {
    "CD73": "99.1", "CD90": "98.7", "CD105": "97.9", "CD45": "0.4", "CD34": "0.3",
    "CD14_or_CD11b": "0.6", "CD19_or_CD79a": "0.2", "HLA-DR": "0.8",
}  # fmt: skip
_VESICLES = {
    "CD9": "positive", "CD63": "positive", "CD81": "positive", "TSG101": "positive",
    "ALIX": "positive", "syntenin-1": "positive", "albumin": "negative", "calnexin": "absent",
}  # fmt: skip
# test -> value, unit
_FIRST_DAY = {
    "S01": ("clear", ""),
    "S12": ("normal", ""),
    "S14": ("<0.05", "[IU]/mL"),
    "S16": ("7.3", "[pH]"),
    "S17": ("296", "mosm/kg"),
    "S18": ("below_loq", ""),
    "S18-ALB": ("below_loq", ""),
    "S19": ("118", "ng/mL"),
    "S20": ("intact_vesicles", ""),
    "S21": ("104", "%"),
}


def absorbance(ug_per_ml: Decimal) -> Decimal:
    """A BCA plate's answer to a protein concentration: the quadratic of the test vector."""
    curve = (
        D("-3.85061E-8") * ug_per_ml * ug_per_ml + D("1.035066E-3") * ug_per_ml + D("0.00321077")
    )
    return (curve if ug_per_ml else D(0)) + _BLANK


def particle_file(stage: Stage, sample: str, per_ml: Decimal) -> tuple[str, bytes]:
    """A NanoSight summary of three captures within limits."""
    chance = stage.chance
    captures = [
        (per_ml * (1000 + chance.randint(-45, 45)) / 1000).quantize(D(1)) for _each in range(3)
    ]
    return f"{sample}.csv", synthetic.nanosight_file(
        sample=sample,
        captures=captures,
        particles_per_frame=D(chance.randint(38, 62)),
        mode_nm=D(chance.randint(96, 124)),
        d10_nm=D(72),
        d50_nm=D(chance.randint(116, 132)),
        d90_nm=D(188),
    )


def protein_file(stage: Stage, sample: str, ug_per_ml: Decimal) -> tuple[str, bytes]:
    """A BCA plate in triplicate."""
    chance = stage.chance

    def three(level: Decimal) -> list[Decimal]:
        return [
            (absorbance(level) + D(chance.randint(-2, 2)) / 1000).quantize(D("0.001"))
            for _each in range(3)
        ]

    return f"{sample}.txt", synthetic.gen5_bca_file(
        sample=sample,
        standards_ug_per_ml=_STANDARDS,
        standard_absorbances=[three(level) for level in _STANDARDS],
        sample_absorbances=three(ug_per_ml),
        dilution=D(20),
    )


def _sample(lot: str) -> str:
    with db.reading() as session:
        item = custody.find(session, lot)
        return qc.samples_of(session, item.id, ItemKind.QC_SAMPLE)[0].code


def assay_vesicles(stage: Stage, lot: str) -> Walk:
    """Every test of a vesicle lot, then a second person's review."""
    first_day(stage, lot)
    yield days(14)
    stage.do("ana", qc.enter, code=lot, test="S13", value="no_growth")
    yield days(14)
    stage.do("ana", qc.enter, code=lot, test="S15", value="negative")
    yield hours(3)
    stage.sign("quin", qc.review, code=lot)
    stage.do("quin", qc.submit, code=lot)
    yield days(2)


def assay_unsterile(stage: Stage, lot: str, *, rejected: bool) -> Walk:
    """A lot in whose culture something grows: out of specification, and rejected where so said."""
    first_day(stage, lot)
    yield days(14)
    stage.do("ana", qc.enter, code=lot, test="S13", value="growth")
    if not rejected:
        return
    yield days(6)
    with db.reading() as session:
        found = qc.findings_of(session, [custody.find(session, lot).id])
        reference = next(each.reference for each in found if each.closed_at is None)
    cause = "the retained sample grew the same organism"
    how = {"reference": reference, "cause": cause, "laboratory_error": False}
    stage.sign("quin", qc.close_finding, **how)
    yield days(1)
    stage.sign("rosa", release.reject, code=lot, reason=f"not sterile: {cause}")


def first_day(stage: Stage, lot: str) -> None:
    """What is known of a vesicle lot on the day after its fill."""
    sample = _sample(lot)
    stage.do(
        "ana",
        qc.read_particles,
        code=sample,
        file=particle_file(stage, sample, D("5.2E8")),
        dilution=D(100),
    )
    stage.do(
        "ana",
        qc.read_protein,
        code=sample,
        file=protein_file(stage, sample, D(stage.chance.randint(940, 1080))),
        sample_name="SPL1",
        dilution=D(20),
        standard_unit="ug/mL",
    )
    for test, (value, unit) in _FIRST_DAY.items():
        stage.do("ana", qc.enter, code=lot, test=test, value=value, unit=unit)
    stage.do("ana", qc.enter, code=lot, test="S09", value="match")
    stage.do("ana", qc.enter, code=lot, test="S08", value="", components=_VESICLES)
    stage.do("ana", qc.enter, code=lot, test="S10", value="", components=_CELLS)
    stage.do("ana", qc.derive, code=lot)


def assay_plasma(stage: Stage, lot: str) -> Walk:
    """What can be known of plasma before it is given."""
    for test, value, unit in (
        ("S01", "straw", ""),
        ("S09", "match", ""),
        ("S23-PRP", str(stage.chance.randint(900, 1100)), "10*9/L"),
        ("S23-BASE", str(stage.chance.randint(210, 260)), "10*9/L"),
    ):
        stage.do("ana", qc.enter, code=lot, test=test, value=value, unit=unit)
    stage.do("ana", qc.derive, code=lot)
    yield minutes(10)
    stage.sign("quin", qc.review, code=lot)
    stage.do("quin", qc.submit, code=lot)
    yield minutes(5)


def sign_off(stage: Stage, lot: str) -> None:
    """Released by a person who did nothing else on it."""
    stage.sign(
        "rosa",
        release.release,
        code=lot,
        meaning="released",
        reason="purity band reported; the trial sets no limit that stops",
    )
