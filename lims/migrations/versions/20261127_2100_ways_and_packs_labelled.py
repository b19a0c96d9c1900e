"""Shipments and packs around doses have codes of their own; a command's labels all stay valid."""

import sqlalchemy as sa
from alembic import op

import lims.core.db

revision = '20261127_2100'
down_revision = '20261127_1650'
branch_labels = None
depends_on = None
_LIVE = "state = 'live'"
_OF_A_THING = "state = 'live' AND substr(code, 1, 1) <> 'X'"


def _one_lives(condition: str) -> None:
    op.drop_index('uq_labels_copy_live', table_name='labels_copy')
    op.create_index(
        'uq_labels_copy_live', 'labels_copy', ['code'], unique=True,
        sqlite_where=sa.text(condition), postgresql_where=sa.text(condition),
    )


def upgrade() -> None:
    with op.batch_alter_table('custody_shipment') as batch:
        batch.add_column(sa.Column('code', sa.String(length=9), nullable=True))
        batch.create_unique_constraint(op.f('uq_custody_shipment_code'), ['code'])
    op.create_table(
        'dosing_pack',
        sa.Column('code', sa.String(length=9), nullable=False),
        sa.Column('assignment_id', sa.Uuid(), nullable=False),
        sa.Column('made_at', lims.core.db.Instant(timezone=True), nullable=False),
        sa.Column('made_by', sa.Uuid(), nullable=True),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['assignment_id'], ['dosing_assignment.id'],
            name=op.f('fk_dosing_pack_assignment_id_dosing_assignment'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_dosing_pack')),
        sa.UniqueConstraint('assignment_id', name=op.f('uq_dosing_pack_assignment_id')),
        sa.UniqueConstraint('code', name=op.f('uq_dosing_pack_code')),
    )
    _one_lives(_OF_A_THING)


def downgrade() -> None:
    # Of a command only its newest label can go on counting.
    op.execute(
        "UPDATE labels_copy SET state = 'void' WHERE substr(code, 1, 1) = 'X' AND state = 'live' "
        "AND copy < (SELECT max(other.copy) FROM labels_copy AS other "
        "WHERE other.code = labels_copy.code AND other.state = 'live')"
    )
    _one_lives(_LIVE)
    op.drop_table('dosing_pack')
    with op.batch_alter_table('custody_shipment') as batch:
        batch.drop_constraint(op.f('uq_custody_shipment_code'), type_='unique')
        batch.drop_column('code')
