"""What entries say of a dose: its lineage, its people by number, its holds, its papers.

Read from the entries alone, never from the tables, so that whoever checks a dossier comes to the
same facts as whoever made it.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lims.interchange import rules

Entry = Mapping[str, Any]
Row = dict[str, Any]
Tables = dict[str, dict[str, Row]]


@dataclass(frozen=True)
class Papers:
    """Texts and digests that the entries pin.

    Attributes:
        study, site: the study file and the site's defaults it was read with, as they were loaded.
        specification: the tests frozen into the lot, and the digest pinned beside them.
        certificate: SHA-256 of the newest certificate of analysis; empty without one.
        evidence: SHA-256 of each instrument's file, with what kind of file it is.
    """

    study: str
    site: str
    specification: list[Any]
    specification_digest: str
    certificate: str
    evidence: tuple[tuple[str, str], ...]


def tables(entries: Iterable[Entry]) -> Tables:
    """The rows as the entries leave them; entries of one row are ordered by its version."""
    found: Tables = {}
    newest: dict[tuple[str, str], int] = {}
    for entry in entries:
        for change in entry["rows"]:
            key = (change["table"], change["id"])
            row = found.setdefault(key[0], {}).setdefault(key[1], {})
            version = change["set"].get("version", [None, 0])[1] or 0
            newer = version >= newest.get(key, -1)
            for column, (_old, new) in change["set"].items():
                if newer or column not in row:
                    row[column] = new
            if newer:
                newest[key] = version
    return found


class Told:
    """The facts of one dose.

    Raises:
        ValueError: the entries do not make the dose.
    """

    def __init__(self, entries: Sequence[Entry], dose: str) -> None:
        self.dose = dose
        self.entries = entries
        self.tables = tables(entries)
        self.items = {
            key: row for key, row in self.tables.get("custody_item", {}).items() if row.get("code")
        }
        own = [key for key, row in self.items.items() if row["code"] == dose]
        if len(own) != 1:
            raise ValueError("the entries do not make this dose")
        self.id = own[0]
        self.line = self._walk()
        self.lot_id = self._lot()

    def rows(self, table: str, **like: Any) -> list[Row]:
        """Rows of a table with these values, in the order of their ids."""
        return [
            row
            for _key, row in sorted(self.tables.get(table, {}).items())
            if all(row.get(name) == value for name, value in like.items())
        ]

    def _walk(self) -> list[str]:
        """The dose and everything it was made from."""
        found, todo = [self.id], [self.id]
        while todo:
            child = todo.pop()
            for edge in self.rows("custody_edge", child_id=child):
                if edge["parent_id"] not in found:
                    found.append(edge["parent_id"])
                    todo.append(edge["parent_id"])
        return found

    def _lot(self) -> str | None:
        lots = [each for each in self.line if self.items.get(each, {}).get("kind") == "lot"]
        return min(lots, key=lambda each: str(self.items[each]["code"]), default=None)

    def edges(self) -> list[Row]:
        """The edges of the line, parent to child by code; empty text for a code not here."""
        found = [
            {
                "parent": self.code(row["parent_id"]),
                "child": self.code(row["child_id"]),
                "step": row["step"],
                "volume_ul": row.get("volume_ul"),
            }
            for row in self.rows("custody_edge")
            if row["child_id"] in self.line
        ]
        return sorted(found, key=lambda edge: (edge["parent"], edge["child"]))

    def code(self, item_id: str) -> str:
        """The code of an item; empty where its entries are not here."""
        return str(self.items.get(item_id, {}).get("code", ""))

    def given(self) -> Row | None:
        """The row of its administration."""
        return next(iter(self.rows("dosing_administration", item_id=self.id)), None)

    def subject(self, subject_id: str | None) -> Row | None:
        """A participant or donor, by number."""
        return self.tables.get("studies_subject", {}).get(subject_id or "")

    def recipient(self) -> Row | None:
        """Whom it was given to, or is meant for now."""
        given = self.given()
        if given:
            return self.subject(given["subject_id"])
        meant = self.rows("dosing_assignment", item_id=self.id, ended_at=None)
        return self.subject(meant[0]["subject_id"]) if meant else None

    def donor(self) -> Row | None:
        """Whom it came from."""
        return self.subject(self.items[self.id].get("donor_id"))

    def study(self) -> Row | None:
        """The study it was made under."""
        return self.tables.get("studies_study", {}).get(self.items[self.id].get("study_id") or "")

    def donor_rule(self) -> str:
        """What the study file asks of the donor in the recipient's arm; empty where unknown."""
        study, arm = self.study(), (self.recipient() or {}).get("arm")
        if not study or not arm:
            return ""
        arms = tomllib.loads(study["document"]).get("arms", {})
        return str(arms.get(arm, {}).get("donor_rule", ""))

    def holds(self) -> list[Row]:
        """Holds on the dose or anything it was made from, lifted ones as well, oldest first."""
        found = [
            {
                "item": self.code(row["item_id"]),
                "reason": row["reason"],
                "source": row["source"],
                "placed_at": row["placed_at"],
                "lifted_at": row["lifted_at"],
            }
            for row in self.rows("custody_hold")
            if row["item_id"] in self.line
        ]
        return sorted(found, key=lambda hold: (hold["placed_at"], hold["item"], hold["reason"]))

    def papers(self) -> Papers:
        """What the entries pin by digest."""
        study = self.study() or {}
        lot = next(iter(self.rows("isolation_lot", item_id=self.lot_id)), {})
        signed = sorted(
            self.rows("release_certificate", lot_id=self.lot_id), key=lambda row: row["signed_at"]
        )
        return Papers(
            study=study.get("document", ""),
            site=study.get("site_document", ""),
            specification=lot.get("specification", []),
            specification_digest=lot.get("specification_digest", ""),
            certificate=signed[-1]["sha256"] if signed else "",
            evidence=tuple(sorted({(row["sha256"], row["kind"]) for row in self.rows("qc_file")})),
        )

    def stated(self) -> dict[str, Any]:
        """What the statement of a dossier says of its dose, as far as entries tell it."""
        item, given = self.items[self.id], self.given()
        recipient, donor, study = self.recipient(), self.donor(), self.study()
        return {
            "dose": self.dose,
            "state": item["state"],
            "name": item.get("name") or "",
            "lot": self.code(self.lot_id) if self.lot_id else "",
            "lot_name": (self.items[self.lot_id].get("name") or "") if self.lot_id else "",
            "study": study["code"] if study else "",
            "recipient": recipient["number"] if recipient else "",
            "arm": (recipient.get("arm") or "") if recipient else "",
            "donor": donor["number"] if donor else "",
            "donor_rule": self.donor_rule(),
            "given_at": given["ended_at"] if given else "",
            "lineage": {
                "items": [
                    {
                        "code": self.code(each),
                        "kind": self.items[each]["kind"],
                        "state": self.items[each]["state"],
                        "name": self.items[each].get("name") or "",
                        "made_at": self.items[each]["made_at"],
                    }
                    for each in sorted(self.line, key=self._age)
                    if each in self.items
                ],
                "edges": self.edges(),
            },
            "holds": self.holds(),
        }

    def _age(self, item_id: str) -> tuple[str, str]:
        row = self.items.get(item_id, {})
        return (row.get("made_at") or "", row.get("code") or "")


def by_stream(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Entries of each stream, in the order they stand."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry["stream"], []).append(entry)
    return found


def statement(entries: Iterable[Entry], dose: str) -> Entry:
    """The newest statement about a dose's dossier.

    Raises:
        ValueError: there is none.
    """
    made = [
        each
        for each in entries
        if each["stream"] == rules.stream(dose) and each["kind"] == rules.STATED
    ]
    if not made:
        raise ValueError("no entry states what the dossier holds")
    return made[-1]
