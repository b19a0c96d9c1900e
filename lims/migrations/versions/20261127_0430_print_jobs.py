"""Labels in jobs: one turn at each printer, a state for each copy, printers that can be asked."""

import sqlalchemy as sa
from alembic import op

import lims.core.db

revision = '20261127_0430'
down_revision = '20261127_0410'
branch_labels = None
depends_on = None

_INSTANT = lims.core.db.Instant(timezone=True)
_COUNTER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
# Old word, new word, and whether it has a printer where that decides.
_UP = (
    ("'requested'", 'waiting', None),
    ("'drawing'", 'waiting', None),
    ("'drawn'", 'waiting', 'printer IS NOT NULL'),
    ("'void'", 'cancelled', None),
)
_DOWN = (
    ("'waiting'", 'requested', None),
    ("'printed', 'verified'", 'sent', None),
    ("'cancelled', 'destroyed'", 'void', None),
)


def upgrade() -> None:
    op.create_table('labels_job',
    sa.Column('number', _COUNTER, autoincrement=True, nullable=False),
    sa.Column('template', sa.String(length=60), nullable=False),
    sa.Column('requested_by', sa.Text(), nullable=False),
    sa.Column('requested_at', _INSTANT, nullable=False),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_labels_job'))
    )
    op.create_table('labels_turn',
    sa.Column('printer', sa.String(length=60), nullable=False),
    sa.Column('holder', sa.String(length=120), nullable=True),
    sa.Column('until', _INSTANT, nullable=True),
    sa.Column('health', sa.String(length=40), nullable=True),
    sa.Column('said', sa.Text(), nullable=True),
    sa.Column('since', _INSTANT, nullable=True),
    sa.Column('seen_at', _INSTANT, nullable=True),
    sa.Column('rests_until', _INSTANT, nullable=True),
    sa.Column('answered', sa.Boolean(), nullable=True),
    sa.Column('asked_at', _INSTANT, nullable=True),
    sa.Column('test_asked_at', _INSTANT, nullable=True),
    sa.Column('test_said', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('printer', name=op.f('pk_labels_turn'))
    )
    with op.batch_alter_table('labels_request') as batch:
        batch.add_column(sa.Column('job', _COUNTER, nullable=True))
        batch.add_column(sa.Column('place', sa.Integer(), nullable=True))
        batch.add_column(sa.Column('remote', sa.Integer(), nullable=True))
        batch.create_index(op.f('ix_labels_request_job'), ['job'])
        batch.create_foreign_key(op.f('fk_labels_request_job'), 'labels_job', ['job'], ['number'])
    op.add_column('labels_printer', sa.Column('language', sa.String(length=8), nullable=True))
    op.add_column('labels_printer', sa.Column('dpi', sa.Integer(), nullable=True))
    op.add_column('labels_printer', sa.Column('answers', sa.Boolean(), nullable=True))
    op.add_column('labels_printer', sa.Column('paused_at', _INSTANT, nullable=True))
    op.add_column('labels_printer', sa.Column('agent_hash', sa.String(length=64), nullable=True))
    _words(_UP)
    # What waits belongs to one job of its own, so that it is printed in front of what comes.
    op.execute("""INSERT INTO labels_job (template, requested_by, requested_at)
        SELECT min(template), min(requested_by), min(requested_at) FROM labels_request
        WHERE state = 'waiting' HAVING count(*) > 0""")
    op.execute("""UPDATE labels_request SET place = 0, job = (SELECT max(number) FROM labels_job)
        WHERE state = 'waiting'""")


def downgrade() -> None:
    _words(_DOWN)
    for each in ('agent_hash', 'paused_at', 'answers', 'dpi', 'language'):
        op.drop_column('labels_printer', each)
    with op.batch_alter_table('labels_request') as batch:
        batch.drop_constraint(op.f('fk_labels_request_job'), type_='foreignkey')
        batch.drop_index(op.f('ix_labels_request_job'))
        for each in ('remote', 'place', 'job'):
            batch.drop_column(each)
    op.drop_table('labels_turn')
    op.drop_table('labels_job')


def _words(table: tuple[tuple[str, str, str | None], ...]) -> None:
    for old, new, where in table:
        more = f' AND {where}' if where else ''
        op.execute(f"UPDATE labels_request SET state = '{new}' WHERE state IN ({old}){more}")
