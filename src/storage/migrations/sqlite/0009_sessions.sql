-- People who signed in. Of what their browser holds only the hash is kept.

CREATE TABLE sessions (
    hash       TEXT NOT NULL PRIMARY KEY, -- SHA-256 of the secret
    key_id     TEXT NOT NULL REFERENCES keys (id), -- whose
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL, -- to the minute
    ended_ms   INTEGER -- when they signed out
) STRICT;
CREATE INDEX sessions_of_key ON sessions (key_id);
