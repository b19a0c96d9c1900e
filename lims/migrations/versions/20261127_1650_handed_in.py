"""Who scanned what another person handed in, as the device says."""

import sqlalchemy as sa
from alembic import op

revision = '20261127_1650'
down_revision = '20261127_1400'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('custody_late_scan') as batch:
        batch.add_column(sa.Column('claimed_by', sa.Uuid(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('custody_late_scan') as batch:
        batch.drop_column('claimed_by')
