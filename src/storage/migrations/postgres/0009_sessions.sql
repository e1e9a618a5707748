-- People who signed in. Of what their browser holds only the hash is kept.

CREATE TABLE sessions (
    hash       TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- SHA-256 of the secret
    key_id     TEXT COLLATE "C" NOT NULL REFERENCES keys (id), -- whose
    created_ms BIGINT NOT NULL,
    used_ms    BIGINT NOT NULL, -- to the minute
    ended_ms   BIGINT -- when they signed out
);
CREATE INDEX sessions_of_key ON sessions (key_id);
