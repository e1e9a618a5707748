-- What an owner sets of a brand or a product: its own budget, and whether it is retired.

ALTER TABLE brands ADD COLUMN budget REAL; -- NULL for the operator's
ALTER TABLE brands ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;
ALTER TABLE products ADD COLUMN budget REAL; -- NULL for the brand's
ALTER TABLE products ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;

-- Retired references are not searched: every process has to read the gallery anew.
CREATE TRIGGER brand_retired AFTER UPDATE OF retired ON brands WHEN old.retired <> new.retired BEGIN
    UPDATE changes SET count = count + 1 WHERE what = 'references';
END;
CREATE TRIGGER product_retired AFTER UPDATE OF retired ON products WHEN old.retired <> new.retired BEGIN
    UPDATE changes SET count = count + 1 WHERE what = 'references';
END;
