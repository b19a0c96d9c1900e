"""The temperature of places: loggers, their readings, and episodes that quality assesses."""

import sqlalchemy as sa
from alembic import op

import lims.core.db

revision = '20261127_2130'
down_revision = '20261127_2100'
branch_labels = None
depends_on = None

_INSTANT = lims.core.db.Instant(timezone=True)


def _one_of(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=40)


def upgrade() -> None:
    op.create_table('custody_place_logger',
    sa.Column('place_id', sa.Uuid(), nullable=False),
    sa.Column('serial', sa.String(length=80), nullable=False),
    sa.Column('every_s', sa.Integer(), nullable=False),
    sa.Column('since', _INSTANT, nullable=False),
    sa.Column('linked_at', _INSTANT, nullable=False),
    sa.Column('linked_by', sa.Uuid(), nullable=True),
    sa.Column('ended_at', _INSTANT, nullable=True),
    sa.Column('ended_by', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('every_s > 0', name=op.f('ck_custody_place_logger_every')),
    sa.ForeignKeyConstraint(['place_id'], ['custody_place.id'], name=op.f('fk_custody_place_logger_place_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custody_place_logger'))
    )
    for each in ('place_id', 'serial'):
        op.create_index(f'uq_custody_place_logger_{each}', 'custody_place_logger', [each], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('custody_place_record',
    sa.Column('logger_id', sa.Uuid(), nullable=False),
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
    sa.Column('last_cel', lims.core.db.DecimalText(length=60), nullable=False),
    sa.Column('minimum_cel', lims.core.db.DecimalText(length=60), nullable=False),
    sa.Column('maximum_cel', lims.core.db.DecimalText(length=60), nullable=False),
    sa.Column('points_sha256', sa.String(length=64), nullable=False),
    sa.Column('points', sa.LargeBinary(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=True),
    sa.Column('taken_at', _INSTANT, nullable=False),
    sa.Column('taken_by', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['logger_id'], ['custody_place_logger.id'], name=op.f('fk_custody_place_record_logger_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custody_place_record'))
    )
    op.create_index('ix_custody_place_record_time', 'custody_place_record', ['logger_id', 'last_at'], unique=False)
    op.create_index('uq_custody_place_record_file', 'custody_place_record', ['logger_id', 'sha256'], unique=True)
    op.create_table('custody_episode',
    sa.Column('logger_id', sa.Uuid(), nullable=False),
    sa.Column('place_id', sa.Uuid(), nullable=False),
    sa.Column('kind', _one_of('missing', 'excursion', 'gap', 'order', 'class', name='fault'), nullable=False),
    sa.Column('level', _one_of('warn', 'stop', name='level'), nullable=False),
    sa.Column('began_at', _INSTANT, nullable=False),
    sa.Column('ended_at', _INSTANT, nullable=True),
    sa.Column('extreme_cel', lims.core.db.DecimalText(length=60), nullable=True),
    sa.Column('state', _one_of('clear', 'open', 'assessed', 'unusable', name='recordstate'), nullable=False),
    sa.Column('outcome', _one_of('no-effect', 'logger-fault', 'not-usable', name='outcome'), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('signed_at', _INSTANT, nullable=True),
    sa.Column('signed_by', sa.Uuid(), nullable=True),
    sa.Column('agreed_at', _INSTANT, nullable=True),
    sa.Column('agreed_by', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('agreed_by <> signed_by', name=op.f('ck_custody_episode_two_people')),
    sa.ForeignKeyConstraint(['logger_id'], ['custody_place_logger.id'], name=op.f('fk_custody_episode_logger_id')),
    sa.ForeignKeyConstraint(['place_id'], ['custody_place.id'], name=op.f('fk_custody_episode_place_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custody_episode'))
    )
    op.create_index(op.f('ix_custody_episode_logger_id'), 'custody_episode', ['logger_id'], unique=False)
    op.create_index(op.f('ix_custody_episode_state'), 'custody_episode', ['state'], unique=False)
    op.create_index('ix_custody_episode_time', 'custody_episode', ['place_id', 'began_at'], unique=False)
    with op.batch_alter_table('custody_hold', schema=None) as batch_op:
        batch_op.add_column(sa.Column('episode_id', sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(op.f('fk_custody_hold_episode_id'), 'custody_episode', ['episode_id'], ['id'])
        batch_op.create_index(batch_op.f('ix_custody_hold_episode_id'), ['episode_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('custody_hold', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_custody_hold_episode_id'))
        batch_op.drop_constraint(op.f('fk_custody_hold_episode_id'), type_='foreignkey')
        batch_op.drop_column('episode_id')
    op.drop_table('custody_episode')
    op.drop_table('custody_place_record')
    op.drop_table('custody_place_logger')
