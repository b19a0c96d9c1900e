"""`lims serve` and `lims worker`: the processes of an installation."""

import click

from lims.core import console


@click.command("serve")
@click.option("--host", default="127.0.0.1", envvar="LIMS_HOST", show_default=True)
@click.option(
    "--port", default=8000, envvar="LIMS_PORT", show_default=True, type=click.IntRange(0, 65535)
)
@console.as_json
def serve(host: str, port: int, as_json: bool) -> int:
    """The web; with the worker inside when no broker is set. Ends on SIGTERM and Ctrl-C."""
    from lims import serve as serving
    from lims import settings

    def ready(address: str) -> None:
        console.answer({"ready": address}, as_json, f"lims: ready on {address}")

    serving.run(settings.read(), host, port, ready)
    return 0


@click.command("worker")
@click.option("--beat", is_flag=True, help="Also keep the schedule; one worker of all does.")
@click.option("--concurrency", default=2, show_default=True, type=click.IntRange(1, 64))
@console.as_json
def worker(beat: bool, concurrency: int, as_json: bool) -> int:
    """A worker on the broker. Ends on SIGTERM after the task at hand."""
    from lims import serve as serving
    from lims import settings

    def ready(name: str) -> None:
        console.answer({"ready": name}, as_json, f"lims: worker {name} is ready")

    serving.work(settings.read(), beat=beat, concurrency=concurrency, ready=ready)
    return 0
