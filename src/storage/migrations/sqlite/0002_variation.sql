-- What genuine photos show of the references, so that what genuine goods show too does not speak against a photo.

-- The score less what the product's other items show too; NULL until that is known.
ALTER TABLE genuine_scores ADD COLUMN informed REAL;

-- Beside the scores, which every check reads: a sighting is a thousand times as large.
CREATE TABLE genuine_sightings (
    photo    TEXT NOT NULL PRIMARY KEY REFERENCES genuine_photos (id) ON DELETE CASCADE,
    version  TEXT NOT NULL,
    sighting TEXT NOT NULL -- JSON, the checker's own
) STRICT;

-- Of each product, what its genuine photos show together under one version of models and references.
CREATE TABLE variations (
    brand     TEXT    NOT NULL,
    product   TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    photos    INTEGER NOT NULL, -- from how many sightings
    variation TEXT    NOT NULL, -- JSON, the checker's own
    PRIMARY KEY (brand, product, version),
    FOREIGN KEY (brand, product) REFERENCES products (brand, id)
) STRICT, WITHOUT ROWID;
