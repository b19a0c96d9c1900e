"""Temperature records of shipments: loggers' files, what they say, and what quality decided."""

import sqlalchemy as sa
from alembic import op

import lims.core.db

revision = '20261127_0410'
down_revision = '20261127_0050'
branch_labels = None
depends_on = None

_INSTANT = lims.core.db.Instant(timezone=True)
_JSON = lims.core.db.Json


def upgrade() -> None:
    op.create_table('custody_logger_file',
    sa.Column('shipment_id', sa.Uuid(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('maker', sa.String(length=80), nullable=False),
    sa.Column('parser_version', sa.String(length=20), nullable=False),
    sa.Column('zone', sa.String(length=60), nullable=False),
    sa.Column('unit', sa.String(length=10), nullable=False),
    sa.Column('channel', sa.String(length=80), nullable=False),
    sa.Column('readings', sa.Integer(), nullable=False),
    sa.Column('first_at', _INSTANT, nullable=False),
    sa.Column('last_at', _INSTANT, nullable=False),
    sa.Column('minimum_cel', lims.core.db.DecimalText(length=60), nullable=False),
    sa.Column('maximum_cel', lims.core.db.DecimalText(length=60), nullable=False),
    sa.Column('reading', _JSON, nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('taken_at', _INSTANT, nullable=False),
    sa.Column('taken_by', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['shipment_id'], ['custody_shipment.id'], name=op.f('fk_custody_logger_file_shipment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custody_logger_file')),
    sa.UniqueConstraint('sha256', name=op.f('uq_custody_logger_file_sha256'))
    )
    op.create_index(op.f('ix_custody_logger_file_shipment_id'), 'custody_logger_file', ['shipment_id'], unique=False)
    op.create_table('custody_transport_record',
    sa.Column('shipment_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Enum('clear', 'open', 'assessed', 'unusable', name='recordstate', native_enum=False, length=40), nullable=False),
    sa.Column('faults', _JSON, nullable=False),
    sa.Column('judged_at', _INSTANT, nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['shipment_id'], ['custody_shipment.id'], name=op.f('fk_custody_transport_record_shipment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custody_transport_record')),
    sa.UniqueConstraint('shipment_id', name=op.f('uq_custody_transport_record_shipment_id'))
    )
    op.create_index(op.f('ix_custody_transport_record_state'), 'custody_transport_record', ['state'], unique=False)
    op.create_table('custody_transport_assessment',
    sa.Column('record_id', sa.Uuid(), nullable=False),
    sa.Column('outcome', sa.Enum('no-effect', 'logger-fault', 'not-usable', name='outcome', native_enum=False, length=40), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('signed_at', _INSTANT, nullable=False),
    sa.Column('signed_by', sa.Uuid(), nullable=False),
    sa.Column('agreed_at', _INSTANT, nullable=True),
    sa.Column('agreed_by', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('agreed_by <> signed_by', name=op.f('ck_custody_transport_assessment_two_people')),
    sa.ForeignKeyConstraint(['record_id'], ['custody_transport_record.id'], name=op.f('fk_custody_transport_assessment_record_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custody_transport_assessment'))
    )
    op.create_index(op.f('ix_custody_transport_assessment_record_id'), 'custody_transport_assessment', ['record_id'], unique=False)
    op.create_index(op.f('ix_custody_shipment_line_item_id'), 'custody_shipment_line', ['item_id'], unique=False)
    with op.batch_alter_table('custody_hold', schema=None) as batch_op:
        batch_op.add_column(sa.Column('shipment_id', sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(op.f('fk_custody_hold_shipment_id'), 'custody_shipment', ['shipment_id'], ['id'])
        batch_op.create_index(batch_op.f('ix_custody_hold_shipment_id'), ['shipment_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('custody_hold', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_custody_hold_shipment_id'))
        batch_op.drop_constraint(op.f('fk_custody_hold_shipment_id'), type_='foreignkey')
        batch_op.drop_column('shipment_id')
    op.drop_index(op.f('ix_custody_shipment_line_item_id'), table_name='custody_shipment_line')
    op.drop_table('custody_transport_assessment')
    op.drop_table('custody_transport_record')
    op.drop_table('custody_logger_file')
