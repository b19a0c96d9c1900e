"""The language that a label speaks; those before this spoke English."""

import sqlalchemy as sa
from alembic import op

revision = '20261127_1400'
down_revision = '20261127_0940'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('labels_request') as batch:
        batch.add_column(sa.Column('language', sa.String(length=2), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('labels_request') as batch:
        batch.drop_column('language')
