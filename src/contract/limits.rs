//! How much one request may hold. Requests are checked against these numbers, and the OpenAPI
//! document states them.

/// Shares of genuine checks that may be flagged.
pub const BUDGETS: std::ops::RangeInclusive<f64> = 0.0001..=0.5;
/// Most photos in one check.
pub const MOST_PHOTOS: usize = 12;
/// Most markets of one reference: more countries there are not.
pub const MOST_MARKETS: usize = 249;
/// Most marks given with one reference.
pub const MOST_MARKS: usize = 24;
/// Fewest corners of a mark's region: less has no area.
pub const LEAST_CORNERS: usize = 3;
/// Most corners of a mark's region.
pub const MOST_CORNERS: usize = 64;
/// Longest id that a caller chooses, in characters.
// Short, since several of them stand in one path.
pub const LONGEST_ID: usize = 64;
/// Longest text for people, such as a name, and longest id of a listing or seller, in characters.
pub const LONGEST_TEXT: usize = 200;
/// Longest statement of a seller and longest reason of a decision, in characters.
pub const LONGEST_STATEMENT: usize = 4000;
/// Most words that checks are searched by at a time.
pub const MOST_WORDS: usize = 8;
/// Checks on one page when the caller does not say.
pub const PAGE: usize = 20;
/// Most checks on one page.
pub const LONGEST_PAGE: usize = 100;
/// Days that statistics count when the caller does not say.
pub const STATISTICS_DAYS: usize = 30;
/// Most days that statistics count.
// Each costs the database a look into an index.
pub const MOST_STATISTICS_DAYS: usize = 92;
/// Photos of each kind in a self-test when the caller does not say.
pub const PHOTOS_PER_KIND: usize = 4;
/// Most photos of each kind in a self-test: with seven kinds, and the genuine photos without a
/// score, one worker should be done in half the time that a request may take.
pub const MOST_PHOTOS_PER_KIND: usize = 12;

/// Most photos of a product that must never be flagged: each self-test judges all of them.
pub const MOST_AUTHORISED_PHOTOS: usize = 100;
