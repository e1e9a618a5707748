//! Numbers of finding: which references are looked for in a photo, where they lie, and whether that is
//! believed.

tuning! {
    /// Which references are looked for in a photo.
    pub mod search {
        /// Keypoints taken of a photo.
        // More than of a reference: a part of them lies on what is around the article.
        pub const PHOTO_KEYPOINTS: usize = 1200;
        /// Keypoints kept per rotation of a reference.
        pub const REFERENCE_KEYPOINTS: usize = 600;
        /// Keypoints kept per rotation of a reference at half its size: a quarter of the pixels.
        pub const HALF_KEYPOINTS: usize = 300;
        /// Keypoints taken of a rectified photo.
        pub const RECTIFIED_KEYPOINTS: usize = 1000;
        /// Long side in pixels at which a photo is first looked at: a large article is found there
        /// at half the cost.
        pub const COARSE_PX: u32 = 640;
        /// Frames with a smaller long side are looked at in full right away: a first look would
        /// save little.
        pub const COARSE_FROM_PX: u32 = 832;
        /// Strongest keypoints of a reference's rotation that take part in the vote.
        pub const VOTES_REFERENCE: usize = 96;
        /// Strongest keypoints of a photo that take part in the vote.
        pub const VOTES_PHOTO: usize = 200;
        /// Cosine above which a photo's keypoint votes for a reference.
        pub const VOTE_COSINE: f32 = 0.8;
        /// Galleries up to this size are asked in full; of larger ones the references most alike
        /// are.
        pub const FULL_SEARCH: usize = 24;
        /// References most alike to a photo that are asked when nothing is claimed. By its
        /// embedding the right one of 50 is among so many for 90 % of photos in which it is hard to
        /// find (1,669 of covers made small, turned, collaged and the like).
        pub const NEAREST: usize = 24;
        /// References most alike to a photo that are asked besides those claimed: its rivals.
        pub const NEAREST_RIVALS: usize = 12;
        /// The same of references most alike to the likeliest that is claimed.
        pub const NEAREST_TO_CLAIM: usize = 4;
        /// The same of references most alike to the place where it was found.
        pub const NEAREST_TO_PLACE: usize = 4;
        /// References located, of those asked, when nothing is claimed.
        pub const LOCATED: usize = 16;
        /// The same besides those claimed.
        pub const LOCATED_RIVALS: usize = 12;
        /// Rotations tried for a reference that is not claimed.
        // Rivals are many: a full look at each would cost more than at the product claimed.
        pub const RIVAL_TURNS: usize = 2;
        /// Rotations tried at each of a reference's sizes in a search closer by.
        pub const THOROUGH_TURNS: usize = 2;
        /// Part of the photo that is embedded while the article's place is unknown, in its middle.
        pub const CENTRE: f64 = 0.75;
    }

    /// Where a reference lies in a photo.
    pub mod locate {
        /// Descriptors less alike than this (cosine) are no tentative correspondence.
        pub const MIN_COSINE: f32 = 0.75;
        /// Largest reprojection error of a first fit, in pixels of the photo's frame.
        pub const FIRST_ERROR_PX: f64 = 6.0;
        /// Largest reprojection error once the photo is rectified, in pixels of the reference's
        /// frame.
        pub const REFINED_ERROR_PX: f64 = 4.0;
        /// Inliers from which a location needs no second opinion from another rotation.
        pub const SOLID_INLIERS: usize = 25;
        /// With so many inliers a first, quick look at a photo will do: what follows locates the
        /// reference anew, on the rectified photo.
        pub const SURE_INLIERS: usize = 40;
        /// Spread of the inliers that it takes besides: many titles share one banner.
        pub const SURE_SPREAD: f64 = 0.3;
        /// Spread that solid inliers have at least: those of one banner are no article.
        pub const PLACED_SPREAD: f64 = 0.12;
        /// So many inliers are beyond chance too when they spread over [`WIDE_SPREAD`]: chance
        /// gathers in a few cells.
        pub const PLACED_INLIERS: usize = 15;
        /// Spread that it takes then.
        pub const WIDE_SPREAD: f64 = 0.18;
        /// The reference is seen as a grid of this many cells a side when asking how far the
        /// inliers spread.
        pub const SPREAD_CELLS: usize = 8;
    }

    /// A search closer by, where the whole photo shows too little of what is claimed.
    pub mod closer {
        /// Longest side of a part of a photo in pixels: beyond it no comparison sees more.
        pub const PART_PX: u32 = 1920;
        /// References looked for closer by.
        pub const MOST_WANTED: usize = 3;
        /// Inliers that are worth a look at their place; by chance a fit finds six to ten.
        pub const HINT_INLIERS: usize = 8;
        /// Margin around the place of a hint, in its longer side.
        pub const MARGIN: f64 = 0.2;
        /// An outline that takes this share of the frame's longer side needs no closer look.
        pub const LARGE_SHARE: f64 = 0.5;
        /// Side of a small window, in the photo's longer side.
        pub const SMALL_WINDOW: f64 = 0.25;
        /// Side of a large window.
        pub const LARGE_WINDOW: f64 = 0.45;
        /// Windows looked at when nothing hints at a place.
        pub const WINDOWS: usize = 3;
        /// A window that holds this share of all points of the photo holds all that there is to
        /// see.
        pub const CROWDED_SHARE: f64 = 0.7;
    }

    /// The robust fit of a homography.
    pub mod fit {
        /// Most samples to draw.
        pub const MAX_SAMPLES: usize = 1500;
        /// Sampling stops when a better model would be missed with a chance below 1 - this.
        pub const CONFIDENCE: f64 = 0.999;
        /// Seed of the sampler.
        // Any number would do; a fixed one gives the same photo the same answer.
        pub const SEED: u32 = 0x5eed;
        /// Fewest inliers that can be told from chance.
        pub const FEWEST_INLIERS: usize = 6;
        /// Rounds of re-weighted least squares on a promising model.
        pub const REFINE_ROUNDS: usize = 8;
        /// A sample of a bent pack fits a part of it. What fits the whole is found by allowing
        /// errors so many times as large at first, and, at the end, by fits to samples of what
        /// nearly fits (local optimisation: Chum, Matas and Kittler, DAGM 2003).
        pub const WIDER: f64 = 4.0;
        /// Fits to such samples.
        pub const RESAMPLES: usize = 10;
        /// Pairs of such a sample.
        pub const RESAMPLED: usize = 7;
        /// Their largest error, in that of inliers.
        pub const NEARLY: f64 = 2.0;
        /// Smallest outline of a reference, as a share of the photo's frame.
        pub const SMALLEST_OUTLINE: f64 = 0.01;
        /// Largest outline, as a share of the photo's frame: a close-up shows a part of the
        /// article.
        pub const LARGEST_OUTLINE: f64 = 6.0;
        /// Opposite sides of an outline differ by a smaller factor than this.
        pub const MOST_PERSPECTIVE: f64 = 4.0;
        /// The sides' ratio differs from the reference's by a smaller factor than this.
        pub const MOST_ASPECT: f64 = 3.0;
    }

    /// Which product fits best.
    pub mod compare {
        /// Fewer inliers are chance: there is nothing to rectify.
        pub const INSPECT_INLIERS: usize = 10;
        /// A second fit on fewer inliers is not trusted over the first.
        pub const REFINE_INLIERS: usize = 20;
        /// Rivals compared again in the rectified photo.
        pub const REFINED_RIVALS: usize = 5;
        /// Products looked at as if they were claimed when none is.
        pub const CONTENDERS: usize = 4;
        /// A product with fewer inliers than this share of the best one's is no contender.
        pub const CONTENDER_SHARE: f64 = 0.4;
        /// Weight of the embedding's cosine beside the logarithm of inliers among references of one
        /// product: it breaks ties.
        pub const REFERENCE_EMBEDDING: f64 = 0.1;
        /// The same among products: fewer than about 20 inliers may be chance, or the shelf behind,
        /// where the whole says more. On 500 calibration photos of packs the likelihood of the
        /// right product rises up to about here in each family.
        pub const PRODUCT_EMBEDDING: f64 = 3.0;
    }

    /// Several articles in one photo.
    pub mod instances {
        /// Correspondences outside the outline that was found from which another copy is looked
        /// for.
        pub const OUTSIDE: usize = 20;
        /// Inliers of a further copy at least.
        pub const COPY_INLIERS: usize = 9;
        /// Copies differ in size by a smaller factor than this.
        pub const COPY_SIZE: f64 = 1.5;
        /// An article whose sides are shown below this share of its reference's frame is met by the
        /// reference at half its size.
        pub const HALF_BELOW: f64 = 0.6;
    }

    /// Logos by the network that finds them. The weights are those of its training.
    pub mod logos {
        /// Weight of the agreement of vectors, -1 to 1.
        pub const MAP_WEIGHT: f32 = 7.2974;
        /// Weight of the agreement of parts, -1 to 1.
        pub const PARTS_WEIGHT: f32 = 7.3111;
        /// What is added to both for the logit.
        pub const BIAS: f32 = -8.5807;
        /// Logit from which a logo is seen: on calibration brands 43 of 62 photos of a logo reach it, and 1 %
        /// (6 of 806) of claims on another.
        pub const SEEN: f32 = 1.3;
    }

    /// Whether what is claimed is in the photo.
    pub mod presence {
        /// Two outlines lie on the same place from this intersection over union on.
        pub const SAME_PLACE: f64 = 0.3;
        /// Log-odds of the presence model from which a location is believed.
        pub const BELIEVED: f64 = 2.0;
        /// Mean correlation of the aligned blocks that a location is believed from.
        pub const AGREEING_BLOCKS: f64 = 0.45;
        /// Log-odds of identity from which a logo is believed whose blocks agree less: a crop of a photo shows
        /// ground that no other photo has. Of 62 claims on a logo that is not there none has above
        /// 0.9, on calibration brands.
        pub const LOGO_BELIEVED: f64 = 1.5;
        /// Log-odds below which a photo is looked at once more before anything is said against it.
        pub const STRANGE: f64 = -0.5;
        /// The same where another product fits better at that place.
        pub const CONTESTED: f64 = 1.0;
        /// Correlation of blocks by which a mirror image has to agree better. Packs are often their
        /// own mirror image but for their letters.
        pub const CLEARLY_BETTER: f64 = 0.08;
        /// Local features of a reference from which the shipped calibration speaks for it: those
        /// of its own references have more.
        pub const COVERED_KEYPOINTS: usize = 100;
        /// A product that takes this share of the photo is what the photo is of.
        pub const SUBJECT_SHARE: f64 = 0.12;
    }
}
