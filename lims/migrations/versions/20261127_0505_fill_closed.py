"""When a fill was closed, and by whom."""

import sqlalchemy as sa
from alembic import op

import lims.core.db

revision = '20261127_0505'
down_revision = '20261127_0430'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('isolation_fill', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('closed_at', lims.core.db.Instant(timezone=True), nullable=True)
        )
        batch_op.add_column(sa.Column('closed_by', sa.Uuid(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('isolation_fill', schema=None) as batch_op:
        batch_op.drop_column('closed_by')
        batch_op.drop_column('closed_at')
