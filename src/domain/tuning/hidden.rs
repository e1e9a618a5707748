//! Numbers of what cannot be seen as it is: print that is bent, moved, covered, overlaid or without colour.

tuning! {
    /// Print that is bent.
    pub mod bend {
        /// Rounds of re-weighting.
        pub const ROUNDS: usize = 4;
        /// Distance from the field, in pixels, at which a place counts half as much.
        pub const OUTLIER_PX: f64 = 1.5;
        /// Ridge towards a flat print, as a share of the weights' sum.
        pub const RIDGE: f64 = 1e-3;
        /// Largest change of the shift from one pixel to the next.
        pub const STEEPEST: f64 = 0.5;
        /// Root mean square shift, in pixels, up to which print is taken for flat: what is compared
        /// finds print that lies so far off by itself. 9 calibration photos of covers have up to
        /// 1.2, their scans rolled around 8 cylinders 1.8 and more.
        pub const LEAST_PX: f64 = 1.5;
        /// Rounds of resampling and looking again: one look reaches a few pixels.
        pub const LOOKS: usize = 4;
        /// Mean correlation of the blocks that the field has to gain.
        pub const LEAST_GAIN: f64 = 0.02;
    }

    /// Print that sits elsewhere than on the reference.
    pub mod moved {
        /// How far a mark is looked for to every side, in pixels of the frame.
        pub const REACH_PX: i32 = 24;
        /// Step of the first look: planes are smoothed, and a peak is wider than that.
        pub const STEP_PX: i32 = 2;
        /// What moved less the comparator finds by itself.
        pub const LEAST_PX: i32 = 4;
        /// Correlation there at least.
        pub const LEAST_AGREEMENT: f32 = 0.7;
        /// By how much it is above that at its own place.
        pub const LEAST_GAIN: f32 = 0.25;
    }

    /// Places that something covers.
    pub mod covered {
        /// Side in pixels of the frame of the squares that are asked.
        pub const SQUARE_PX: u32 = 8;
        /// Largest change of a channel within a square that was laid over the photo. With
        /// [`FOREIGN`] and [`FEWEST_SQUARES`], of 10 calibration photos of covers 1 has such a
        /// place, a reflection; bars over them have 40 squares and more; of 80 replaced words and
        /// logos one is hidden in part.
        pub const PLAIN: u8 = 4;
        /// Grey levels, in the channel that is farthest, by which the reference has no colour like
        /// it.
        pub const FOREIGN: f64 = 30.0;
        /// How far around a square the reference is asked for its colour, in pixels.
        pub const NEAR_PX: u32 = 12;
        /// Fewest squares side by side that are told from chance.
        pub const FEWEST_SQUARES: usize = 8;
        /// Difference from which on it is asked what covers a mark, besides any misreading and any
        /// notable turn of hues: less accuses nobody.
        pub const GRAVE: f64 = 0.7;
        /// A mark of which a larger share is covered is not read.
        pub const UNREAD_ABOVE: f64 = 0.02;
    }

    /// Patterns laid over a whole picture again and again.
    pub mod repeated {
        /// Long side in pixels of the picture that is searched.
        pub const SIDE_PX: u32 = 480;
        /// Pixels to every side that a place is held against.
        pub const AROUND: usize = 4;
        /// Grey levels by which it is brighter than these.
        pub const BRIGHTER: f32 = 9.0;
        /// Least shift, at half the size: lines of print repeat at less.
        pub const LEAST_SHIFT: i32 = 32;
        /// Largest shift, as a share of the picture's side.
        pub const MOST_SHIFT: f64 = 0.6;
        /// Distance of the shifts that a shift is held against.
        pub const RING: i32 = 4;
        /// Shifts looked at in full size.
        pub const CANDIDATES: usize = 24;
        /// Standard deviations by which a repeated pattern meets itself more often. In two
        /// directions 13 of 14 watermarked calibration photos of covers do, and none as it is.
        pub const LEAST_EXCESS: f64 = 9.0;
        /// Sine of the least angle between both directions.
        pub const LEAST_ANGLE: f64 = 0.35;
        /// Fewest places a few shifts away that tell what lies at one.
        pub const FEWEST_SHIFTS: usize = 3;
        /// Pixels to every side over which these tell.
        pub const WINDOW: usize = 3;
        /// Least share of them.
        pub const LEAST_DENSITY: f32 = 0.2;
    }

    /// Large square pixels that make print unreadable.
    pub mod mosaic {
        /// Grey levels of a step at least.
        pub const LEAST_STEP: i32 = 6;
        /// A step is so many times the changes before and after it.
        pub const STEEP: i32 = 3;
        /// Rows (or columns) of eight that have a step at the same place.
        pub const RUN: u8 = 6;
        /// Grey levels by which a pixel of a plain square differs from the next at most.
        pub const FLAT: i32 = 3;
        /// Share of such pixels at least.
        pub const LEAST_FLAT: f64 = 0.6;
        /// Columns and rows with steps, of 32 pixels each way, at least.
        pub const FEWEST_STEPS: u32 = 3;
        /// Least distance between two of them, in pixels.
        pub const LEAST_GAP: u32 = 6;
    }

    /// Photos without colour.
    pub mod colourless {
        /// Fewest squares of the aligned pair that tell whether a photo has colour.
        pub const FEWEST_SQUARES: usize = 60;
        /// Chroma (delta a*b*) beyond what lightness explains that a reference has at least, or
        /// there is no colour to be lost.
        pub const LEAST_CHROMA: f64 = 4.0;
        /// A photo with a smaller share of the reference's such chroma has no colour: of 19
        /// calibration photos of covers none has below 0.35; the same in black and white, sepia,
        /// tinted, by night light or faded to a quarter at most have up to 0.13.
        pub const LEAST_SHARE: f64 = 0.2;
        /// Rounds of re-weighting.
        pub const ROUNDS: usize = 4;
        /// Residual in grey levels at which a square counts half as much.
        pub const OUTLIER: f64 = 12.0;
        /// Ridge that holds the weights of the channels near those of brightness, in squared grey levels a
        /// square.
        pub const TINT_RIDGE: f64 = 20.0;
    }

    /// Figures of two tones.
    pub mod silhouette {
        /// Share of the variance of its grey levels that lies between the two tones of a figure.
        pub const TWO_TONED: f64 = 0.8;
        /// Grey levels by which a photo's figure and ground differ at least to be told apart.
        pub const LEAST_CONTRAST: f32 = 24.0;
        /// How far a contour may lie from its place, in pixels of what is compared.
        pub const REACH_PX: usize = 3;
        /// The same as a share of the longer side.
        pub const REACH_SHARE: f64 = 0.015;
        /// A cell of which more than this share is otherwise differs for sure.
        pub const SOLID_SHARE: f32 = 0.3;
        /// Where more than this share of the ground looks like figure, the photo's ground is no plain one.
        pub const MESSY: f64 = 0.25;
        /// Margin around a figure, in its longer side: what is added to it lies there.
        pub const MARGIN: f64 = 0.15;
    }
}
