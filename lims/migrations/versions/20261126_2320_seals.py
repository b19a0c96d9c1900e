"""Seals: the leaves and tiles of the tree, signed roots, and what no seal covers yet."""

import sqlalchemy as sa
from alembic import op

import lims.core.db

revision = '20261126_2320'
down_revision = '20261121_1200'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('ledger_seal',
    sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('size', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('root', sa.LargeBinary(length=32), nullable=False),
    sa.Column('at', lims.core.db.Instant(timezone=True), nullable=False),
    sa.Column('prev', sa.LargeBinary(length=32), nullable=False),
    sa.Column('key_id', sa.String(length=64), nullable=False),
    sa.Column('jws', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_ledger_seal')),
    sa.UniqueConstraint('prev', name=op.f('uq_ledger_seal_prev'))
    )
    op.create_table('ledger_tile',
    sa.Column('level', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('hashes', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('level', 'number', name=op.f('pk_ledger_tile'))
    )
    op.create_table('ledger_cosignature',
    sa.Column('seal_number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('key_id', sa.String(length=64), nullable=False),
    sa.Column('jws', sa.Text(), nullable=False),
    sa.Column('at', lims.core.db.Instant(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['seal_number'], ['ledger_seal.number'], name=op.f('fk_ledger_cosignature_seal_number')),
    sa.PrimaryKeyConstraint('seal_number', 'key_id', name=op.f('pk_ledger_cosignature'))
    )
    op.create_table('ledger_leaf',
    sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('entry_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['entry_id'], ['ledger_entry.id'], name=op.f('fk_ledger_leaf_entry_id')),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_ledger_leaf')),
    sa.UniqueConstraint('entry_id', name=op.f('uq_ledger_leaf_entry_id'))
    )
    op.create_table('ledger_pending',
    sa.Column('entry_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('entry_id', name=op.f('pk_ledger_pending'))
    )
    # What was written before there were seals waits for its first one.
    op.execute("INSERT INTO ledger_pending (entry_id) SELECT id FROM ledger_entry")


def downgrade() -> None:
    op.drop_table('ledger_pending')
    op.drop_table('ledger_leaf')
    op.drop_table('ledger_cosignature')
    op.drop_table('ledger_tile')
    op.drop_table('ledger_seal')
