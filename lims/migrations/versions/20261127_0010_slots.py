"""Places with a capacity, and slots that know where in their box they are."""

import sqlalchemy as sa
from alembic import op

revision = '20261127_0010'
down_revision = '20261127_0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('custody_place', sa.Column('capacity', sa.Integer(), nullable=True))
    op.add_column('custody_place', sa.Column('position', sa.String(length=8), nullable=True))
    op.create_index('uq_custody_place_position', 'custody_place', ['parent_id', 'position'], unique=True)


def downgrade() -> None:
    op.drop_index('uq_custody_place_position', 'custody_place')
    op.drop_column('custody_place', 'position')
    op.drop_column('custody_place', 'capacity')
