"""The database of studies: SQLite beside a study, or PostgreSQL by address; its schema, and writers in turn."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, select, text
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.pool import QueuePool

from lcoins.study.tables import SCHEMA, metadata, schema_version

FILE_NAME = "votes.sqlite"
BUSY_SECONDS = 20  # that a writer waits for another one
LOCK = 7_134_082  # PostgreSQL's number of the lock that makes writers wait for each other, as SQLite's do anyway


class Database:
    """A database by its address. Raises ValueError for an address that cannot be read."""

    def __init__(self, url: str) -> None:
        self.lock = threading.Lock()
        try:
            self.engine = open_engine(url)
        except (ArgumentError, NoSuchModuleError) as error:
            raise ValueError(f"cannot read the address of the store: {error}; check --store") from error
        except ModuleNotFoundError as error:
            raise ValueError(
                f"this store needs {error.name}, which is not installed; for PostgreSQL: pip install 'psycopg[binary]'"
            ) from error

    @contextmanager
    def opening(self) -> Iterator[Connection]:
        """The first transaction, which writes, in a database with all tables.

        Raises ValueError for a database of another SCHEMA, or that cannot be opened.
        """
        try:
            with self.writing() as connection:
                metadata.create_all(connection)
                _expect_schema(connection)
                yield connection
        except DatabaseError as error:  # a file that is none among it
            raise ValueError(f"cannot open the store {self.engine.url!r}: {error.orig}; check --store") from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; the next one waits for its end.

        The lock lets this program's threads take turns: SQLite's own waiting is unfair, and where fifty people vote at
        once some would wait until the busy timeout.
        """
        with self.lock, self.engine.execution_options(writes=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            yield connection

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def _expect_schema(connection: Connection) -> None:
    found = connection.execute(select(schema_version.c.version)).scalars().all()
    if not found:
        connection.execute(insert(schema_version).values(version=SCHEMA))
    elif found != [SCHEMA]:
        raise ValueError(
            f"the store has tables of version {found[0]}, this lcoins has {SCHEMA}; use the lcoins that wrote it, "
            f"or name another store with --store"
        )


def open_engine(url: str) -> Engine:
    """An engine for SQLite (write-ahead log, full sync, busy timeout) or PostgreSQL, by SQLAlchemy's address."""
    if not url.startswith(("sqlite:", "postgresql")):
        raise ValueError(
            f"expected a store as sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME, got {url!r}; check --store"
        )
    if not url.startswith("sqlite:"):
        return create_engine(url, pool_size=10, max_overflow=40, pool_pre_ping=True)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=10,
        max_overflow=40,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def settings(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # or the driver would begin transactions later than it is told to
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes then would fail, not wait, where another one wrote in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine


def store_url(folder: Path) -> str:
    """The address of the SQLite file beside a study."""
    path = str((folder / FILE_NAME).resolve())
    return URL.create("sqlite", database=path).render_as_string()
