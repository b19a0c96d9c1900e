"""What has been declared: acts and reads, and which acts are an item's next steps."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from marshmallow import Schema

from lims.core import acts, codes, device, permissions
from lims.core.device import Scan
from lims.core.errors import BadInput, NotFound
from lims.core.permissions import Actor, Permission
from lims.core.words import Text
from lims.web import forms, late, plain
from lims.web.fields import Shape

_ = Text
Takes = type[Schema] | Callable[..., Schema] | None
Gives = type[Schema] | Callable[[Any], Any] | None
# What takes a kept scan: actor, scan, key, digest, arguments, and the act itself to call.
Late = Callable[[Actor, Scan, str, str, Mapping[str, Any], Callable[[], Any]], acts.Done]
PREFIX = "/api/v1"
ARGUMENT = re.compile(r"<(?:[a-z]+:)?(\w+)>")


def is_schema(given: Any) -> bool:
    """Whether it is a schema class, and not a function that makes one or its answer."""
    return isinstance(given, type) and issubclass(given, Schema)


@cache
def _made(kind: type[Schema]) -> Schema:
    """The one object of a schema class: loading and dumping leave nothing in it."""
    return kind()


class Nothing(Shape):
    """An act that needs no more than its address."""


@dataclass(frozen=True)
class Door:
    """What acts and reads have in common.

    Attributes:
        feature, name: who it belongs to.
        path: with `<arguments>`, the same under `/api/v1` and as a page.
        letters: the type letters of path arguments that are printed codes; "" for any kind.
        takes: the schema of what comes in, or a function of the path arguments that gives one.
        gives: the schema of the answer, or a function that makes it JSON.
    """

    feature: str
    name: str
    path: str
    service: Callable[..., Any]
    title: Text
    takes: Takes
    gives: Gives
    letters: Mapping[str, str]
    permission: Permission | None

    def url(self, **path_args: Any) -> str:
        """The page's address."""
        return ARGUMENT.sub(lambda found: quote(str(path_args[found[1]]), safe=""), self.path)

    def api_url(self, **path_args: Any) -> str:
        """The address in the API."""
        return PREFIX + self.url(**path_args)

    def allowed(self, actor: Actor) -> bool:
        """Whether one of her roles may do it; the service asks more."""
        return self.permission is None or permissions.allowed(actor, self.permission)

    def checked(self, path_args: Mapping[str, Any]) -> dict[str, Any]:
        """Path arguments, codes brought to their nine characters.

        Raises:
            BadInput: no code, or one of another kind.
            NotFound: an argument that nothing could be called.
        """
        good = dict(path_args)
        for name, value in path_args.items():
            if not isinstance(value, str):
                continue
            if name in self.letters:
                letters = self.letters[name]
                good[name] = (
                    codes.expect(value, letters, name) if letters else codes.parse(value, name)
                ).code
            elif len(value) > 120 or not value.isprintable():
                raise NotFound(_("Nothing is called that here; look at the address."), field=name)
        return good

    def schema(self, path_args: Mapping[str, Any]) -> Schema:
        """The schema of what comes in for this thing."""
        if self.takes is None:
            return _made(Nothing)
        return _made(self.takes) if isinstance(self.takes, type) else self.takes(**path_args)

    def dumped(self, answer: Any) -> Any:
        """The service's answer as JSON can hold it."""
        gives: Any = self.gives
        if is_schema(gives):
            answer = _made(gives).dump(answer)
        elif gives is not None:
            answer = gives(answer)
        return plain.plain({} if answer is None else answer)


@dataclass(frozen=True)
class Act(Door):
    """Something that can be done, and where it stands among an item's next steps.

    Attributes:
        on: type letters of the things it is done to, or `participant`, `study`.
        when: the states in which it can be done; none means any.
        after: where the page goes once it is done, from the answer.
        about: what stands beside the form: label and value.
        template, shows: another page than the form's, and what it is given besides.
        said: what the DONE panel says, from the answer; the title unless given.
        order: its place among the next steps; lower stands first.
        fits: whether this very thing can have it done.
        late: what takes a scan of it that a device kept; None where it is only done at once.
    """

    on: str = ""
    when: tuple[str, ...] = ()
    intro: Text | None = None
    method: str = "post"
    after: Callable[[dict[str, Any]], str] | None = None
    about: Callable[..., Sequence[tuple[Any, Any]]] | None = None
    template: str = "form.html"
    shows: Callable[..., dict[str, Any]] | None = None
    said: Callable[[dict[str, Any]], Text | str] | None = None
    page: bool = True
    api: bool = True
    order: int = 50
    fits: Callable[[Any], bool] | None = None
    late: Late | None = None

    def perform(
        self,
        actor: Actor,
        key: str | None,
        path_args: Mapping[str, Any],
        sent: Mapping[str, Any],
        scan: Scan | None = None,
    ) -> acts.Done:
        """Do it once: load, call the service in its transaction, keep the answer.

        Args:
            scan: what the device said of it; one that it kept goes another way (H11).

        Raises:
            ValidationError: what was sent does not fit the schema.
            DomainError: whatever the service refuses.
        """
        if self.permission is not None:
            permissions.ask(actor, self.permission)
        schema = self.schema(path_args)
        loaded = schema.load(sent)
        digest = acts.digest_of(
            self.feature, self.name, dict(path_args), forms.secretless(schema, sent)
        )

        def call() -> Any:
            return self.dumped(self.service(actor, **path_args, **loaded))

        if scan is not None and scan.replayed and self.late is not None:
            if not key:
                raise BadInput(_("A kept scan needs the Idempotency-Key that it was made with."))
            digest = acts.digest_of(digest, scan.at, scan.device, scan.counter)
            return self.late(actor, scan, key, digest, {**path_args, **loaded}, call)
        if scan is not None:
            late.require_prompt(scan, keepable=self.late is not None)
        with device.said(scan):
            return acts.once(actor, key, digest, call)


@dataclass(frozen=True)
class Read(Door):
    """Something that can be asked through the API.

    Attributes:
        method: `post` where what is asked does not belong into an address (a scan).
    """

    method: str = "get"


ACTS: dict[tuple[str, str], Act] = {}


def acts_for(kind: str, state: str | None, actor: Actor, thing: Any = None) -> list[Act]:
    """What this person may do next with a thing of this kind in this state.

    Args:
        kind: a type letter, or `participant`, `study`.
        state: the thing's state; None leaves out nothing for its state.
        thing: itself, for acts that look closer; None leaves out nothing for it.
    """
    found = [
        act
        for act in ACTS.values()
        if act.page
        and _is_on(act.on, kind)
        and act.allowed(actor)
        and (state is None or not act.when or state in act.when)
        and (thing is None or act.fits is None or act.fits(thing))
    ]
    return sorted(found, key=lambda act: act.order)


def are_letters(on: str) -> bool:
    return bool(on) and all(each in codes.LETTERS for each in on)


def _is_on(on: str, kind: str) -> bool:
    return kind in on if are_letters(on) else bool(on) and on == kind
