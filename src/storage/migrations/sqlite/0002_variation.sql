-- What genuine photos show, so that a check can tell what forgers did from what genuine goods have too.

ALTER TABLE genuine_scores ADD COLUMN sighting TEXT; -- JSON, the checker's own; NULL when the photo is not comparable
ALTER TABLE genuine_scores ADD COLUMN informed REAL; -- less what the other items show too; NULL until that is known

-- Of each product, what its genuine photos show together under one version of models and references.
CREATE TABLE variations (
    brand     TEXT NOT NULL,
    product   TEXT NOT NULL,
    version   TEXT NOT NULL,
    variation TEXT NOT NULL, -- JSON, the checker's own
    PRIMARY KEY (brand, product),
    FOREIGN KEY (brand, product) REFERENCES products (brand, id)
) STRICT, WITHOUT ROWID;
