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
