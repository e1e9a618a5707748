//! The numbers that decide an answer and come from neither a model nor the calibration, in one
//! place and in the order in which a photo meets them.
//!
//! `models/calibration.json` holds what was fitted or set on genuine scores: weights and verdict
//! thresholds. What stands here was chosen by hand or on calibration photos, to suit the models in
//! use; its text says on what where that was measured. Two programs that differ in one of these
//! numbers may answer differently, so an answer can name all of them by [`digest`].
//!
//! Not here: what only bounds cost or memory, what the form of a model or of stored data dictates,
//! the tables of letters that look alike, and the photos made up for a self-test.

use crate::domain::digest::Sha256;

/// Defines each stage's constants and, in the same breath, their place in [`TUNING`], so that none
/// can be left out of the digest.
// Written as a table apart, a new constant could be forgotten in it and change answers unnoticed.
macro_rules! tuning {
    ($(
        $(#[$about:meta])*
        pub mod $stage:ident {
            $($(#[$doc:meta])* pub const $name:ident: $type:ty = $value:expr;)+
        }
    )+) => {
        $(
            $(#[$about])*
            pub mod $stage {
                $($(#[$doc])* pub const $name: $type = $value;)+
            }
        )+

        /// Every constant by its stage and name, in the order of this file.
        pub(crate) const TUNING: &[(&str, f64)] = &[
            $($((concat!(stringify!($stage), "::", stringify!($name)), $stage::$name as f64),)+)+
        ];
    };
}

/// Names all numbers of this program: 12 hex digits that change with any of them.
pub fn digest() -> String {
    digest_of(&all())
}

/// Every constant by its stage and name.
fn all() -> Vec<(&'static str, f64)> {
    [TUNING, seeking::TUNING, hidden::TUNING].concat()
}

/// The same of any table of names and values.
fn digest_of(table: &[(&str, f64)]) -> String {
    let lines: Vec<String> = table
        .iter()
        // `{:?}` writes the shortest digits that give the same number back: no change is rounded
        // away.
        .map(|(name, v)| format!("{name} {v:?}\n"))
        .collect();
    // Twelve digits are short enough for an answer; these are told apart, not defended.
    Sha256::of(lines.concat().as_bytes()).prefix(12)
}

mod hidden;
mod seeking;

pub use hidden::{bend, colourless, covered, mosaic, moved, repeated, silhouette};
pub use seeking::{closer, compare, fit, instances, locate, logos, presence, search};

tuning! {
    /// Is a photo good enough to be compared.
    pub mod quality {
        /// Longest side of the picture on which sharpness is measured; larger ones are averaged
        /// down to it.
        pub const ANALYSED_SIDE_PX: u32 = 480;
        /// Fewest strong edges in one direction that allow a judgement of that direction.
        pub const FEWEST_EDGES: usize = 30;
        /// An edge is strong with this share of the contrast of the picture's strong edges (their
        /// 95th percentile), and with at least [`LEAST_CONTRAST`] grey levels.
        pub const STRONG_SHARE: f32 = 0.5;
        /// Grey levels of a strong edge at least.
        pub const LEAST_CONTRAST: f32 = 16.0;
        /// A step back smaller than this many grey levels is noise, not the end of an edge.
        pub const NOISE_STEP: f32 = 1.0;
        /// Longest edge followed to either side, in analysed pixels.
        pub const REACH: usize = 12;
        /// Channel values this close to an end of the range count as clipped.
        // Compression moves white and black by a level or two.
        pub const CLIP_MARGIN: u8 = 3;
    }

    /// Is a photo the very same picture as a reference.
    pub mod fingerprint {
        /// Grey levels that a cell must be brighter than its neighbour. Plain backgrounds are
        /// common in catalogue pictures; without a margin their bits would be noise.
        pub const LEAST_STEP: f32 = 1.0;
    }

    /// Is a photo a copy of an enrolled picture. Chosen on covers of calibration titles and on
    /// drawn packs: copies compressed to quality 40 to 95, resized to 0.3 to 1.5, cropped, framed,
    /// brightened, turned and mirrored; the same of edited pictures; and head-on photos.
    pub mod copy {
        /// Bits of 128 in which the fingerprints of a picture and of a photo may differ for the
        /// photo to be tried as its copy: nine in ten copies differ in fewer, cropped and framed
        /// ones too.
        pub const NOMINATED_BITS: u32 = 24;
        /// The same for two enrolled pictures to be tried as one, which are seldom cropped.
        pub const TWIN_BITS: u32 = 12;
        /// Pictures tried as what a photo is a copy of, the nearest first: each costs about as much
        /// as locating a reference.
        pub const MOST_TRIED: usize = 6;
        /// Long side in pixels at which a photo is first laid on a picture; it doubles from there.
        pub const FIRST_LEVEL_PX: f64 = 32.0;
        /// The last of these sides.
        pub const LAST_LEVEL_PX: f64 = 320.0;
        /// Steps at each of them at most.
        pub const LEVEL_ROUNDS: usize = 12;
        /// Grey values that correlate less are of no copy.
        pub const FIRST_CORRELATION: f64 = 0.8;
        /// Share of the picture that the photo shows at least.
        pub const SHOWN: f64 = 0.75;
        /// Share of the photo that the picture covers at least: beside a smaller one something else
        /// is shown.
        pub const COVERED: f64 = 0.7;
        /// Where corners of a located picture are off a map without perspective by more than this
        /// share of its diagonal, a camera stood before it.
        pub const MOST_PERSPECTIVE: f64 = 0.015;
        /// Pictures with a shorter long side do not show what a letter is.
        pub const LEAST_SIDE_PX: f64 = 128.0;
        /// How much one side may be stretched against the other, by a careless resize.
        pub const MOST_STRETCH: f64 = 1.12;
        /// How far sides may be from standing upright on each other, as a cosine.
        pub const MOST_SHEAR: f64 = 0.03;
        /// Gain of a copy's light at most, and one over it at least.
        pub const MOST_GAIN: f64 = 2.0;
        /// Side of the blocks whose print is compared, in pixels: about a letter.
        pub const BLOCK_PX: u32 = 8;
        /// Added to a block's contrast, in grey levels: compression leaves noise in plain blocks
        /// too.
        pub const CONTRAST_FLOOR: f64 = 8.0;
        /// Side of the blocks whose colour is compared, in pixels: compression keeps colour at half
        /// the size.
        pub const HUE_BLOCK_PX: u32 = 12;
        /// The largest mean residual of a copy's blocks, as a share of their contrast.
        pub const MOST_MEAN: f64 = 0.25;
        /// The largest residual of a copy's block. Of 189 copies 185 stay below; of 28 pictures
        /// with another letter the least has 0.66, of 72 head-on photos 0.9. Of 202 edited pictures
        /// 6 pass, five at 0.3 of the reference's size, where the edit is hardly there.
        pub const MOST_RESIDUAL: f64 = 0.5;
        /// Share of blocks that may differ more in a copy that was altered: a word or an emblem, not
        /// the grain and light of a camera, which are everywhere.
        pub const MOST_ALTERED: f64 = 0.05;
        /// The largest difference in colour of a copy's block, in levels: 188 of the copies stay
        /// below.
        pub const MOST_HUE: f64 = 18.0;
    }

    /// The sizes at which pictures are compared.
    pub mod frames {
        /// Long side in pixels of a reference's frame: small references are enlarged to it, since
        /// local features are not scale-invariant.
        pub const REFERENCE_PX: u32 = 640;
        /// Long side in pixels of a photo's frame; smaller photos are enlarged at most twice.
        pub const PHOTO_PX: u32 = 960;
        /// With fewer pixels of a picture to one of the frame (along a side) its marks are too soft
        /// to be judged.
        // Resampling cannot bring back what a camera did not see.
        pub const MIN_SOURCE_PIXELS: f64 = 0.6;
        /// A reference's margin is cut off where every channel is at least this bright.
        pub const MARGIN_WHITE: u8 = 245;
        /// Smoothing before blocks are compared, in pixels.
        pub const GREY_SIGMA: f32 = 1.0;
    }

    /// Bringing a photo to its reference's light.
    pub mod light {
        /// Side in pixels of the squares over which light is measured.
        pub const LIGHT_PX: u32 = 16;
        /// Smallest gain of the light, its inverse the largest.
        pub const LEAST_GAIN: f64 = 0.22;
        /// Share of a channel's values below the lower end of its spread.
        pub const SPREAD_LOW: f64 = 0.05;
        /// Share of a channel's values below the upper end of its spread.
        pub const SPREAD_HIGH: f64 = 0.95;
        /// Smallest gain of a spread, its inverse the largest.
        pub const LEAST_STRETCH: f64 = 0.4;
    }

    /// Blocks of an aligned pair.
    pub mod appearance {
        /// Side of a block in pixels of the frame.
        pub const BLOCK_PX: usize = 32;
        /// Distance between neighbouring blocks in pixels.
        // Less than a block's side: small print on the border of one block is whole in the next.
        pub const STRIDE_PX: usize = 20;
        /// Largest shift tried in each direction, in pixels.
        // The cost grows with its square.
        pub const SEARCH_PX: usize = 4;
        /// Blocks of a reference with less contrast (standard deviation of grey, 0 to 128) say
        /// nothing.
        pub const FLAT: f32 = 12.0;
        /// Columns of blocks of a place that is explained least: with the rows 192x72 pixels, a
        /// line of large lettering.
        pub const PLACE_COLUMNS: usize = 9;
        /// Rows of blocks of such a place.
        pub const PLACE_ROWS: usize = 3;
        /// Contrast that the blocks of such a place leave unexplained together at least, in grey
        /// levels: nearly identical pictures have none.
        pub const LEAST_SURPLUS: f64 = 20.0;
        /// Blocks whose middle lies nearer to the frame's border than this, in pixels, differ by
        /// their alignment.
        pub const OUTER_PX: u32 = 28;
        /// A block that correlates at least so was found in the photo.
        pub const REGISTERED: f32 = 0.6;
        /// A block that correlates less was not.
        pub const LOST: f32 = 0.5;
        /// A block this much below the pack's mean correlation is shown as a deviation.
        pub const DEVIATION_DROP: f64 = 0.4;
    }

    /// A mark and its cells.
    pub mod marks {
        /// Context in pixels of the frame that is compared along with a mark.
        pub const PADDING_PX: f64 = 8.0;
        /// A cell whose middle lies this far outside a mark, in pixels of the frame, still belongs
        /// to it: half a cell.
        pub const EDGE_PX: f64 = 4.0;
        /// Largest area of the comparator's input, in pixels: larger marks are brought down to it.
        /// Their letters stay larger than a small mark's, and the cost of a check stays bounded.
        pub const LARGEST_AREA: f64 = 64.0 * 192.0;
        /// Cells whose mean makes a mark's score: about one changed letter.
        pub const TOP_CELLS: usize = 6;
        /// A cell differs visibly from this probability.
        pub const CELL_DIFFERS: f32 = 0.5;
        /// A part of the frame is shown when no more than the rest of its pixels, as a share, lie
        /// beyond the photo.
        pub const SHOWN: f64 = 0.98;
        /// Cells nearer than this to the frame's border, in pixels, do not accuse.
        pub const BORDER_PX: f64 = 12.0;
        /// A channel from this value on is saturated.
        pub const SATURATED: u8 = 250;
        /// A cell is washed out by a reflection when a larger share of its pixels than this is
        /// saturated in the photo, and fewer than [`NOT_WHITE`] in the reference.
        pub const WASHED_OUT: f64 = 0.3;
        /// Print with a smaller share of saturated pixels than this is not white itself.
        pub const NOT_WHITE: f64 = 0.05;
    }

    /// Places that are looked at besides the marks.
    pub mod places {
        /// What the article's sides are brought down by for an overview of all of it: little enough
        /// for small words to show.
        pub const OVERVIEW_SHRINK: f64 = 1.5;
        /// Width in pixels of the frame of a suspect region: with the height, a line of large
        /// lettering.
        pub const SUSPECT_WIDTH_PX: f64 = 192.0;
        /// Height of a suspect region.
        pub const SUSPECT_HEIGHT_PX: f64 = 72.0;
        /// Squared evidence that the cells of a suspect region have together at least: of 80
        /// genuine calibration photos of covers 33 have no such region, 50 no second one.
        pub const LEAST_SUSPICION: f64 = 0.2;
        /// Share of a place that a region of print that varies by design may hold; with more, most
        /// of what is seen there may be that print's doing.
        pub const MOST_IGNORED: f64 = 1.0 / 3.0;
    }

    /// The hues of a mark against the rest of its pack.
    pub mod colour {
        /// Side in pixels of the patches whose colours are compared: wider than what alignment
        /// leaves.
        pub const PATCH_PX: u32 = 8;
        /// Patches within this distance of a mark, in pixels, say nothing about the rest of the
        /// pack.
        pub const APART_PX: f64 = 12.0;
        /// Fewest patches of the rest of the pack.
        pub const LEAST_PACK_PATCHES: usize = 60;
        /// Fewest patches of the mark.
        pub const LEAST_MARK_PATCHES: usize = 3;
        /// Residual (delta a*b*) at which a patch of the pack counts half as much: Cauchy weights,
        /// so that stickers, hands and other changes do not pull the map.
        pub const OUTLIER: f64 = 6.0;
        /// Rounds of re-weighting.
        pub const ROUNDS: usize = 5;
        /// Ridge that holds the linear part of the map near the identity where the pack has little
        /// colour to tell.
        pub const LINEAR_RIDGE: f64 = 125.0;
        /// The same of the map's shift.
        pub const SHIFT_RIDGE: f64 = 0.5;
        /// Smallest gain of saturation that fading and camera explain.
        pub const LEAST_GAIN: f64 = 0.6;
        /// Largest such gain.
        pub const MOST_GAIN: f64 = 1.6;
        /// Added to the pack's noise (delta a*b*): a perfectly kept pack still has the noise of its
        /// picture.
        pub const LEAST_NOISE: f64 = 2.0;
        /// Share of a mark's chroma by which a camera may miss its hue: saturated colours, reds
        /// above all, are rendered up to some 15 degrees off, however well the rest of the pack is
        /// kept.
        pub const RENDERING: f64 = 0.25;
        /// Channel value of a patch from which on its colour is clipped: cameras bend hues before
        /// they reach the end of their range.
        pub const CLIPPED: f64 = 240.0;
        /// A place turned less is not worth a closer look: of 80 genuine calibration photos 37 have
        /// no place that is turned as far.
        pub const LEAST_TURN: f64 = 0.8;
        /// Columns of patches of the place that is turned most: with the rows 120x24 pixels, a line
        /// of lettering.
        pub const PLACE_COLUMNS: usize = 15;
        /// Rows of patches of that place.
        pub const PLACE_ROWS: usize = 3;
        /// Patches nearer to the frame's border than this, in patches, are not searched.
        pub const OUTER_PATCHES: usize = 2;
        /// Blocks of print that is clearly seen correlate at least so: where they do not, a
        /// reflection or a hand has the colour.
        pub const SEEN: f32 = 0.5;
        /// A turn of hues of this strength is told where a mark differs: 6 of 80 genuine
        /// calibration photos have a mark turned as far.
        pub const NOTABLE_TURN: f64 = 1.0;
        /// A turn of hues of this strength is another colour to anyone.
        pub const OTHER_COLOUR: f64 = 3.0;
    }

    /// What a mark reads.
    pub mod text {
        /// Height in pixels of the lines given to the recogniser.
        pub const LINE_PX: u32 = 48;
        /// Longest line given to the recogniser, in heights of the line.
        pub const LONGEST_LINE: f64 = 10.0;
        /// Text accuses only where the recogniser reads the reference itself this well.
        pub const READABLE: f64 = 0.8;
        /// Readings less sure than this (0 to 1) neither enter the text channel nor are told. On
        /// genuine photos of film covers of calibration 2 % of the less sure are what the reference
        /// reads, of the others 85 %. Of changed and of swapped letters four in five photos are still
        /// read surely enough.
        pub const CONFIDENT: f64 = 0.8;
        /// Cost of one missing, added or other character, in tenths.
        pub const EDIT: u32 = 10;
        /// Cost of a character (or pair) replaced by one that looks like it, in tenths.
        pub const LOOKALIKE: u32 = 3;
    }

    /// What genuine photos show too.
    pub mod variation {
        /// A mark is suspect from this difference on: then it is looked at again and read, both
        /// dear, and reading was measured to add nothing where the print looks the same.
        pub const SUSPECT_FROM: f64 = 0.4;
        /// Side of a square of the frame, in pixels: that of a cell where a mark is not brought
        /// down.
        pub const SQUARE_PX: u32 = 8;
        /// Evidence up to this is no variation: where letters are small for a camera all genuine
        /// photos share a little, and only from here on counts what they do. On calibration titles
        /// the edits of letters stay found that otherwise would not, and no false alarm comes back.
        pub const FAINT: f32 = 0.1;
        /// Genuine items that show a place at least before what they share there counts.
        pub const LEAST_ITEMS: usize = 3;
        /// Items that tell what is shared, of each reference the first: more change little and cost
        /// time.
        pub const MOST_ITEMS: usize = 100;
        /// One item in this many may lack what the others share.
        pub const EXCEPTIONS: usize = 10;
        /// Readings less sure than this, 0 to 1, are no evidence of what genuine photos are misread
        /// as.
        pub const SURE: f64 = 0.5;
        /// Misreadings kept of one item at most.
        pub const MOST_MISREAD: usize = 64;
    }

    /// What all photos of a listing amount to.
    pub mod listing {
        /// Share of the slope between the lowest and the median genuine score that is taken as the
        /// slope beyond them. By simulation of listings of one to twelve photos, with 19 to 400
        /// normal, logistic and Laplace scores, the budget is kept by 0.75 and exceeded by 1 with
        /// Laplace scores alone (8 % instead of 5); with draws from the shipped scores either keeps
        /// it.
        pub const TAIL_SHARE: f64 = 0.75;
    }

    /// What is made of a reference at enrolment.
    pub mod enrolment {
        /// References with fewer keypoints cannot be located.
        pub const FEWEST_KEYPOINTS: usize = 60;
        /// References with fewer are located only in good photos.
        pub const FEW_KEYPOINTS: usize = 200;
        /// References of other products that a new picture is compared with at most: each costs as
        /// much as a rival in a check.
        pub const ARTICLES_COMPARED: usize = 24;
        /// Another product on a smaller share of the picture is a second article; on a larger one
        /// it is a sibling of the same layout.
        pub const PART_OF_PICTURE: f64 = 0.6;
        /// Text marks proposed at most, the largest first: each further mark costs time.
        pub const MOST_TEXT: usize = 10;
        /// Text read less surely than this on the reference itself is no mark.
        pub const MIN_CONFIDENCE: f64 = 0.3;
        /// A line is read again at this share of its size. Of film covers of calibration 17 % of the
        /// lines read otherwise then; on genuine photos 13 % of those are read as on the reference,
        /// of the others 66 %.
        pub const AGAIN_SMALLER: f64 = 0.66;
        /// Fewest letters and digits of a text mark.
        pub const MIN_LETTERS: usize = 2;
        /// Text that stands on the reference this often is a pattern or a tape: where it begins and
        /// ends varies from one genuine pack to the next.
        pub const REPEATED: usize = 3;
        /// Text at most this far from the frame's border, in pixels, may run across it.
        pub const BORDER_PX: f64 = 2.0;
        /// Smallest height of a text mark in pixels of the frame: smaller letters do not survive a
        /// listing photo.
        pub const MIN_HEIGHT_PX: f64 = 12.0;
        /// Side in pixels of the cells whose contrast is measured.
        pub const CELL_PX: usize = 16;
        /// Columns of cells of a busiest place.
        pub const PLACE_COLUMNS: usize = 10;
        /// Rows of cells of a busiest place.
        pub const PLACE_ROWS: usize = 6;
        /// Least mean contrast of a busiest place, in grey levels: plain print is no mark.
        pub const MIN_CONTRAST: f64 = 8.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_number_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = all().iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), all().len());
        assert!(all().contains(&("places::LEAST_SUSPICION", 0.2)));
    }

    #[test]
    fn the_digest_changes_with_any_value_and_any_name() {
        let mut digests = BTreeSet::from([digest()]);
        for n in 0..all().len() {
            let mut table = all();
            table[n].1 = table[n].1.next_up();
            digests.insert(digest_of(&table));
            table[n] = ("another name", all()[n].1);
            digests.insert(digest_of(&table));
        }
        assert_eq!(digests.len(), 2 * all().len() + 1);
        assert!(digests.iter().all(|digest| digest.len() == 12));
    }
}
