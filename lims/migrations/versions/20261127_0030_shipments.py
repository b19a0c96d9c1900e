"""Shipments: a transport box on its way, its manifest, and what became of each item."""

import sqlalchemy as sa
from alembic import op

import lims.core.db

revision = '20261127_0030'
down_revision = '20261127_0010'
branch_labels = None
depends_on = None

_ON_ITS_WAY = sa.text('received_at IS NULL')
_NOT_COUNTED = sa.text('outcome IS NULL')
_INSTANT = lims.core.db.Instant(timezone=True)


def upgrade() -> None:
    op.create_table('custody_shipment',
    sa.Column('place_id', sa.Uuid(), nullable=False),
    sa.Column('to_place_id', sa.Uuid(), nullable=False),
    sa.Column('sent_by', sa.Uuid(), nullable=False),
    sa.Column('sent_at', _INSTANT, nullable=False),
    sa.Column('due_at', _INSTANT, nullable=False),
    sa.Column('received_by', sa.Uuid(), nullable=True),
    sa.Column('received_at', _INSTANT, nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('received_by <> sent_by', name=op.f('ck_custody_shipment_two_people')),
    sa.ForeignKeyConstraint(['place_id'], ['custody_place.id'], name=op.f('fk_custody_shipment_place_id')),
    sa.ForeignKeyConstraint(['to_place_id'], ['custody_place.id'], name=op.f('fk_custody_shipment_to_place_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custody_shipment'))
    )
    op.create_index('uq_custody_shipment_open', 'custody_shipment', ['place_id'], unique=True, sqlite_where=_ON_ITS_WAY, postgresql_where=_ON_ITS_WAY)
    op.create_table('custody_shipment_line',
    sa.Column('shipment_id', sa.Uuid(), nullable=False),
    sa.Column('item_id', sa.Uuid(), nullable=False),
    sa.Column('outcome', sa.String(length=10), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['item_id'], ['custody_item.id'], name=op.f('fk_custody_shipment_line_item_id')),
    sa.ForeignKeyConstraint(['shipment_id'], ['custody_shipment.id'], name=op.f('fk_custody_shipment_line_shipment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custody_shipment_line')),
    sa.UniqueConstraint('shipment_id', 'item_id', name=op.f('uq_custody_shipment_line_shipment_id_item_id'))
    )
    op.create_index('uq_custody_shipment_line_open', 'custody_shipment_line', ['item_id'], unique=True, sqlite_where=_NOT_COUNTED, postgresql_where=_NOT_COUNTED)


def downgrade() -> None:
    op.drop_table('custody_shipment_line')
    op.drop_table('custody_shipment')
