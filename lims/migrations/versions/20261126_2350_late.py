"""Scans that arrive late; the instants of entries are found by an index (H11, H18)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

import lims.core.db

revision = '20261126_2350'
down_revision = '20261126_2340'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('custody_late_scan',
    sa.Column('device', sa.String(length=60), nullable=False),
    sa.Column('counter', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('item_id', sa.Uuid(), nullable=False),
    sa.Column('given', sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), 'postgresql'), nullable=False),
    sa.Column('scanned_by', sa.Uuid(), nullable=True),
    sa.Column('scanned_at', lims.core.db.Instant(timezone=True), nullable=False),
    sa.Column('arrived_at', lims.core.db.Instant(timezone=True), nullable=False),
    sa.Column('state', sa.Enum('taken', 'waiting', 'accepted', 'dismissed', name='latestate', native_enum=False, length=40), nullable=False),
    sa.Column('why', sa.String(length=40), nullable=False),
    sa.Column('answered_by', sa.Uuid(), nullable=True),
    sa.Column('answered_at', lims.core.db.Instant(timezone=True), nullable=True),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['item_id'], ['custody_item.id'], name=op.f('fk_custody_late_scan_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custody_late_scan')),
    sa.UniqueConstraint('device', 'counter', name=op.f('uq_custody_late_scan_device_counter')),
    sa.UniqueConstraint('key', name=op.f('uq_custody_late_scan_key'))
    )
    op.create_index(op.f('ix_custody_late_scan_item_id'), 'custody_late_scan', ['item_id'])
    op.create_index(op.f('ix_custody_late_scan_state'), 'custody_late_scan', ['state'])
    op.create_index(op.f('ix_ledger_entry_at'), 'ledger_entry', ['at'])


def downgrade() -> None:
    op.drop_index(op.f('ix_ledger_entry_at'), 'ledger_entry')
    op.drop_table('custody_late_scan')
