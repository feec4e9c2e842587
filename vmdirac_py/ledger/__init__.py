"""The database: SQLAlchemy Core and Alembic, frozen values in and out; `vmdirac_py.ledger.api` is its contract."""
