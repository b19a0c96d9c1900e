"""A photograph of a label, or a frame of a camera whose browser cannot read codes itself."""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from lims.station import photos

blueprint = Blueprint("photo", __name__)


@blueprint.post("/scan/photo")
def photo() -> ResponseReturnValue:
    """The codes on a picture: none is an answer as well, for a camera looks before it finds.

    It says nothing of what a code is, so whoever has this page's form may ask: a badge is read
    before anybody is signed in.
    """
    picture = request.files.get("photo")
    try:
        return jsonify(codes=photos.read(photos.sent(picture.stream if picture else None)))
    except photos.NoPicture as refusal:
        return jsonify(codes=[], why=refusal.why), 422
