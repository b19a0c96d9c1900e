"""Alembic's entry: runs on the connection that `upgrade` hands over."""

from alembic import context

from lims.ledger import guards
from lims.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
)
with guards.upgrading(connection), context.begin_transaction():
    context.run_migrations()
