"""What the page of a dossier says, in the reader's language."""

from collections.abc import Mapping

from lims.core.words import Text as _

SAID: Mapping[str, _] = {
    "title": _("Dossier of a dose"),
    "practice": _("PRACTICE - not for human use"),
    "checking": _("Checking…"),
    "valid": _("VALID"),
    "unwitnessed": _("VALID BUT UNWITNESSED"),
    "invalid": _("INVALID"),
    "as_of": _("as of %(time)s"),
    "valid_about": _(
        "The trail of this dose stood exactly like this when it was sealed. A witness outside of "
        "the laboratory saw that seal, and a key that you brought yourself vouches for it."
    ),
    "unwitnessed_about": _(
        "Nothing was changed since this trail was sealed. But nobody outside of the laboratory has "
        "co-signed the seal, so the laboratory itself could have written everything anew."
    ),
    "no_key_about": _(
        "Nothing was changed since this trail was sealed. It is co-signed, but by keys that only "
        "this file names. Compare them with a key from elsewhere: give it below."
    ),
    "invalid_do": _(
        "Do not rely on this file, and give nothing because of it. Call whoever released the lot, "
        "and ask for the dossier once more."
    ),
    "nothing_checked": _("Nothing could be checked."),
    "checks": _("What was checked"),
    "by_hand": _(
        "This browser has no Ed25519 of its own; signatures were checked by the page's arithmetic."
    ),
    "outside": _("A key from outside"),
    "outside_about": _(
        "Paste or open a public key that you have from elsewhere: the witness's, or the "
        "laboratory's as it was printed or published."
    ),
    "open_key": _("Open a file"),
    "check_again": _("Check with this key"),
    "signed_by": _("Signed by the keys"),
    "dose": _("Dose"),
    "lot": _("Lot"),
    "study": _("Study"),
    "recipient": _("Participant"),
    "arm": _("Arm"),
    "donor": _("Donor"),
    "own": _("(herself)"),
    "state": _("State"),
    "given_at": _("Given at"),
    "not_given": _("not given"),
    "made_at": _("Dossier made"),
    "sealed": _("Seal"),
    "seal_number": _("number %(number)s over %(size)s entries"),
    "entries": _("Entries"),
    "entries_in": _("%(entries)s in %(streams)s streams"),
    "origin": _("Installation"),
    "software": _("Software"),
    "holds": _("Holds"),
    "on_hold": _("on hold"),
    "lifted": _("lifted %(time)s"),
    "lineage": _("Lineage"),
    "signatures": _("Signatures"),
    "answers": _("What the gates answered"),
    "rows_passed": _("%(passed)s of %(all)s rows passed"),
    "trail": _("Trail"),
    "main_events": _("What matters most"),
    "all_events": _("Every entry"),
    "answers_entry": _("answers entry %(number)s"),
    "answered_by": _("undone or corrected by entry %(number)s"),
    "files": _("Papers and files"),
    "files_about": _("Each lies in the zip; its SHA-256 is in the sealed entries."),
    "evidence": _("file of an instrument: %(kind)s"),
    "withheld": _("not enclosed, its digest only"),
    "limits": _(
        "This proves that these entries existed when they were sealed and were not changed since. "
        "It does not prove that what was entered is true."
    ),
    "paper_only": _(
        "No name of a participant or donor is in this file: they stand by number. The PDF beside "
        "it is for reading; only this page and the two verifiers check."
    ),
    "c_none": _("This browser can check nothing: it has no WebCrypto here."),
    "c_page": _("The page's own data is whole"),
    "c_bytes": _("Every entry is in its exact bytes"),
    "c_chains": _("Every chain is without a gap from its first entry on"),
    "c_named": _("Entries that name each other are here"),
    "c_keys": _("Every key of the seal follows from the one before it"),
    "c_seal": _("The seal is signed by its key"),
    "c_tree": _("Every entry is in the sealed tree"),
    "c_related": _("Other seals in it are of the same growing tree"),
    "c_witness": _("Every co-signature is of its witness, over this seal"),
    "c_outside": _("A key from outside vouches for it"),
    "c_stated": _("Nothing was left out of what it was stated to hold"),
    "c_gates": _("Whoever released and gave it was told yes, or a deviation says otherwise"),
    "c_people": _("Donor, recipient and the people at the bed are who they must be"),
}
