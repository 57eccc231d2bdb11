"""What alembic runs: the migrations, on the connection that `app.database` prepared."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("migrations run through `python -m app.manage migrate`, which locks the database first")

context.configure(connection=connection, transactional_ddl=True)
context.run_migrations()
