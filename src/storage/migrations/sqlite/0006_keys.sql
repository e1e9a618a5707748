-- Keys, by which callers are known. Of a secret only its hash is kept.

CREATE TABLE keys (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    brands     TEXT,             -- JSON: the ids of the brands that it sees, NULL for all
    hash       TEXT    NOT NULL, -- SHA-256 of the secret
    actor      TEXT    NOT NULL, -- who made it
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER,
    used_ms    INTEGER
) STRICT;
CREATE UNIQUE INDEX keys_by_hash ON keys (hash);
