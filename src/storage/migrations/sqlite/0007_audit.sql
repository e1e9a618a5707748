-- What was done, by whom and why: added to within the transaction that does it, and never changed.

CREATE TABLE audit (
    seq   INTEGER NOT NULL PRIMARY KEY, -- 1, 2, 3 and so on, without gaps
    entry TEXT    NOT NULL, -- JSON: the exact text that is hashed
    hash  TEXT    NOT NULL, -- SHA-256 of the hash before it (64 zeros before the first), a line feed, and the entry
    about TEXT    NOT NULL  -- what the entry is about, to look it up by
) STRICT;
CREATE INDEX audit_by_about ON audit (about, seq);

-- How far the log is, in one row: who adds an entry waits here for the others.
CREATE TABLE audit_head (
    seq  INTEGER NOT NULL PRIMARY KEY,
    hash TEXT    NOT NULL
) STRICT;
INSERT INTO audit_head (seq, hash) VALUES (0, '0000000000000000000000000000000000000000000000000000000000000000');

-- Against slips, not against attackers: who can drop a trigger can change the log. That shows by its hashes, and by
-- checkpoints that are kept elsewhere.
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is only ever added to');
END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is only ever added to');
END;

-- Why the bytes of a photo are gone, and since when; NULL while they are kept. Its fingerprint goes with them.
ALTER TABLE check_photos ADD COLUMN removed_by TEXT; -- retention, erasure
ALTER TABLE check_photos ADD COLUMN removed_ms INTEGER;
CREATE INDEX check_photos_kept ON check_photos (check_id) WHERE fingerprint IS NOT NULL;
-- Whether anything else needs an image is asked before it is removed.
CREATE INDEX references_by_content ON enrolled_references (sha256);
CREATE INDEX genuine_photos_by_content ON genuine_photos (sha256);

-- Counts removals of images: who keeps one, then its record, keeps it again when this moved meanwhile.
INSERT INTO changes (what, count) VALUES ('removals', 0);

-- Checks whose photos and ids are kept, whatever would remove them.
CREATE TABLE holds (
    check_id   TEXT NOT NULL PRIMARY KEY REFERENCES checks (id),
    why        TEXT NOT NULL,
    actor      TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
