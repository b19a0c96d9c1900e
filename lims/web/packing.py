"""The program's own files are sent packed: a page stays light on the network of a cold room.

Only these: they hold nothing of anybody. What a page says is never packed, since its length would
tell of its secrets (BREACH).
"""

import gzip

from flask import Flask, Response, request

_TEXTS = frozenset({"text/css", "text/javascript", "application/javascript", "image/svg+xml"})
_packed: dict[str, bytes] = {}


def install(app: Flask) -> None:
    """Pack what is asked for where the browser can unpack it, once for each version of a file."""

    @app.after_request
    def pack(response: Response) -> Response:
        etag, _weak = response.get_etag()
        if request.endpoint != "static" or response.mimetype not in _TEXTS or etag is None:
            return response
        response.vary.add("Accept-Encoding")
        if response.status_code != 200 or not request.accept_encodings["gzip"]:
            return response
        response.direct_passthrough = False
        if etag not in _packed:
            _packed[etag] = gzip.compress(response.get_data(), 9, mtime=0)
        response.close()  # the file itself is not sent
        response.set_data(_packed[etag])
        response.headers["Content-Encoding"] = "gzip"
        response.set_etag(etag, weak=True)  # the same file, in other bytes
        return response
