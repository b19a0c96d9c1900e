"""Doses entered from paper: both times, what had not passed, the scanned sheet."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import lims.core.db

revision = '20261126_2340'
down_revision = '20261126_2320'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('dosing_paper',
    sa.Column('check_id', sa.Uuid(), nullable=False),
    sa.Column('given_at', lims.core.db.Instant(timezone=True), nullable=False),
    sa.Column('recorded_at', lims.core.db.Instant(timezone=True), nullable=False),
    sa.Column('recorded_by', sa.Uuid(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('failed', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('finding', sa.String(length=60), nullable=True),
    sa.Column('sheet_name', sa.String(length=200), nullable=True),
    sa.Column('sheet_kind', sa.String(length=40), nullable=True),
    sa.Column('sheet_sha256', sa.String(length=64), nullable=True),
    sa.Column('sheet', sa.LargeBinary(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['check_id'], ['dosing_check.id'], name=op.f('fk_dosing_paper_check_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dosing_paper')),
    sa.UniqueConstraint('check_id', name=op.f('uq_dosing_paper_check_id'))
    )


def downgrade() -> None:
    op.drop_table('dosing_paper')
