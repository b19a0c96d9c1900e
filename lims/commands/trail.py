"""Sealing on the command line (`lims ledger seal` and its keys), and `lims witness`."""

from pathlib import Path

import click

from lims.commands.records import ledger_
from lims.core import console
from lims.core.errors import BadInput, Conflict
from lims.core.words import Text as _


@ledger_.command("seal")
@console.as_json
def seal(as_json: bool) -> int:
    """Seal what no seal covers yet, and have it co-signed where there is a witness."""
    from lims import ledger

    done = ledger.seal()
    witnessed = ledger.ask_witness()
    document = {
        "number": done.number,
        "size": done.size,
        "root": done.root.hex(),
        "new": done.new,
        "witnessed": witnessed is not None and not witnessed.why,
        "why_not": witnessed.why if witnessed else "",
    }
    lines = [f"seal {done.number} over {done.size} entries, {done.new} of them new"]
    lines.append(f"root {done.root.hex()}")
    if witnessed is not None:
        lines.append(f"not co-signed: {witnessed.why}" if witnessed.why else "co-signed")
    console.answer(document, as_json, *lines)
    return 0


@ledger_.command("rotate-key")
@click.option(
    "--new",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of the new key, where the operator keeps the keys.",
)
@click.option("--reason", default="", help="Why; it stands in the trail.")
@console.as_json
def rotate_key(new: Path | None, reason: str, as_json: bool) -> int:
    """Seal under a new key from now on; the old one signs the new one and nothing after that."""
    from lims import ledger

    public = ledger.rotate_key(console.actor(), new_file=new, reason=reason)
    lines = [f"seals are signed by {public.kid} from now on"]
    if new is not None:
        lines.append(f"set LIMS_SEAL_KEY_FILE to {new}, start the workers anew, destroy the old")
    console.answer({"kid": public.kid, "public": public.x}, as_json, *lines)
    return 0


@ledger_.command("new-key")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@console.as_json
def new_key(file: Path, as_json: bool) -> int:
    """Make a key for seals in FILE; a file that is there already is left alone."""
    from lims.ledger import keys

    if file.exists():
        raise Conflict(_("%(file)s is there already; name another file.", file=file), field="file")
    keys.make_file(file)
    public = keys.read_file(file, None).public
    console.answer({"kid": public.kid, "public": public.x}, as_json, f"key {public.kid} in {file}")
    return 0


@click.command("witness")
@click.option("--listen", default="127.0.0.1:8765", show_default=True, metavar="HOST:PORT")
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of the witness's own key; made where it is missing.",
)
@click.option(
    "--state",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File in which it remembers what it signed.",
)
@click.option(
    "--log-key",
    "log_keys",
    multiple=True,
    help="Public key of a ledger to sign for; without any, the first seal of each is believed.",
)
@console.as_json
def witness(listen: str, key: Path, state: Path, log_keys: tuple[str, ...], as_json: bool) -> int:
    """Co-sign the seals of ledgers that only grow. Run it at another's place, by other hands."""
    from lims.ledger import keys, witnessing
    from lims.ledger.signatures import BadSignature, PublicKey

    host, _colon, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise BadInput(_("--listen is %(text)s; write HOST:PORT.", text=listen), field="listen")
    if not key.exists():
        keys.make_file(key)
    own = keys.read_file(key, None)
    try:
        pinned = [PublicKey(each) for each in log_keys]
    except BadSignature as wrong:
        raise BadInput(
            _("--log-key is no public key (%(why)s); copy it again.", why=str(wrong)),
            field="log_keys",
        ) from wrong
    try:
        server = witnessing.server(witnessing.Witness(own, state, pinned), host, int(port))
    except ValueError as wrong:
        raise BadInput(
            _("%(why)s; put back the file, since a witness that forgot is none.", why=str(wrong)),
            field="state",
        ) from wrong
    address = f"http://{host}:{server.server_address[1]}"
    console.answer(
        {"ready": address, "public": own.public.x, "kid": own.public.kid, "pinned": len(pinned)},
        as_json,
        f"lims: witness ready on {address}",
        f"LIMS_WITNESS_KEY={own.public.x}",
        f"believes {len(pinned)} ledger keys"
        if pinned
        else "no --log-key: the first seal of each ledger is believed",
    )
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0
