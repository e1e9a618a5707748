-- The same tables as SQLite's after its migration of this number: backups carry rows from one to the other. Texts sort by
-- their bytes, as they do there.

CREATE TABLE brands (
    id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL,
    budget  DOUBLE PRECISION, -- NULL for the operator's
    retired BIGINT NOT NULL DEFAULT 0,
    changes BIGINT NOT NULL DEFAULT 0 -- how often anything changed that a check of the brand is judged by
);

CREATE TABLE products (
    brand   TEXT COLLATE "C" NOT NULL REFERENCES brands (id),
    id      TEXT COLLATE "C" NOT NULL,
    name    TEXT NOT NULL,
    budget  DOUBLE PRECISION, -- NULL for the brand's
    retired BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (brand, id)
);

-- A removed reference stays: earlier checks were made with it, and their evidence must still open.
CREATE TABLE enrolled_references (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    brand      TEXT COLLATE "C" NOT NULL,
    product    TEXT COLLATE "C" NOT NULL,
    kind       TEXT   NOT NULL,
    view       TEXT,
    sha256     TEXT COLLATE "C" NOT NULL,
    width      BIGINT NOT NULL,
    height     BIGINT NOT NULL,
    article    TEXT, -- JSON: x, y, width, height in pixels
    marks      TEXT   NOT NULL, -- JSON
    health     TEXT   NOT NULL, -- JSON
    created_ms BIGINT NOT NULL,
    removed_ms BIGINT,
    actor      TEXT   NOT NULL DEFAULT 'local',
    change     BIGINT NOT NULL DEFAULT 0, -- the count of `references` when it was last added, removed, or taken in or out of use
    FOREIGN KEY (brand, product) REFERENCES products (brand, id)
);
CREATE UNIQUE INDEX one_reference_per_image ON enrolled_references (brand, product, sha256) WHERE removed_ms IS NULL;
CREATE INDEX references_by_change ON enrolled_references (change, id);

CREATE TABLE genuine_photos (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    brand      TEXT COLLATE "C" NOT NULL,
    product    TEXT COLLATE "C" NOT NULL,
    item       TEXT   NOT NULL,
    sha256     TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    actor      TEXT   NOT NULL DEFAULT 'local',
    FOREIGN KEY (brand, product) REFERENCES products (brand, id),
    UNIQUE (brand, product, sha256)
);

CREATE TABLE genuine_scores (
    photo    TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES genuine_photos (id) ON DELETE CASCADE,
    version  TEXT COLLATE "C" NOT NULL,
    score    DOUBLE PRECISION, -- NULL when the photo is not comparable
    informed DOUBLE PRECISION -- the score less what the product's other items show too; NULL until that is known
);

-- Beside the scores, which are read more often: a sighting is a thousand times as large.
CREATE TABLE genuine_sightings (
    photo    TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES genuine_photos (id) ON DELETE CASCADE,
    version  TEXT COLLATE "C" NOT NULL,
    sighting TEXT NOT NULL -- JSON, the checker's own
);

-- Of each product, what its genuine photos show together under one version of models and references.
CREATE TABLE variations (
    brand     TEXT COLLATE "C" NOT NULL,
    product   TEXT COLLATE "C" NOT NULL,
    version   TEXT COLLATE "C" NOT NULL,
    photos    BIGINT NOT NULL, -- from how many sightings
    variation TEXT NOT NULL, -- JSON, the checker's own
    PRIMARY KEY (brand, product, version),
    FOREIGN KEY (brand, product) REFERENCES products (brand, id)
);

-- What answers were judged by. A row is written once, before the first answer that names it, and never changed or removed.
CREATE TABLE operating_points (
    id   TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- a hash over the content
    body TEXT NOT NULL -- JSON, as callers get it
);

CREATE TABLE checks (
    id      TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- UUIDv7: sorts by time
    verdict TEXT COLLATE "C" NOT NULL,
    brand   TEXT COLLATE "C",
    seller  TEXT COLLATE "C",
    answer  TEXT NOT NULL, -- JSON, as the caller got it
    actor   TEXT NOT NULL DEFAULT 'local'
);
CREATE INDEX checks_by_verdict ON checks (verdict, id);
CREATE INDEX checks_by_brand ON checks (brand, id);

CREATE TABLE check_photos (
    check_id    TEXT COLLATE "C" NOT NULL REFERENCES checks (id),
    n           BIGINT NOT NULL,
    sha256      TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA, -- 16 bytes, NULL when the photo could not be decoded
    PRIMARY KEY (check_id, n)
);
CREATE INDEX check_photos_by_content ON check_photos (sha256);

-- Counters that tell every process, cheaply, that another one changed what it keeps in memory.
CREATE TABLE changes (
    what  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL
);
INSERT INTO changes (what, count) VALUES ('references', 0);

CREATE TABLE jobs (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind          TEXT COLLATE "C" NOT NULL,
    key           TEXT COLLATE "C" NOT NULL, -- what it is about
    actor         TEXT   NOT NULL,
    state         TEXT COLLATE "C" NOT NULL, -- queued, running, done, failed
    attempt       BIGINT NOT NULL, -- number of the lease, 0 before the first
    most_attempts BIGINT NOT NULL,
    worker        TEXT, -- who holds or held it
    due_ms        BIGINT NOT NULL, -- queued: not before; running: the end of the lease
    error         TEXT,
    created_ms    BIGINT NOT NULL,
    ended_ms      BIGINT
);
CREATE UNIQUE INDEX one_job_waits ON jobs (kind, key) WHERE state = 'queued';
CREATE UNIQUE INDEX one_job_runs ON jobs (kind, key) WHERE state = 'running';
CREATE INDEX jobs_due ON jobs (kind, state, due_ms);
