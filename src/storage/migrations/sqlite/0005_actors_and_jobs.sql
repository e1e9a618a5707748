-- Who did what, work that outlives its worker, and counters that the program itself moves: the same statements serve
-- Postgres then, and a check reads all that its claim rests on in one query.

ALTER TABLE enrolled_references ADD COLUMN actor TEXT NOT NULL DEFAULT 'local';
ALTER TABLE genuine_photos ADD COLUMN actor TEXT NOT NULL DEFAULT 'local';
ALTER TABLE checks ADD COLUMN actor TEXT NOT NULL DEFAULT 'local';

DROP TRIGGER reference_added;
DROP TRIGGER reference_removed;
DROP TRIGGER genuine_photo_added;
DROP TRIGGER genuine_photo_removed;
DROP TRIGGER brand_retired;
DROP TRIGGER product_retired;

-- How often anything changed that a check of the brand is judged by.
ALTER TABLE brands ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;

-- The count of `references` when the row was last added, removed, or taken in or out of use.
ALTER TABLE enrolled_references ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
UPDATE changes SET count = count + 1 WHERE what = 'references';
UPDATE enrolled_references SET change = (SELECT count FROM changes WHERE what = 'references');
CREATE INDEX references_by_change ON enrolled_references (change, id);
DELETE FROM changes WHERE what = 'genuine_photos';

CREATE TABLE jobs (
    id             TEXT    NOT NULL PRIMARY KEY,
    kind           TEXT    NOT NULL,
    key            TEXT    NOT NULL, -- what it is about
    actor          TEXT    NOT NULL,
    state          TEXT    NOT NULL, -- queued, running, done, failed
    attempt        INTEGER NOT NULL, -- number of the lease, 0 before the first
    most_attempts  INTEGER NOT NULL,
    worker         TEXT,             -- who holds or held it
    due_ms         INTEGER NOT NULL, -- queued: not before; running: the end of the lease
    error          TEXT,
    created_ms     INTEGER NOT NULL,
    ended_ms       INTEGER
) STRICT;
CREATE UNIQUE INDEX one_job_waits ON jobs (kind, key) WHERE state = 'queued';
CREATE UNIQUE INDEX one_job_runs ON jobs (kind, key) WHERE state = 'running';
CREATE INDEX jobs_due ON jobs (kind, state, due_ms);
