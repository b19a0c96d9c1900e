"""What the dossier refuses."""

from lims.core.errors import BadInput


class NoDossier(BadInput):
    """The file is no dossier: no zip, a member too large or strangely named, a part missing."""

    code = "no_dossier"


class NoKey(BadInput):
    """The file that should hold a public key, or a seal, holds none that can be read."""

    code = "no_key"


class SealBeyond(BadInput):
    """The seal shown cannot be compared: the dossier holds no proof from it or to it."""

    code = "seal_beyond"
