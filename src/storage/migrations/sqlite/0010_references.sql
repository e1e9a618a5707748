-- What an owner says of a reference besides its picture, and what of checks is counted by product.

-- Which edition of the article the picture shows; NULL where nothing was said.
ALTER TABLE enrolled_references ADD COLUMN valid_from TEXT; -- the first day that it is sold, YYYY-MM-DD
ALTER TABLE enrolled_references ADD COLUMN valid_to TEXT; -- the last day that it is sold
ALTER TABLE enrolled_references ADD COLUMN markets TEXT; -- JSON: codes of countries that it is sold in
ALTER TABLE enrolled_references ADD COLUMN variant_of TEXT; -- the reference of the same product that it is a variant of

-- The product that a check claims.
ALTER TABLE checks ADD COLUMN product TEXT;
UPDATE checks SET product = json_extract(answer, '$.claim.product');
