-- What answers were judged by. A row is written once, before the first answer that names it, and never changed or removed.

CREATE TABLE operating_points (
    id   TEXT NOT NULL PRIMARY KEY, -- a hash over the content
    body TEXT NOT NULL -- JSON, as callers get it
) STRICT;

CREATE TRIGGER genuine_photo_removed AFTER DELETE ON genuine_photos BEGIN
    UPDATE changes SET count = count + 1 WHERE what = 'genuine_photos';
END;
