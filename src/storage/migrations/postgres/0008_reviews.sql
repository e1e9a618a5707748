-- What people do about checks: a queue of those that were flagged or disputed, who looks at which, disputes and decisions.

ALTER TABLE checks ADD COLUMN listing TEXT COLLATE "C";
UPDATE checks SET listing = answer::json ->> 'listing_id';
CREATE INDEX checks_by_seller ON checks (seller, id);
CREATE INDEX checks_by_listing ON checks (listing, id);

CREATE TABLE reviews (
    check_id      TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES checks (id),
    state         TEXT COLLATE "C" NOT NULL, -- open, waiting, decided
    disputed      BIGINT NOT NULL, -- 1 while a dispute waits for an answer
    since_ms      BIGINT NOT NULL, -- since when it stands so
    verdict       TEXT COLLATE "C" NOT NULL,
    brand         TEXT COLLATE "C",
    rank          DOUBLE PRECISION NOT NULL, -- the check's p-value, 2 without one
    holder        TEXT COLLATE "C", -- who looks at it
    holder_label  TEXT,
    held_until_ms BIGINT
);
CREATE INDEX reviews_by_age ON reviews (state, disputed, since_ms, check_id);
CREATE INDEX reviews_by_rank ON reviews (state, disputed, rank, check_id);
CREATE INDEX reviews_of_brand ON reviews (brand, state, disputed, since_ms, check_id);

-- The words of a check's listing and seller, in lower case: they are searched by their beginning.
CREATE TABLE review_words (
    word     TEXT COLLATE "C" NOT NULL,
    check_id TEXT COLLATE "C" NOT NULL REFERENCES reviews (check_id),
    PRIMARY KEY (word, check_id)
);
CREATE INDEX review_words_of_check ON review_words (check_id);

CREATE TABLE disputes (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    check_id     TEXT COLLATE "C" NOT NULL REFERENCES checks (id),
    statement    TEXT NOT NULL,
    photos_check TEXT COLLATE "C" REFERENCES checks (id), -- the check of the photos that came with it
    actor        TEXT NOT NULL,
    created_ms   BIGINT NOT NULL
);
CREATE INDEX disputes_of_check ON disputes (check_id, id);

-- A decision is never changed: another one after it undoes it.
CREATE TABLE decisions (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    check_id   TEXT COLLATE "C" NOT NULL REFERENCES checks (id),
    outcome    TEXT COLLATE "C" NOT NULL, -- uphold, overturn, need_photo
    reason     TEXT NOT NULL,
    dispute    TEXT COLLATE "C" REFERENCES disputes (id), -- the one that it answers
    actor      TEXT COLLATE "C" NOT NULL,
    label      TEXT NOT NULL, -- the actor's name for people
    created_ms BIGINT NOT NULL
);
CREATE INDEX decisions_of_check ON decisions (check_id, id);

-- Checks of before: those that were flagged wait for somebody. Of their ids only the whole is searched.
INSERT INTO reviews (check_id, state, disputed, since_ms, verdict, brand, rank)
SELECT id, 'open', 0, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT), verdict, brand, coalesce((answer::json ->> 'p_value')::double precision, 2)
FROM checks WHERE verdict IN ('deviates', 'no_brand_seen');
INSERT INTO review_words (word, check_id)
SELECT lower(c.listing), c.id FROM checks c JOIN reviews r ON r.check_id = c.id WHERE c.listing IS NOT NULL ON CONFLICT DO NOTHING;
INSERT INTO review_words (word, check_id)
SELECT lower(c.seller), c.id FROM checks c JOIN reviews r ON r.check_id = c.id WHERE c.seller IS NOT NULL ON CONFLICT DO NOTHING;
