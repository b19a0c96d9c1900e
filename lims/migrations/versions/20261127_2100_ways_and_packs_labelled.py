"""Shipments and packs around doses have codes of their own; a command's labels all stay valid."""

import sqlalchemy as sa
from alembic import op

revision = '20261127_2100'
down_revision = '20261127_1650'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('custody_shipment') as batch:
        batch.add_column(sa.Column('code', sa.String(length=9), nullable=True))
        batch.create_unique_constraint(op.f('uq_custody_shipment_code'), ['code'])


def downgrade() -> None:
    with op.batch_alter_table('custody_shipment') as batch:
        batch.drop_constraint(op.f('uq_custody_shipment_code'), type_='unique')
        batch.drop_column('code')
