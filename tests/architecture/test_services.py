"""Whoever acts was allowed to: every service asks, every door's act asks."""

import ast
from importlib import import_module

from lims.core import queue
from lims.core.permissions import PERMISSIONS, Permission
from tests.architecture.sources import FEATURES, files, tree
from workers.app import configure
from workers.schedule import PERIODIC

INSIDE = "part of a step, called by services that have asked for their own permission"
WITHOUT = {
    "lims.custody.areas.admit": INSIDE,
    "lims.custody.correcting.tell": INSIDE,
    "lims.custody.correcting.require_hers": INSIDE,
    "lims.custody.correcting.may_correct": "reads; the act it tells of asks",
    "lims.custody.blocking.block": INSIDE,
    "lims.custody.blocking.change": INSIDE,
    "lims.custody.holding.block_descendants": INSIDE,
    "lims.custody.holding.place_hold": INSIDE,
    "lims.custody.holding.hold_each": INSIDE,
    "lims.custody.holding.free_each": INSIDE,
    "lims.custody.assessing.countersigned": INSIDE,
    "lims.custody.volumes.add_measured": INSIDE,
    "lims.custody.volumes.add_volume": INSIDE,
    "lims.custody.items.make": INSIDE,
    "lims.custody.items.set_state": INSIDE,
    "lims.custody.volumes.take": INSIDE,
    "lims.custody.streams.touch": INSIDE,
    "lims.collection.kits.request_tube_label": INSIDE,
    "lims.custody.late.put_aside": INSIDE,
    "lims.custody.loggers.free": INSIDE,
    "lims.custody.loggers.hold": INSIDE,
    "lims.custody.loggers.take": INSIDE,
    "lims.custody.monitoring.episodes.free": INSIDE,
    "lims.custody.monitoring.episodes.hold": INSIDE,
    "lims.custody.monitoring.episodes.look": INSIDE,
    "lims.custody.monitoring.episodes.written": INSIDE,
    "lims.custody.dividing.end": INSIDE,
    "lims.custody.dividing.request_label": INSIDE,
    "lims.custody.dividing.throw_away": INSIDE,
    "lims.custody.ending.end_before": INSIDE,
    "lims.custody.ending.witnessed": "asks for the second person's own secret and permission",
    "lims.custody.storage.let_in": INSIDE,
    "lims.custody.storage.stand": INSIDE,
    "lims.culture.growing.request_flask_label": INSIDE,
    "lims.culture.harvesting.request_label": INSIDE,
    "lims.isolation.closing.settle": INSIDE,
    "lims.isolation.labelling.request_dose_label": INSIDE,
    "lims.isolation.labelling.request_sample_label": INSIDE,
    "lims.labels.designs.give": INSIDE,
    "lims.labels.services.request": INSIDE,
    "lims.dosing.judging.judge": INSIDE,
    "lims.qc.entering.keep": INSIDE,
    "lims.qc.findings.deviation_on": INSIDE,
    "lims.people.signing.confirm": "asks for the person's own secret, which is more than a role",
    "lims.people.signing.signature": "writes what confirm has asked for",
    "lims.station.demo.prepare": "the console's, for practice; what it does asks at each step",
    "lims.station.demo.loggers_go_on": "the console's, for practice; each delivery asks",
    "lims.station.waiting.lists_for": "says which lists a person's roles have",
    "lims.dosing.bedside.verdict_of": "reads; the door that shows it asks",
}


def _acting():
    """Every public function whose first parameter is the actor, by its dotted name."""
    for name, path in files(*(f"lims/{each}" for each in FEATURES)):
        module = name.removesuffix(".py").replace("/", ".")
        for node in tree(path).body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            first = [*node.args.posonlyargs, *node.args.args][:1]
            if first and first[0].annotation and ast.unparse(first[0].annotation) == "Actor":
                yield f"{module}.{node.name}"


def _service(name):
    module, _dot, function = name.rpartition(".")
    return getattr(import_module(module), function)


def test_every_service_has_a_permission_or_is_listed_with_its_reason():
    names = set(_acting())
    asked = {each for each in names if hasattr(_service(each), "permission")}
    assert len(asked) > 50, "the services were not found"
    listed = {each for each in names - asked if "doors" not in each and "rehearsal" not in each}
    assert sorted(listed - set(WITHOUT)) == [], "without a permission and not listed"
    assert sorted(set(WITHOUT) - listed) == [], "listed, and gone or asking by now"


def test_every_permission_is_declared_once_granted_and_said():
    assert PERMISSIONS
    for name, each in PERMISSIONS.items():
        assert isinstance(each, Permission)
        assert name == each.name
        assert each.granted_to, f"{name} is granted to nobody"
        assert each.about, f"{name} says nothing"


def test_every_act_and_question_of_a_door_asks_for_a_permission():
    doors = []
    for feature in FEATURES:
        try:
            doors.append(import_module(f"lims.{feature}.doors").doors)
        except ModuleNotFoundError as absent:
            if absent.name not in (f"lims.{feature}", f"lims.{feature}.doors"):
                raise
    open_ = [
        f"{each.feature}.{each.name}"
        for door in doors
        for each in (*door.acts, *door.reads)
        if each.permission is None
    ]
    assert open_ == []


def test_task_names_and_workers_belong_together():
    application = configure(None)
    known = {name for name in application.tasks if not name.startswith("celery.")}
    assert known == queue.TASKS
    assert {each.task for each in PERIODIC} <= known
