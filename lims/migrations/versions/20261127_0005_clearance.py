"""Hand-overs with a deadline that may be refused or withdrawn; work areas and their clearance."""

import sqlalchemy as sa
from alembic import op

import lims.core.db

revision = '20261127_0005'
down_revision = '20261126_2350'
branch_labels = None
depends_on = None

_WAS_OPEN = sa.text('accepted_at IS NULL')
_OPEN = sa.text('accepted_at IS NULL AND refused_at IS NULL AND withdrawn_at IS NULL')
_NOT_CLEARED = sa.text('cleared_at IS NULL')
_INSTANT = lims.core.db.Instant(timezone=True)


def upgrade() -> None:
    op.create_table('custody_opening',
    sa.Column('place_id', sa.Uuid(), nullable=False),
    sa.Column('donor_id', sa.Uuid(), nullable=False),
    sa.Column('opened_at', _INSTANT, nullable=False),
    sa.Column('opened_by', sa.Uuid(), nullable=True),
    sa.Column('asked_at', _INSTANT, nullable=True),
    sa.Column('asked_by', sa.Uuid(), nullable=True),
    sa.Column('cleared_at', _INSTANT, nullable=True),
    sa.Column('cleared_by', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('cleared_by <> asked_by', name=op.f('ck_custody_opening_two_people')),
    sa.ForeignKeyConstraint(['donor_id'], ['studies_subject.id'], name=op.f('fk_custody_opening_donor_id')),
    sa.ForeignKeyConstraint(['place_id'], ['custody_place.id'], name=op.f('fk_custody_opening_place_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custody_opening'))
    )
    op.create_index('uq_custody_opening_open', 'custody_opening', ['place_id'], unique=True, sqlite_where=_NOT_CLEARED, postgresql_where=_NOT_CLEARED)
    op.add_column('custody_place', sa.Column('work_area', sa.Boolean(), nullable=True))
    for name in ('due_at', 'refused_at', 'withdrawn_at'):
        op.add_column('custody_transfer', sa.Column(name, _INSTANT, nullable=True))
    op.add_column('custody_transfer', sa.Column('ended_because', sa.Text(), nullable=True))
    op.drop_index('uq_custody_transfer_open', 'custody_transfer')
    op.create_index('uq_custody_transfer_open', 'custody_transfer', ['item_id'], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    op.drop_index('uq_custody_transfer_open', 'custody_transfer')
    op.create_index('uq_custody_transfer_open', 'custody_transfer', ['item_id'], unique=True, sqlite_where=_WAS_OPEN, postgresql_where=_WAS_OPEN)
    for name in ('ended_because', 'withdrawn_at', 'refused_at', 'due_at'):
        op.drop_column('custody_transfer', name)
    op.drop_column('custody_place', 'work_area')
    op.drop_table('custody_opening')
