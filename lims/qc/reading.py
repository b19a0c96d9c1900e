"""Results from instruments' files: read strictly, judged as a measurement, then as results.

The dilution that a file does not record is entered by the analyst, and applied exactly once.
"""

from collections import defaultdict
from decimal import Decimal

from sqlalchemy.orm import Session

from lims import custody, instruments, isolation, studies
from lims.core import clock, codes, db, gate, mode
from lims.core.errors import BadInput
from lims.core.limits import Limits
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import Item, ItemKind
from lims.instruments import NtaSample, PlateSample, Reading
from lims.qc import permissions as may
from lims.qc import queries, rules
from lims.qc.entering import keep, lot_for_testing, test_of, thousandfold_row
from lims.qc.errors import FileKnown, WrongSample
from lims.qc.models import InstrumentFile, Result


@requires(may.ENTER)
def read_particles(
    actor: Actor, *, code: str, file: tuple[str, bytes], dilution: Decimal, reason: str = ""
) -> list[Result]:
    """Read a particle count into the results of a sample's lot: S03, S05, S06.

    Args:
        code: the scanned sample for quality control.
        file: its name and bytes.
        dilution: how many times the sample was thinned; 1 for neat.
        reason: why to go on where the measurement only warns.

    Raises:
        NotReadable: not a file of a known maker, or broken off.
        GateStopped: the measurement cannot be used; measure again.
        FileKnown, WrongSample: imported before; names another sample.
    """
    with db.transaction() as session:
        sample, lot_item, lot = _sample(session, code)
        reading = instruments.read(file[1], file[0], "nta")
        measured = reading.samples[0]
        if not isinstance(measured, NtaSample) or len(reading.samples) != 1:
            raise BadInput(_("The file holds more than one sample."), field="file")
        read = studies.protocol_of(studies.study(session, lot_item.study_id))  # type: ignore[arg-type]
        judged = rules.judge_nta(measured, dilution=dilution, limits=read.limits)
        answer = gate.demand(
            gate.Answer("qc.particles", clock.now(), (*judged.rows, *_thaws(sample, read.limits))),
            codes=[sample.code],
            reasons=reason,
        )
        kept = _keep_file(actor, session, sample, reading, file, measured.name)
        custody.touch(
            actor, sample, "qc.file-read", {"gate": answer.as_record()}, rows=[kept], reason=reason
        )
        shares = judged.shares_percent
        found = {
            "S03": judged.concentration,
            "S05": None if judged.mode_nm is None else Quantity(judged.mode_nm, "nm"),
            "S05-D50": None if judged.d50_nm is None else Quantity(judged.d50_nm, "nm"),
            "S06": _share(shares.get("50-400 nm")),
            "S06-200": _share(shares.get("50-200 nm")),
        }
        details = {
            "captures": len(measured.captures),
            "measured_per_ml": judged.chamber_per_ml,
            "cv_percent": judged.variation_percent,
        }
        return [
            keep(
                actor,
                session,
                lot_item,
                test_of(session, lot_item, lot, test),
                value,
                details=details,
                sample_id=sample.id,
                file_id=kept.id,
                dilution=judged.dilution,
            )
            for test, value in found.items()
            if value is not None and any(each["id"] == test for each in lot.specification)
        ]


def _share(percent: Decimal | None) -> Quantity | None:
    return None if percent is None else Quantity(percent, "%")


@requires(may.ENTER)
def read_protein(
    actor: Actor,
    *,
    code: str,
    file: tuple[str, bytes],
    sample_name: str,
    dilution: Decimal,
    standard_unit: str,
    reason: str = "",
) -> Result:
    """Read a BCA plate into S04.

    Args:
        sample_name: how the plate's layout calls the sample's wells.
        dilution: how many times the sample was thinned before it was pipetted.
        standard_unit: of the standards, which the file does not say.
    """
    with db.transaction() as session:
        sample, lot_item, lot = _sample(session, code)
        reading = instruments.read(file[1], file[0], "plate")
        plate = reading.samples[0]
        if not isinstance(plate, PlateSample) or len(reading.samples) != 1:
            raise BadInput(_("The file holds more than one plate."), field="file")
        standards, wells, wavelength = _absorbances(plate, sample_name, standard_unit)
        read = studies.protocol_of(studies.study(session, lot_item.study_id))  # type: ignore[arg-type]
        judged = rules.judge_bca(
            standards, wells, dilution=dilution, limits=read.limits, wavelength_nm=wavelength
        )
        spec = test_of(session, lot_item, lot, "S04")
        slip = thousandfold_row(spec, judged.concentration) if judged.concentration else ()
        answer = gate.demand(
            gate.Answer(
                "qc.protein", clock.now(), (*judged.rows, *slip, *_thaws(sample, read.limits))
            ),
            codes=[sample.code],
            reasons=reason,
        )
        if judged.concentration is None:
            raise BadInput(_("No concentration follows from this plate; measure again."))
        kept = _keep_file(actor, session, sample, reading, file, sample_name)
        custody.touch(
            actor, sample, "qc.file-read", {"gate": answer.as_record()}, rows=[kept], reason=reason
        )
        return keep(
            actor,
            session,
            lot_item,
            spec,
            judged.concentration,
            details={
                "wells": len(wells),
                "measured_ug_per_ml": judged.measured_ug_per_ml,
                "cv_percent": judged.variation_percent,
            },
            sample_id=sample.id,
            file_id=kept.id,
            dilution=judged.dilution,
        )


def _absorbances(
    plate: PlateSample, sample_name: str, unit: str
) -> tuple[dict[Decimal, list[Decimal]], list[Decimal], int | None]:
    """Standards by level in ug/mL, the sample's wells, and where the plate was read.

    Raises:
        BadInput: the layout has no such sample, or a well of it was not read.
    """
    values = {well.well: well for well in plate.wells}
    levels: dict[Decimal, list[Decimal]] = defaultdict(list)
    for standard in plate.standards:
        level = Quantity(standard.value, standard.unit or unit).to("ug/mL", "standard_unit").value
        measured = [values[name].value for name in standard.wells]
        levels[level] += [each for each in measured if each is not None]
    blanks = [
        well.value
        for well in plate.wells
        if (well.well_id or "").upper().startswith("BLK") and well.value is not None
    ]
    if blanks:
        levels[Decimal(0)] += blanks
    # `SPL1:2` is a second dilution of `SPL1` made on the plate; only the neat wells are taken.
    named = [
        well
        for well in plate.wells
        if (well.well_id or "") == sample_name
        or ((well.well_id or "").split(":")[0] == sample_name and well.conc_dil == 1)
    ]
    read = [well.value for well in named if well.value is not None and well.flag is None]
    if not named or len(read) != len(named):
        raise BadInput(
            _(
                "The plate has no wells of %(name)s that were all read; check the name in its "
                "layout.",
                name=sample_name,
            ),
            field="sample_name",
        )
    return dict(levels), read, named[0].wavelength_nm


def _sample(session: Session, code: str) -> tuple[Item, Item, isolation.Lot]:
    sample = custody.find(session, code, kinds=[ItemKind.QC_SAMPLE], lock=True)
    # A sample may be an aliquot of another; one taken before there was a lot tests none.
    lots = [each for each in custody.ancestors(session, [sample.id]) if each.kind is ItemKind.LOT]
    if not lots:
        raise BadInput(
            _("%(code)s is a sample of no lot.", code=codes.grouped(sample.code)), field="code"
        )
    lot_item, lot = lot_for_testing(session, lots[0].code)
    return sample, lot_item, lot


def _thaws(sample: Item, limits: Limits) -> tuple[gate.Row, ...]:
    """A warning where the sample was thawed more often than a dose is (domain.md 6.8)."""
    if not sample.thaw_count:
        return ()
    return (custody.judge_thaws(sample.kind, sample.thaw_count, limits),)


def _keep_file(
    actor: Actor,
    session: Session,
    sample: Item,
    reading: Reading,
    file: tuple[str, bytes],
    named: str | None,
) -> InstrumentFile:
    before = queries.file_by_digest(session, reading.sha256)
    if before is not None:
        raise FileKnown(
            _(
                "This file was imported on %(date)s as %(name)s; results are read from it once.",
                date=clock.printed(before.imported_at),
                name=before.name,
            ),
            field="file",
        )
    instruments.admit(reading, practice=mode.is_practice(session))
    if named and codes.valid(named) and codes.parse(named).code != sample.code:
        raise WrongSample(
            _(
                "The file names the sample %(named)s, but %(scanned)s was scanned. "
                "Find the file of this sample.",
                named=codes.grouped(codes.parse(named).code),
                scanned=codes.grouped(sample.code),
            ),
            field="file",
        )
    row = InstrumentFile(
        sha256=reading.sha256,
        name=file[0][:200],
        kind=reading.kind.value,
        maker=reading.maker,
        parser_version=instruments.PARSER_VERSION,
        reading=reading.as_json(),
        content=file[1],
        sample_id=sample.id,
        imported_at=clock.now(),
        imported_by=actor.person,
    )
    session.add(row)
    session.flush()
    return row
