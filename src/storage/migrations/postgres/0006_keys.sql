-- Keys, by which callers are known. Of a secret only its hash is kept.

CREATE TABLE keys (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    role       TEXT COLLATE "C" NOT NULL,
    brands     TEXT,             -- JSON: the ids of the brands that it sees, NULL for all
    hash       TEXT COLLATE "C" NOT NULL, -- SHA-256 of the secret
    actor      TEXT    NOT NULL, -- who made it
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT,
    revoked_ms BIGINT,
    used_ms    BIGINT
);
CREATE UNIQUE INDEX keys_by_hash ON keys (hash);
