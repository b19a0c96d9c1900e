"""People, what they sign in with, and what is open now."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from lims.core import db


class Person(db.Tracked, db.Base):
    """One human being on the staff. Her name is hers to give; entries hold only her id."""

    __tablename__ = "people_person"

    name: Mapped[str]


class Account(db.Tracked, db.Base):
    """One way of a person to sign in, and what it is trusted with."""

    __tablename__ = "people_account"

    login: Mapped[str] = mapped_column(String(40), unique=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people_person.id"), index=True)
    roles: Mapped[list[Any]]
    disabled_at: Mapped[datetime | None]
    # When the password or PIN was last set: the guarded trace of the two columns below.
    secret_set_at: Mapped[datetime]
    # Secrets' hashes never enter the ledger, which is shown to auditors and exported.
    password_hash: Mapped[str] = mapped_column(String(200), info={"guarded": False})
    pin_hash: Mapped[str | None] = mapped_column(String(200), info={"guarded": False})


class Badge(db.Tracked, db.Base):
    """A printed badge. An account has one that works; the ones before it stay known."""

    __tablename__ = "people_badge"
    __table_args__ = (
        Index(
            "uq_people_badge_live_account",
            "account_id",
            unique=True,
            sqlite_where=text("live"),
            postgresql_where=text("live"),
        ),
    )

    code: Mapped[str] = mapped_column(String(9), unique=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("people_account.id"), index=True)
    live: Mapped[bool]


class SignIn(db.Base):
    """A sign-in kept on the server, so that it can be ended there."""

    __tablename__ = "people_sign_in"
    # Not guarded: it changes with every minute of work and decides nothing about an item.
    __table_args__ = ({"info": {"guarded": False}},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("people_account.id"), index=True)
    station: Mapped[str] = mapped_column(String(60), index=True)
    signed_in_by: Mapped[str] = mapped_column(String(10))
    opened_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class ApiToken(db.Tracked, db.Base):
    """What a program shows to work for a person. It never signs."""

    __tablename__ = "people_token"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("people_account.id"), index=True)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    # The hash of a secret, see Account.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info={"guarded": False})


class Attempt(db.Base):
    """A try that was wrong, or is being looked at now."""

    __tablename__ = "people_attempt"
    # Not guarded: counted for a quarter of an hour and then forgotten.
    __table_args__ = (
        Index("ix_people_attempt_key_at", "key", "at"),
        {"info": {"guarded": False}},
    )

    id: Mapped[int] = mapped_column(db.BigCounter, primary_key=True, autoincrement=True)
    # A hash of what was typed: people type passwords into the wrong field.
    key: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)
