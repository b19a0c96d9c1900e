"""In the laboratory: cells grown, vesicles isolated, a lot filled; or plasma, the same day."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from lims import collection, culture, custody, isolation, labels, studies
from lims.core import clock, db
from lims.core.units import Quantity
from lims.station.rehearsal.leaving import print_labels
from lims.station.rehearsal.stage import Stage, Walk, Woman, days, hours, minutes

D = Decimal
_MEDIUM = {"medium": "alpha-MEM, 10 % hPL", "medium_lot": "MED-2291"}


def _until() -> Any:
    return (clock.now() + timedelta(days=200)).date()


def receive(stage: Stage, code: str, volume: str | None) -> None:
    """A specimen arrives in order."""
    stage.do(
        "tara",
        collection.receive,
        code=code,
        decision=collection.Decision.ACCEPT,
        received_at=clock.now() - minutes(5),
        label_matches=True,
        seal_intact=True,
        leaked=False,
        temperature_min=Quantity("3", "Cel"),
        temperature_max=Quantity("7", "Cel"),
        appearance="dark red, no odour" if volume else "white, firm",
        clots=False,
        volume=Quantity(volume, "mL") if volume else None,
    )


def cup(stage: Stage, woman: Woman) -> Iterator[timedelta]:
    """A kit for her, her cup, her blood for the tests; the tube arrives in the laboratory."""
    kit = stage.do(
        "tara",
        collection.prepare_kit,
        study=stage.study,
        device_lot=f"CUP-{stage.chance.randint(100, 999)}",
        device_expires_on=_until(),
    )["code"]
    yield days(1)
    her = {"stated_name": woman.name, "stated_birth_date": woman.birth_date}
    tube = stage.do("clea", collection.issue_kit, code=kit, participant=woman.number, **her)["code"]
    yield days(6)
    stage.do(
        "clea",
        collection.collect,
        kit=kit,
        code=tube,
        collected_at=clock.now() - minutes(5),
        cycle_day=2,
        cup_in_place=Quantity("3.5", "h"),
        active_infection=False,
        medium="PBS, penicillin, streptomycin, amphotericin B",
        medium_lot="TRM-118",
        medium_expires_on=_until(),
        **her,
    )
    blood = blood_for_tests(stage, woman)
    woman.items += [kit, tube, blood]
    yield hours(5)
    receive(stage, tube, str(D(stage.chance.randint(60, 90)) / 10))
    receive(stage, blood, "8")
    yield hours(20)
    markers(stage, blood)


def blood_for_tests(stage: Stage, woman: Woman) -> str:
    """A tube of blood for the infectious markers."""
    made = stage.do(
        "clea",
        collection.collect_blood,
        participant=woman.number,
        purpose=collection.SpecimenKind.TEST_BLOOD,
        stated_name=woman.name,
        stated_birth_date=woman.birth_date,
        drawn_at=clock.now() - minutes(3),
        volume=Quantity("8", "mL"),
        anticoagulant="none",
        anticoagulant_lot="SST-77",
    )
    return str(made["code"])


def from_a_donor(stage: Stage, donor: str) -> tuple[str, str]:
    """The mother's blood and the cord."""
    with db.reading() as session:
        known = studies.open_identity(session, studies.subject_by_number(session, donor))
    blood = stage.do(
        "clea",
        collection.collect_blood,
        participant=donor,
        purpose=collection.SpecimenKind.TEST_BLOOD,
        stated_name=known["name"],
        stated_birth_date=date.fromisoformat(known["birth_date"]),
        drawn_at=clock.now() - minutes(3),
        volume=Quantity("8", "mL"),
        anticoagulant="none",
        anticoagulant_lot="SST-77",
    )["code"]
    cord = stage.do(
        "clea",
        collection.collect_cord,
        donor=donor,
        collected_at=clock.now() - minutes(10),
        length=Quantity("22", "cm"),
        medium_lot="PBS-31",
    )["code"]
    return str(blood), str(cord)


def markers(stage: Stage, blood: str) -> None:
    """Every required marker negative, nucleic acids among them."""
    for marker in ("anti_hiv_1_2", "hbsag", "anti_hbc", "anti_hcv", "syphilis"):
        stage.do(
            "ana",
            collection.record_marker,
            code=blood,
            marker=marker,
            state=collection.MarkerState.NEGATIVE,
            material="serum",
            sampled_at=clock.now() - hours(20),
            nucleic_acid=marker in ("anti_hiv_1_2", "hbsag", "anti_hcv"),
        )


def grow(
    stage: Stage, tube: str, *, route: str, lines: int = 1, wide: int = 3
) -> Iterator[timedelta | list[list[str]]]:
    """From a specimen to P3 vessels.

    Args:
        lines: how many cultures run beside each other (stretched and static sisters).
        wide: vessels of each line at P3.

    Yields:
        Pauses, and at last the P3 vessels of each line.
    """
    flask = stage.do(
        "tara",
        culture.isolate,
        code=tube,
        route=route,
        vessel="T75",
        area_cm2=D(75),
        medium_expires_on=_until(),
        antibiotic=True,
        nucleated_cells=None if route == "explant" else 200_000,
        **_MEDIUM,
    )["code"]
    yield days(10) if route == "explant" else hours(120)
    first = _passage(stage, flask, 1_600_000, [500_000], "T175")
    yield hours(84)
    second = _passage(stage, first[0], 3_200_000, [500_000] * min(lines + 1, 3), "T175")
    yield hours(80)
    vessels: list[list[str]] = []
    for line in range(lines):
        vessels.append(_passage(stage, second[line], 4_300_000, [700_000] * wide, "T175"))
    yield hours(60)
    yield vessels


def _passage(stage: Stage, flask: str, living: int, seeded: list[int], vessel: str) -> list[str]:
    viability = D(stage.chance.randint(930, 975)) / 10
    made = stage.do(
        "tara",
        culture.passage,
        code=flask,
        total_cells=int(living * 100 / viability),
        viability_percent=viability,
        confluence_percent=D(stage.chance.randint(72, 80)),
        seeded=seeded,
        vessel=vessel,
        area_cm2=D(175),
        medium_expires_on=_until(),
        antibiotic=False,
        **_MEDIUM,
    )
    return [each["code"] for each in made]


def harvest(stage: Stage, flasks: list[str]) -> str:
    """Conditioned medium of 48 h."""
    return str(
        stage.do(
            "tara",
            culture.harvest,
            flasks=flasks,
            medium_kind="serum_free",
            washes=3,
            started_at=clock.now() - hours(48),
            ended_at=clock.now() - minutes(10),
            total_cells=4_000_000 * len(flasks),
            viability_percent=D(stage.chance.randint(935, 965)) / 10,
            confluence_percent=D(82),
            volume=Quantity(20 * len(flasks), "mL"),
        )["code"]
    )


def stretch(stage: Stage, flasks: list[str], sister: str) -> None:
    """Cyclic stretch of every vessel of a line, a static sister beside it."""
    for flask in flasks:
        stage.do(
            "teo",
            culture.precondition,
            code=flask,
            modality="cyclic_stretch",
            parameters={
                "strain": "10 %",
                "frequency": "0.5 Hz",
                "axis": "uniaxial",
                "time_per_day": "8 h",
            },
            device="Stretch bioreactor SB-4",
            calibrated_on=(clock.now() - days(40)).date(),
            substrate="silicone",
            coating="fibronectin",
            started_at=clock.now() - hours(24),
            ended_at=clock.now() - minutes(20),
            duty_on=Quantity("3", "h"),
            duty_off=Quantity("9", "h"),
            during_harvest=False,
            static_sister=sister,
        )


def isolate(stage: Stage, pool: str, volume: str) -> str:
    """Differential ultracentrifugation."""
    spins = []
    for step, force, radius, time in (
        ("1", 300, 165, 10),
        ("2", 2000, 165, 15),
        ("3", 10_000, "91.9", 30),
        ("4", 100_000, "91.9", 70),
        ("5", 100_000, "91.9", 70),
    ):
        rpm = isolation.speed_rpm(D(force), D(radius) / 10)
        spins.append(
            isolation.Spin(
                step, rpm.quantize(D(1)), D(radius), isolation.RadiusConvention.RMAX, D(time)
            )
        )
    return str(
        stage.do(
            "tara",
            isolation.isolate_vesicles,
            code=pool,
            method="ultracentrifugation",
            spins=spins,
            rotor="fixed angle 70, serial 1147",
            formulation="PBS, 5 % sucrose",
            started_at=clock.now() - hours(5),
            ended_at=clock.now() - minutes(5),
            volume=Quantity(volume, "mL"),
        )["code"]
    )


def fill(stage: Stage, lot: str, doses: list[str], *, qc: str, retained: str) -> list[str]:
    """A lot into vials; a little stays in the pipette."""
    made = stage.do(
        "tara",
        isolation.fill,
        code=lot,
        doses=[Quantity(each, "mL") for each in doses],
        qc=Quantity(qc, "mL"),
        retained=Quantity(retained, "mL"),
        waste=Quantity("0.02", "mL"),
    )
    vials = [each["code"] for each in made]
    close(stage, lot)
    place = _room_for(stage, len(vials))
    for vial in vials:
        stage.do("tara", custody.put, code=vial, to=place)
    return vials


def _room_for(stage: Stage, vials: int) -> str:
    """A box of their own for the vials of a large lot; the first box for a few."""
    if not stage.boxes:
        return stage.places["freezer"]
    return stage.boxes.pop() if vials > 6 else stage.boxes[0]


def close(stage: Stage, lot: str) -> None:
    """The labels of a fill come out, are stuck on and scanned back; then the fill is closed."""
    print_labels()
    with db.reading() as session:
        printed = isolation.labels_of(session, custody.find(session, lot)).open
        symbols = [labels.live_symbol(session, each) for each in printed]
    for symbol in symbols:
        stage.do("tara", labels.stick, scanned=symbol)
    stage.do("tara", isolation.close_fill, code=lot)


def plasma(stage: Stage, woman: Woman) -> Walk:
    """Her blood, two spins, one syringe's worth: all within two hours."""
    blood = stage.do(
        "clea",
        collection.collect_blood,
        participant=woman.number,
        purpose=collection.SpecimenKind.PRP_BLOOD,
        stated_name=woman.name,
        stated_birth_date=woman.birth_date,
        drawn_at=clock.now(),
        volume=Quantity("30", "mL"),
        anticoagulant="acd_a",
        anticoagulant_lot="ACD-510",
    )["code"]
    woman.items.append(blood)
    yield minutes(10)
    receive(stage, blood, None)
    yield minutes(30)
    spins = [
        isolation.Spin(
            step,
            isolation.speed_rpm(D(force), D(165) / 10).quantize(D(1)),
            D(165),
            isolation.RadiusConvention.RMAX,
            D(time),
        )
        for step, force, time in (("soft", 200, 10), ("hard", 1200, 12))
    ]
    lot = stage.do(
        "tara",
        isolation.prepare_prp,
        code=blood,
        spins=spins,
        rotor="swing-out 4, serial 88",
        started_at=clock.now() - minutes(25),
        ended_at=clock.now() - minutes(1),
        volume=Quantity("2.6", "mL"),
    )
    woman.items.append(lot["code"])
    woman.lot = lot["code"]
    vials = stage.do(
        "tara",
        isolation.fill,
        code=lot["code"],
        doses=[Quantity("1.7", "mL")],
        qc=Quantity("0.5", "mL"),
        retained=Quantity("0.35", "mL"),
        waste=Quantity("0.02", "mL"),
    )
    close(stage, lot["code"])
    woman.dose = vials[0]["code"]
    woman.items.append(woman.dose)
    yield minutes(5)
