"""Recalls and drills, and the state that each recalled item had."""

import sqlalchemy as sa
from alembic import op

import lims.core.db

revision = '20261127_0050'
down_revision = '20261127_0030'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('release_recall',
    sa.Column('reference', sa.String(length=20), nullable=False),
    sa.Column('source', sa.String(length=40), nullable=False),
    sa.Column('item_id', sa.Uuid(), nullable=True),
    sa.Column('subject_id', sa.Uuid(), nullable=True),
    sa.Column('whole', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('drill', sa.Boolean(), nullable=False),
    sa.Column('started_at', lims.core.db.Instant(timezone=True), nullable=False),
    sa.Column('started_by', sa.Uuid(), nullable=True),
    sa.Column('reached', sa.Integer(), nullable=False),
    sa.Column('blocked', sa.Integer(), nullable=False),
    sa.Column('took_ms', sa.Integer(), nullable=False),
    sa.Column('closed_at', lims.core.db.Instant(timezone=True), nullable=True),
    sa.Column('closed_by', sa.Uuid(), nullable=True),
    sa.Column('outcome', sa.Enum('freed', 'rejected', name='outcome', native_enum=False, length=40), nullable=True),
    sa.Column('closed_because', sa.Text(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('(item_id IS NULL) <> (subject_id IS NULL)', name=op.f('ck_release_recall_one_source')),
    sa.ForeignKeyConstraint(['item_id'], ['custody_item.id'], name=op.f('fk_release_recall_item_id')),
    sa.ForeignKeyConstraint(['subject_id'], ['studies_subject.id'], name=op.f('fk_release_recall_subject_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_release_recall')),
    sa.UniqueConstraint('reference', name=op.f('uq_release_recall_reference'))
    )
    with op.batch_alter_table('release_recall', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_release_recall_item_id'), ['item_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_release_recall_subject_id'), ['subject_id'], unique=False)
    op.create_table('release_recalled',
    sa.Column('recall_id', sa.Uuid(), nullable=False),
    sa.Column('item_id', sa.Uuid(), nullable=False),
    sa.Column('was', sa.Enum('prepared', 'issued', 'used', 'ordered', 'collected', 'in-transit', 'received', 'accepted', 'on-hold', 'rejected', 'in-process', 'growing', 'stored', 'exhausted', 'destroyed', 'quarantine', 'testing', 'awaiting-review', 'released', 'conditionally-released', 'ready-for-use', 'filled', 'available', 'allocated', 'thawed', 'administered', 'returned', 'blocked', name='state', native_enum=False, length=40), nullable=False),
    sa.ForeignKeyConstraint(['item_id'], ['custody_item.id'], name=op.f('fk_release_recalled_item_id')),
    sa.ForeignKeyConstraint(['recall_id'], ['release_recall.id'], name=op.f('fk_release_recalled_recall_id')),
    sa.PrimaryKeyConstraint('recall_id', 'item_id', name=op.f('pk_release_recalled')),
    info={'guarded': False}
    )


def downgrade() -> None:
    op.drop_table('release_recalled')
    with op.batch_alter_table('release_recall', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_release_recall_subject_id'))
        batch_op.drop_index(batch_op.f('ix_release_recall_item_id'))

    op.drop_table('release_recall')
