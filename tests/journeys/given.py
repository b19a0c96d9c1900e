"""What both walks enter: results within limits, spins by the method, answers of a fit woman."""

from datetime import date, timedelta
from decimal import Decimal as D
from random import Random

from lims import isolation
from lims.instruments import synthetic
from lims.station.rehearsal.testing import absorbance

STANDARDS = tuple(D(each) for each in (0, 125, 250, 500, 750, 1000, 1500, 2000))
CELLS = {
    "CD73": "99.1", "CD90": "98.7", "CD105": "97.9", "CD45": "0.4", "CD34": "0.3",
    "CD14_or_CD11b": "0.6", "CD19_or_CD79a": "0.2", "HLA-DR": "0.8",
}  # fmt: skip
VESICLES = {
    "CD9": "positive", "CD63": "positive", "CD81": "positive", "TSG101": "positive",
    "ALIX": "positive", "syntenin-1": "positive", "albumin": "negative", "calnexin": "absent",
}  # fmt: skip
# What is entered for each test by hand, as its page asks for it.
RESULTS = {
    "S01": {"value": "clear"},
    "S08": VESICLES,
    "S09": {"value": "match"},
    "S10": CELLS,
    "S12": {"value": "normal"},
    "S13": {"value": "no_growth"},
    "S14": {"value": "<0.05", "unit": "[IU]/mL"},
    "S15": {"value": "negative"},
    "S16": {"value": "7.3", "unit": "[pH]"},
    "S17": {"value": "296", "unit": "mosm/kg"},
    "S18": {"value": "below_loq"},
    "S18-ALB": {"value": "below_loq"},
    "S19": {"value": "118", "unit": "ng/mL"},
    "S20": {"value": "intact_vesicles"},
    "S21": {"value": "104", "unit": "%"},
}
# Days after the fill on which a result is there; the others are known on the first day.
LATER = {"S13": 14, "S15": 28}
MARKERS = ("anti_hiv_1_2", "hbsag", "anti_hbc", "anti_hcv", "syphilis")
NUCLEIC = ("anti_hiv_1_2", "hbsag", "anti_hcv")
_RADIUS_MM = D("91.9")


def particles(sample: str, seed: int = 1) -> bytes:
    """A NanoSight summary of three captures within limits."""
    chance = Random(seed)
    return synthetic.nanosight_file(
        sample=sample,
        captures=[D(520_000 * (1000 + chance.randint(-45, 45))) for _each in range(3)],
        particles_per_frame=D(50),
        mode_nm=D(110),
        d10_nm=D(72),
        d50_nm=D(121),
        d90_nm=D(188),
    )


def protein(sample: str) -> bytes:
    """A BCA plate whose sample holds 1 mg/mL, thinned twenty times."""

    def three(level: D) -> list[D]:
        return [(absorbance(level) + D(each) / 1000).quantize(D("0.001")) for each in (-1, 0, 1)]

    return synthetic.gen5_bca_file(
        sample=sample,
        standards_ug_per_ml=STANDARDS,
        standard_absorbances=[three(level) for level in STANDARDS],
        sample_absorbances=three(D(1000)),
        dilution=D(20),
    )


def ultracentrifugation() -> dict[str, str]:
    """The five steps in one rotor, as the form of the run takes them."""
    spun = {}
    steps = ((300, 10), (2000, 15), (10_000, 30), (100_000, 70), (100_000, 70))
    for step, (force, minutes) in enumerate(steps, 1):
        rpm = isolation.speed_rpm(D(force), _RADIUS_MM / 10).quantize(D(1))
        spun |= {f"rpm_{step}": f"{rpm}", f"minutes_{step}": str(minutes)}
    return {"radius_mm": f"{_RADIUS_MM}", "convention": "rmax", **spun}


def two_spins() -> dict[str, str]:
    """Soft and hard, as the form of PRP takes them."""
    spun = {"radius_mm": "165", "convention": "rmax"}
    for step, (force, minutes) in enumerate(((200, 10), (1200, 12)), 1):
        rpm = isolation.speed_rpm(D(force), D("16.5")).quantize(D(1))
        spun |= {f"rpm_{step}": f"{rpm}", f"minutes_{step}": str(minutes)}
    return spun


def fit(today: date) -> dict[str, object]:
    """What is entered of a woman who may be enrolled in either trial."""
    return {
        "failed_transfer_cycles": 4,
        "good_quality_embryos_transferred": 6,
        "conceived_from_them": False,
        "age": 31,
        "height": ("165", "cm"),
        "weight": ("61", "kg"),
        "measured_on": today,
        "sex": "female",
        "AFC": 11,
        "AMH": ("1.6", "ng/mL"),
        "previous_tcra": True,
        "tcra_date": today - timedelta(days=400),
        "prp_date": today - timedelta(days=200),
        "transfer_cycles": 2,
        "transfer_cycle_thickness": ("5.4", "mm"),
        "infection_found": False,
        "allergy_to_component": False,
        "untreated_submucosal_fibroid": False,
        "fibroid_size": ("0", "cm"),
        "adenomyosis": False,
        "uterine_malformation": False,
        "endometrial_polyps": False,
        "hydrosalpinx_size": ("0", "cm"),
        "significant_vaginal_discharge": False,
        "endometriotic_cyst_size": ("0", "cm"),
        "surgery_date": today + timedelta(days=30),
    }


def born(today: date) -> date:
    """The birth date of somebody who is 31 today and for months to come."""
    return date(today.year - 31, today.month, 1) - timedelta(days=40)
