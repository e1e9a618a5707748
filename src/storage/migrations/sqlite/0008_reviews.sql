-- What people do about checks: a queue of those that were flagged or disputed, who looks at which, disputes and decisions.

ALTER TABLE checks ADD COLUMN listing TEXT;
UPDATE checks SET listing = json_extract(answer, '$.listing_id');
CREATE INDEX checks_by_seller ON checks (seller, id);
CREATE INDEX checks_by_listing ON checks (listing, id);

CREATE TABLE reviews (
    check_id      TEXT NOT NULL PRIMARY KEY REFERENCES checks (id),
    state         TEXT NOT NULL, -- open, waiting, decided
    disputed      INTEGER NOT NULL, -- 1 while a dispute waits for an answer
    since_ms      INTEGER NOT NULL, -- since when it stands so
    verdict       TEXT NOT NULL,
    brand         TEXT,
    rank          REAL NOT NULL, -- the check's p-value, 2 without one
    holder        TEXT, -- who looks at it
    holder_label  TEXT,
    held_until_ms INTEGER
) STRICT;
CREATE INDEX reviews_by_age ON reviews (state, disputed, since_ms, check_id);
CREATE INDEX reviews_by_rank ON reviews (state, disputed, rank, check_id);
CREATE INDEX reviews_of_brand ON reviews (brand, state, disputed, since_ms, check_id);

-- The words of a check's listing and seller, in lower case: they are searched by their beginning.
CREATE TABLE review_words (
    word     TEXT NOT NULL,
    check_id TEXT NOT NULL REFERENCES reviews (check_id),
    PRIMARY KEY (word, check_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX review_words_of_check ON review_words (check_id);

CREATE TABLE disputes (
    id           TEXT NOT NULL PRIMARY KEY,
    check_id     TEXT NOT NULL REFERENCES checks (id),
    statement    TEXT NOT NULL,
    photos_check TEXT REFERENCES checks (id), -- the check of the photos that came with it
    actor        TEXT NOT NULL,
    created_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX disputes_of_check ON disputes (check_id, id);

-- A decision is never changed: another one after it undoes it.
CREATE TABLE decisions (
    id         TEXT NOT NULL PRIMARY KEY,
    check_id   TEXT NOT NULL REFERENCES checks (id),
    outcome    TEXT NOT NULL, -- uphold, overturn, need_photo
    reason     TEXT NOT NULL,
    dispute    TEXT REFERENCES disputes (id), -- the one that it answers
    actor      TEXT NOT NULL,
    label      TEXT NOT NULL, -- the actor's name for people
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX decisions_of_check ON decisions (check_id, id);

-- Checks of before: those that were flagged wait for somebody. Of their ids only the whole is searched.
INSERT INTO reviews (check_id, state, disputed, since_ms, verdict, brand, rank)
SELECT id, 'open', 0, CAST(unixepoch('subsec') * 1000 AS INTEGER), verdict, brand, coalesce(json_extract(answer, '$.p_value'), 2)
FROM checks WHERE verdict IN ('deviates', 'no_brand_seen');
INSERT INTO review_words (word, check_id)
SELECT lower(c.listing), c.id FROM checks c JOIN reviews r ON r.check_id = c.id WHERE c.listing IS NOT NULL ON CONFLICT DO NOTHING;
INSERT INTO review_words (word, check_id)
SELECT lower(c.seller), c.id FROM checks c JOIN reviews r ON r.check_id = c.id WHERE c.seller IS NOT NULL ON CONFLICT DO NOTHING;
