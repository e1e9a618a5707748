-- Photos that must never be flagged under a claim on their product.
CREATE TABLE authorised_photos (
    id         TEXT NOT NULL PRIMARY KEY,
    brand      TEXT NOT NULL,
    product    TEXT NOT NULL,
    note       TEXT NOT NULL, -- what it is, for people
    sha256     TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    FOREIGN KEY (brand, product) REFERENCES products (brand, id),
    UNIQUE (brand, product, sha256)
);
CREATE INDEX authorised_photos_by_content ON authorised_photos (sha256);
