"""The shapes of the journal's file, one after the other: numbered, append-only, never edited.

``PRAGMA user_version`` says which of them a file has been through. Each runs in a transaction of
its own together with the new number, so a kernel that dies in the middle leaves the old shape.
Only what SQLite 3.31 knows is used: some systems with Python 3.10 have nothing newer.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import Db

Migration = Callable[[Db], None]


def _001_journal(db: Db) -> None:
    """Who works here, what was ordered, what came of it."""
    _run(
        db,
        """
        CREATE TABLE kernels (
            id TEXT PRIMARY KEY,
            host TEXT NOT NULL, boot TEXT NOT NULL, space TEXT NOT NULL,
            pid INTEGER NOT NULL, born TEXT NOT NULL,
            notebook TEXT,
            started_at REAL NOT NULL,
            beat INTEGER NOT NULL DEFAULT 0,
            beat_at REAL NOT NULL
        )
        """,
        """
        CREATE TABLE takes (
            n INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            key TEXT NOT NULL,
            number INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            state TEXT NOT NULL,
            gateway TEXT NOT NULL, base_url TEXT NOT NULL, sandbox INTEGER NOT NULL,
            model TEXT, provider TEXT, prompt TEXT, title TEXT,
            request TEXT NOT NULL,
            notes TEXT NOT NULL DEFAULT '[]',
            job_id TEXT, request_id TEXT, answer TEXT,
            price TEXT, reserved_usd REAL, cost_usd REAL, cost_credits REAL,
            known TEXT,
            payer TEXT,
            owner TEXT,
            notebook TEXT,
            created_at REAL NOT NULL, submitted_at REAL, ended_at REAL,
            seconds REAL,
            rating INTEGER, note TEXT,
            imported INTEGER NOT NULL DEFAULT 0,
            deleted_at REAL, deleted_by TEXT
        )
        """,
        # One living attempt per take; failed ones stay, for what they cost.
        """
        CREATE UNIQUE INDEX takes_living ON takes (key, number)
        WHERE state NOT IN ('failed', 'written_off') AND deleted_at IS NULL
        """,
        "CREATE INDEX takes_by_key ON takes (key)",
        "CREATE INDEX takes_by_job ON takes (job_id)",
        """
        CREATE INDEX takes_open ON takes (state)
        WHERE state NOT IN ('kept', 'failed', 'written_off')
        """,
        "CREATE INDEX takes_by_payer ON takes (payer, base_url)",
        "CREATE INDEX takes_by_model ON takes (base_url, model, state)",
        "CREATE INDEX takes_by_day ON takes (created_at)",
        "CREATE INDEX takes_deleted ON takes (deleted_at) WHERE deleted_at IS NOT NULL",
        """
        CREATE TABLE tracks (
            take INTEGER NOT NULL REFERENCES takes (n),
            position INTEGER NOT NULL,
            sha256 TEXT,
            PRIMARY KEY (take, position)
        )
        """,
        "CREATE INDEX tracks_by_sha256 ON tracks (sha256)",
        """
        CREATE TABLE recordings (
            sha256 TEXT PRIMARY KEY,
            suffix TEXT NOT NULL,
            format TEXT NOT NULL,
            size INTEGER NOT NULL,
            kept_at REAL NOT NULL
        )
        """,
        """
        CREATE TABLE events (
            n INTEGER PRIMARY KEY,
            take INTEGER NOT NULL,
            at REAL NOT NULL,
            state TEXT NOT NULL,
            words TEXT
        )
        """,
        "CREATE INDEX events_by_take ON events (take)",
    )


def _002_finding(db: Db) -> None:
    """Tags, ratings and the texts that are searched; the word index itself is made by search.py."""
    _run(
        db,
        """
        CREATE TABLE tags (
            tag TEXT NOT NULL COLLATE NOCASE,
            take INTEGER NOT NULL REFERENCES takes (n),
            PRIMARY KEY (tag, take)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX tags_by_take ON tags (take)",
        """
        CREATE INDEX takes_shown ON takes (n)
        WHERE state = 'kept' AND deleted_at IS NULL
        """,
        "CREATE INDEX takes_rated ON takes (rating) WHERE rating IS NOT NULL",
        # Texts as they are searched; the index over them can be thrown away and made anew.
        """
        CREATE TABLE texts (
            take INTEGER PRIMARY KEY REFERENCES takes (n),
            prompt TEXT, title TEXT, lyrics TEXT, style TEXT, note TEXT
        )
        """,
    )


def _003_limits(db: Db) -> None:
    """Hold what may be spent and stored, over all kernels."""
    _run(
        db,
        "CREATE TABLE budgets (per TEXT PRIMARY KEY, usd REAL NOT NULL)",
        "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    )


def _004_callbacks(db: Db) -> None:
    """Hold which address a service was given to report to (as a hash), and orders of pictures."""
    _run(
        db,
        """
        CREATE TABLE callbacks (
            sha256 TEXT PRIMARY KEY,
            take INTEGER NOT NULL,
            expires_at REAL NOT NULL
        )
        """,
        "CREATE INDEX callbacks_by_take ON callbacks (take)",
        "ALTER TABLE takes ADD COLUMN kind TEXT NOT NULL DEFAULT 'music'",
    )


def _005_experiments(db: Db) -> None:
    """Hold what sweeps consist of, what listeners chose, and what tracks sound like in numbers."""
    _run(
        db,
        """
        CREATE TABLE sweeps (
            name TEXT PRIMARY KEY,
            spec TEXT NOT NULL,
            place TEXT NOT NULL,
            created_at REAL NOT NULL,
            begun_at REAL
        )
        """,
        """
        CREATE TABLE votes (
            n INTEGER PRIMARY KEY AUTOINCREMENT,
            comparison TEXT NOT NULL,
            facts TEXT NOT NULL,
            at REAL NOT NULL
        )
        """,
        "CREATE INDEX votes_by_comparison ON votes (comparison)",
        # By the content of a recording and the version of the arithmetic: made anew at any time.
        """
        CREATE TABLE descriptors (
            sha256 TEXT NOT NULL,
            version INTEGER NOT NULL,
            facts TEXT NOT NULL,
            PRIMARY KEY (sha256, version)
        ) WITHOUT ROWID
        """,
    )


def _006_machines(db: Db) -> None:
    """Hold what waits for any machine to take it up, and what an account may be asked for."""
    _run(
        db,
        "ALTER TABLE takes ADD COLUMN shard TEXT",
        """
        CREATE INDEX takes_in_shards ON takes (shard, state) WHERE shard IS NOT NULL
        """,
        """
        CREATE INDEX takes_at_service ON takes (base_url)
        WHERE state IN ('submitting', 'submitted')
        """,
        """
        CREATE TABLE accounts (
            base_url TEXT PRIMARY KEY,
            per_second REAL,
            at_once INTEGER,
            budget_usd REAL,
            budget_per TEXT,
            next_at REAL NOT NULL DEFAULT 0,
            slowed REAL NOT NULL DEFAULT 1,
            slowed_at REAL NOT NULL DEFAULT 0
        )
        """,
    )


MIGRATIONS: tuple[Migration, ...] = (
    _001_journal,
    _002_finding,
    _003_limits,
    _004_callbacks,
    _005_experiments,
    _006_machines,
)
LATEST = len(MIGRATIONS)


def version_of(db: Db) -> int:
    """Return how many migrations a file has been through."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: Db) -> None:
    """Bring a file to the latest shape, one committed step at a time."""
    for number, migration in enumerate(MIGRATIONS, start=1):
        if version_of(db) >= number:
            continue
        db.execute("BEGIN IMMEDIATE")
        try:
            if version_of(db) < number:  # another kernel may have been quicker
                migration(db)
                db.execute(f"PRAGMA user_version = {number}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def _run(db: Db, *statements: str) -> None:
    for statement in statements:
        db.execute(statement)
