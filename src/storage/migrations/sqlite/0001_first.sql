-- Brands, products, references, genuine photos with their scores, and checks. Images lie beside the database as files.

CREATE TABLE brands (
    id   TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE products (
    brand TEXT NOT NULL REFERENCES brands (id),
    id    TEXT NOT NULL,
    name  TEXT NOT NULL,
    PRIMARY KEY (brand, id)
) STRICT, WITHOUT ROWID;

-- A removed reference stays: earlier checks were made with it, and their evidence must still open.
CREATE TABLE enrolled_references (
    id         TEXT    NOT NULL PRIMARY KEY,
    brand      TEXT    NOT NULL,
    product    TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    view       TEXT,
    sha256     TEXT    NOT NULL,
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    article    TEXT, -- JSON: x, y, width, height in pixels
    marks      TEXT    NOT NULL, -- JSON
    health     TEXT    NOT NULL, -- JSON
    created_ms INTEGER NOT NULL,
    removed_ms INTEGER,
    FOREIGN KEY (brand, product) REFERENCES products (brand, id)
) STRICT;
CREATE UNIQUE INDEX one_reference_per_image ON enrolled_references (brand, product, sha256) WHERE removed_ms IS NULL;

CREATE TABLE genuine_photos (
    id         TEXT    NOT NULL PRIMARY KEY,
    brand      TEXT    NOT NULL,
    product    TEXT    NOT NULL,
    item       TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    FOREIGN KEY (brand, product) REFERENCES products (brand, id),
    UNIQUE (brand, product, sha256)
) STRICT;

CREATE TABLE genuine_scores (
    photo   TEXT NOT NULL PRIMARY KEY REFERENCES genuine_photos (id) ON DELETE CASCADE,
    version TEXT NOT NULL,
    score   REAL -- NULL when the photo is not comparable
) STRICT;

CREATE TABLE checks (
    id      TEXT NOT NULL PRIMARY KEY, -- UUIDv7: sorts by time
    verdict TEXT NOT NULL,
    brand   TEXT,
    seller  TEXT,
    answer  TEXT NOT NULL -- JSON, as the caller got it
) STRICT;
CREATE INDEX checks_by_verdict ON checks (verdict, id);
CREATE INDEX checks_by_brand ON checks (brand, id);

CREATE TABLE check_photos (
    check_id    TEXT    NOT NULL REFERENCES checks (id),
    n           INTEGER NOT NULL,
    sha256      TEXT    NOT NULL,
    fingerprint BLOB, -- 16 bytes, NULL when the photo could not be decoded
    PRIMARY KEY (check_id, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_photos_by_content ON check_photos (sha256);

-- Counters that tell every process, cheaply, that another one changed what it keeps in memory.
CREATE TABLE changes (
    what  TEXT    NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO changes (what, count) VALUES ('references', 0), ('genuine_photos', 0);

CREATE TRIGGER reference_added AFTER INSERT ON enrolled_references BEGIN
    UPDATE changes SET count = count + 1 WHERE what = 'references';
END;
CREATE TRIGGER reference_removed AFTER UPDATE OF removed_ms ON enrolled_references BEGIN
    UPDATE changes SET count = count + 1 WHERE what = 'references';
END;
CREATE TRIGGER genuine_photo_added AFTER INSERT ON genuine_photos BEGIN
    UPDATE changes SET count = count + 1 WHERE what = 'genuine_photos';
END;
