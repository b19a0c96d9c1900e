"""Versions of label designs that two persons approved, and which one a label is drawn from."""

import sqlalchemy as sa
from alembic import op

import lims.core.db

revision = '20261127_0940'
down_revision = '20261127_0505'
branch_labels = None
depends_on = None
_INSTANT = lims.core.db.Instant(timezone=True)
_IN_FORCE = sa.text("state = 'approved'")


def upgrade() -> None:
    op.create_table('labels_design',
    sa.Column('template', sa.String(length=60), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=40), nullable=False),
    sa.Column('proposed_by', sa.Uuid(), nullable=False),
    sa.Column('proposed_at', _INSTANT, nullable=False),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decided_at', _INSTANT, nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint(
        "state <> 'approved' OR (decided_by IS NOT NULL AND decided_by <> proposed_by)",
        name=op.f('ck_labels_design_two_persons'),
    ),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_labels_design')),
    sa.UniqueConstraint('template', 'digest', name=op.f('uq_labels_design_template_digest')),
    sa.UniqueConstraint('template', 'number', name=op.f('uq_labels_design_template_number'))
    )
    op.create_index(
        'uq_labels_design_approved', 'labels_design', ['template'], unique=True,
        sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE,
    )
    with op.batch_alter_table('labels_request') as batch:
        batch.add_column(sa.Column('design_id', sa.Uuid(), nullable=True))
        batch.create_foreign_key(
            op.f('fk_labels_request_design_id'), 'labels_design', ['design_id'], ['id']
        )


def downgrade() -> None:
    with op.batch_alter_table('labels_request') as batch:
        batch.drop_constraint(op.f('fk_labels_request_design_id'), type_='foreignkey')
        batch.drop_column('design_id')
    op.drop_index('uq_labels_design_approved', 'labels_design')
    op.drop_table('labels_design')
