"""Papers that could go stale are held to the code."""

import re
from importlib import import_module
from pkgutil import walk_packages

import lims
from lims.core.errors import DomainError
from lims.web import errors
from tests.architecture.sources import ROOT


def _refusals(kind):
    for each in kind.__subclasses__():
        yield each
        yield from _refusals(each)


def test_docs_list_every_refusal_with_its_status():
    for module in walk_packages(lims.__path__, "lims."):
        if ".migrations" not in module.name:
            import_module(module.name)
    ours = {
        each.code: each
        for each in _refusals(DomainError)
        if each.__module__.startswith("lims.") and "code" in vars(each)
    }
    wanted = {
        code: str(next(status for family, status in errors._STATUS if issubclass(each, family)))
        for code, each in ours.items()
    }
    said = dict(
        re.findall(r"^\| `(\w+)` \| (\d{3}) \| .+ \|$", (ROOT / "docs/api.md").read_text(), re.M)
    )
    assert said == wanted


def test_a_code_means_one_thing():
    """Two classes of one code could get two answers."""
    known = {}
    for each in _refusals(DomainError):
        if each.__module__.startswith("lims.") and "code" in vars(each):
            known.setdefault(each.code, set()).add(each.__qualname__)
    assert {code: names for code, names in known.items() if len(names) > 1} == {}


def test_what_the_papers_point_to_is_there():
    missing = []
    for paper in (
        *("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"),
        *("docs/hazards.md", "docs/api.md", "docs/backup.md", "docs/reliability.md"),
    ):
        text = (ROOT / paper).read_text()
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            where = (ROOT / paper).parent / target
            # The suite's browser takes the picture; a fresh clone may not have one yet.
            if not where.exists() and not target.endswith(".png"):
                missing.append(f"{paper}: {target}")
        for target in re.findall(r"`((?:lims|workers|tests|docs)/[\w/.-]+)`", text):
            if not (ROOT / target).exists():
                missing.append(f"{paper}: {target}")
    assert missing == []
