"""What comes in with a dose that is entered from paper, in the order of the sheet."""

from lims import custody, studies
from lims.core import db
from lims.core.words import Text as _
from lims.custody import ItemKind
from lims.dosing.facts_product import Kept
from lims.dosing.schemas import KEPT, SeenIn, given_at_sites, not_given, tools
from lims.web import fields


class WhoIn(fields.Shape):
    """The head of the sheet: who she is, by number and band."""

    participant = fields.Words(
        longest=40,
        required=True,
        label=_("Participant it was given to"),
        help=_("Her number, as on the sheet."),
    )
    checked_at = fields.Moment(required=True, label=_("Check on paper begun"))
    band = fields.Words(
        longest=20,
        label=_("Wristband, as the person giving wrote it"),
        help=_("Leave empty what is not on the sheet; it counts as not looked at."),
    )
    name_agrees = fields.Flag(label=_("Did she say the name of the record?"))
    birth_date_agrees = fields.Flag(label=_("Did she say the birth date of the record?"))


class PaperIn(SeenIn, WhoIn):
    """The whole sheet, and both signatures."""

    thawed_at = fields.Moment(
        label=_("Thawed"), help=_("Only where the thaw itself is on paper alone.")
    )
    thawed_by = fields.Words(longest=100, label=_("Thawed by (user name)"))
    kept = fields.Choice(Kept, KEPT, label=_("Kept after the thaw"))
    drawn_up_at = fields.Moment(label=_("Drawn up"))
    draw_up_witnessed = fields.Flag(label=_("Did the second person watch the drawing up?"))
    witness_band = fields.Words(longest=20, label=_("Wristband, as the second person wrote it"))
    witness_dose = fields.Words(longest=20, label=_("Dose, as the second person wrote it"))
    # A secret, so that no page shows it again and no digest is made of it.
    figures = fields.Secret(
        label=_("The four figures printed large on the label"),
        help=_("The second person reads them off the empty container."),
    )
    started_at = fields.Moment(required=True, label=_("Injection started"))
    ended_at = fields.Moment(required=True, label=_("Injection ended"))
    sites = given_at_sites()
    residual = not_given(_("Left in device and container"))
    wasted = not_given(_("Spilt or wasted"))
    reason = fields.Words(
        required=True, lines=True, label=_("Why was it not entered at the bedside?")
    )
    sheet = fields.File(
        accept=".pdf,.png,.jpg,.jpeg",
        label=_("The sheet, scanned"),
        help=_("PDF, PNG or JPEG. No name may stand on it."),
    )
    operator = fields.Words(longest=100, required=True, label=_("Who gave it (user name)"))
    operator_password = fields.Secret(required=True, label=_("Her password, to sign"))
    witness = fields.Words(longest=100, required=True, label=_("Second person (user name)"))
    witness_password = fields.Secret(
        required=True, label=_("Password of the second person, to sign")
    )


def paper_of(code: str) -> fields.Shape:
    """The form for one dose, with the devices and routes of its trial.

    Raises:
        ItemUnknown: no dose carries this code.
    """
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.DOSE])
        read = studies.protocol_of(studies.study(session, item.study_id))  # type: ignore[arg-type]
    arms = [each for each in read.arms.values() if each.dose is not None]
    entered = dict(PaperIn().fields)
    entered |= tools(
        [each.device for each in arms if each.device],
        {each.route: each.route_title for each in arms if each.route},
        required=False,
    )
    shape: type[fields.Shape] = fields.Shape.from_dict(  # type: ignore[assignment]
        entered, name="PaperIn"
    )
    return shape()
