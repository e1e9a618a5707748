//! What the engine sees with: the traits that imaging and inference implement, and what they give.

use crate::domain::{
    cells::Cell,
    digest::Sha256,
    embedding::{Embedding, ModelId},
    features::FeatureSet,
    geometry::Point,
    raster::Raster,
};

/// Why the bytes of one photo were not accepted. One bad photo never spoils the others.
// Words and numbers instead of a decoder's own error: decoders can then be exchanged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IntakeError {
    /// No bytes at all.
    #[error("the file is empty; send the photo's bytes")]
    Empty,
    /// More bytes than allowed.
    #[error("the file has {bytes} bytes, the limit is {limit}; send a smaller file")]
    TooManyBytes {
        /// Bytes sent.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Neither JPEG nor PNG nor WebP, by content.
    #[error("the content is {found}, not a JPEG, PNG or WebP picture; convert it first")]
    UnsupportedFormat {
        /// What the first bytes look like.
        found: String,
    },
    /// Too many pixels or too long a side.
    #[error(
        "the picture is {width}x{height} pixels; the limits are {max_side} a side and {max_pixels} in all"
    )]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Longest side allowed.
        max_side: u32,
        /// Most pixels allowed.
        max_pixels: u64,
    },
    /// Decoding this kind of file at this size takes too much memory.
    #[error(
        "decoding it takes {bytes} bytes of memory, the limit is {limit}; save it smaller or as a plain JPEG"
    )]
    TooMuchMemory {
        /// Bytes that decoding takes, estimated from the headers.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Fewer pixels than any comparison could use.
    #[error("the picture is {width}x{height} pixels; at least {min_side} a side are needed")]
    TooSmall {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Shortest side allowed.
        min_side: u32,
    },
    /// More than one frame.
    #[error("the picture is animated; send one still photo")]
    Animated,
    /// Decoding took longer than allowed.
    #[error("decoding took longer than {limit_ms} ms; save the photo again as a plain JPEG")]
    TooSlow {
        /// Milliseconds allowed.
        limit_ms: u64,
    },
    /// The data is damaged or cut off.
    #[error("the picture is damaged ({detail}); save or upload it again")]
    Damaged {
        /// What the decoder said.
        detail: String,
    },
}

impl IntakeError {
    /// Stable name of the kind, used as the end of a problem's `type`.
    pub fn kind(&self) -> &'static str {
        // Written out instead of made from the variants' names: callers match on these words, and
        // renaming a variant must not break them.
        match self {
            Self::Empty => "photo-empty",
            Self::TooManyBytes { .. } => "photo-too-many-bytes",
            Self::UnsupportedFormat { .. } => "photo-unsupported-format",
            Self::TooLarge { .. } => "photo-too-large",
            Self::TooMuchMemory { .. } => "photo-too-much-memory",
            Self::TooSmall { .. } => "photo-too-small",
            Self::Animated => "photo-animated",
            Self::TooSlow { .. } => "photo-too-slow",
            Self::Damaged { .. } => "photo-damaged",
        }
    }
}

/// A decoded photo: upright pixels and what happened on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct UprightPhoto {
    /// Upright RGB8 pixels, EXIF orientation already applied.
    pub raster: Raster,
    /// Content hash of the bytes.
    pub sha256: Sha256,
    /// `jpeg`, `png` or `webp`.
    pub format: &'static str,
    /// What a person should know: a colour profile was ignored, transparency was laid on white, 16
    /// bits became 8.
    pub notes: Vec<String>,
}

/// Bytes to upright pixels, and pixels to other sizes.
pub trait Imaging: Send {
    /// Sniffs, bounds, decodes and turns a photo upright.
    // Exclusive, here and below: a worker owns what it sees with, so that buffers and sessions can
    // be used again without locks.
    fn decode(&mut self, bytes: &[u8]) -> Result<UprightPhoto, IntakeError>;

    /// Resizes to exactly `width` x `height` (area average down, cubic up); sides of 0 are raised
    /// to 1.
    fn resize(&mut self, raster: &Raster, width: u32, height: u32) -> Raster;

    /// A JPEG file of the picture at `quality` 1 to 100 (others are brought into that range), for
    /// [`Imaging::decode`] to read again; empty when a side is longer than a JPEG may have (65,535
    /// pixels).
    fn encode_jpeg(&mut self, raster: &Raster, quality: u8) -> Vec<u8>;

    /// Media type of a file, told by its content, such as `image/jpeg`; `None` for no picture.
    // By default what an adapter says that reads no files.
    fn media_type(&self, file: &[u8]) -> Option<&'static str> {
        let _ = file;
        None
    }

    /// What a camera or a program wrote into a file besides the picture: names and values for people,
    /// in a fixed order. Nothing of it is verified, and where it was taken is not told.
    fn written_facts(&self, file: &[u8]) -> Vec<(&'static str, String)> {
        let _ = file;
        Vec::new()
    }
}

/// A model could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// The runtime library or a model file is missing or not the one named in the manifest.
    #[error("{0}")]
    Unavailable(String),
    /// The model refused its input or failed while running.
    #[error("model `{model}` failed: {detail}")]
    Failed {
        /// Model id.
        model: ModelId,
        /// What the runtime said.
        detail: String,
    },
}

/// Finds and describes local points.
pub trait LocalFeatures: Send {
    /// The model, for tagging stored features.
    fn model(&self) -> &ModelId;

    /// Up to `top` strongest keypoints of `frame`, whose sides must be multiples of 32 pixels.
    fn extract(&mut self, frame: &Raster, top: usize) -> Result<FeatureSet, InferenceError>;
}

/// Describes a whole image by one vector.
pub trait Embedder: Send {
    /// The model, for tagging stored embeddings.
    fn model(&self) -> &ModelId;

    /// The side in pixels of the square picture that [`Embedder::embed`] takes.
    fn side(&self) -> u32;

    /// The embedding of a square picture of [`Embedder::side`] pixels.
    fn embed(&mut self, square: &Raster) -> Result<Embedding, InferenceError>;
}

/// A line of text found in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct TextLine {
    /// Corners in pixels of the picture: top left, top right, bottom right, bottom left of the
    /// reading direction.
    pub corners: [Point; 4],
    /// What it reads.
    pub reading: Reading,
}

/// What the recogniser read in one line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The characters; empty when nothing was read.
    pub text: String,
    /// Mean confidence of the characters, 0 to 1.
    pub confidence: f64,
}

/// Finds and reads text.
pub trait TextReader: Send {
    /// Detector and recogniser, for the answer's `models`.
    fn model(&self) -> &ModelId;

    /// Whether it can read this letter at all: others it takes for what they resemble.
    fn knows(&self, letter: char) -> bool;

    /// All lines of a picture.
    fn read(&mut self, raster: &Raster) -> Result<Vec<TextLine>, InferenceError>;

    /// Reads pictures that each hold one upright line, without detection.
    fn recognise(&mut self, lines: &[Raster]) -> Result<Vec<Reading>, InferenceError>;
}

/// What is seen cell by cell.
#[derive(Debug, Clone, PartialEq)]
pub struct CellMap {
    /// Cells in a row; each is 8 pixels wide.
    pub columns: usize,
    /// Rows of cells; each is 8 pixels high.
    pub rows: usize,
    /// Per cell, row-major.
    pub probabilities: Vec<Cell>,
}

impl CellMap {
    /// Share of the cells that cannot be judged, 0 to 1.
    pub fn unseen(&self) -> f64 {
        let unseen: f64 = self.probabilities.iter().map(|p| f64::from(p.unseen)).sum();
        unseen / self.probabilities.len().max(1) as f64
    }
}

/// One side of a comparison as the comparator sees it: maps of `rows` x `columns` places, one map
/// after the other. What the maps hold is the comparator's own matter.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedMark {
    /// Rows of places.
    pub rows: usize,
    /// Columns of places.
    pub columns: usize,
    /// What is matched between both sides.
    pub keys: Vec<f32>,
    /// What a place shows.
    pub values: Vec<f32>,
}

/// Compares the same place of an aligned reference and photo closely.
pub trait MarkComparator: Send {
    /// The model, for the answer's `models`.
    fn model(&self) -> &ModelId;

    /// Encodes one side, a picture with sides of 32 to 512 pixels in multiples of 16. A reference's
    /// may be kept.
    // In two steps, since a reference's half is the same in every check and need not be taken
    // again.
    fn encode(&mut self, picture: &Raster) -> Result<EncodedMark, InferenceError>;

    /// Compares two encoded pictures of the same place in the reference's frame, equal in size.
    fn compare(
        &mut self,
        reference: &EncodedMark,
        photo: &EncodedMark,
    ) -> Result<CellMap, InferenceError>;
}

/// A picture as the network for logos sees it, in cells of 16 x 16 pixels. All maps are planes, one after
/// the other, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct LogoMaps {
    /// Cells in a row.
    pub columns: usize,
    /// Rows of cells.
    pub rows: usize,
    /// What a logo in the middle of a cell looks like: vectors of unit length.
    pub vectors: Vec<f32>,
    /// Where it lies: its middle right and below the cell's, in cells, then the logarithms of its
    /// width and height, in 64 pixels.
    pub boxes: Vec<f32>,
    /// What its parts look like, in cells of 8 x 8 pixels.
    pub parts: Vec<f32>,
}

/// Sees logos and photos in one space.
pub trait LogoEncoder: Send {
    /// The model, for the answer's `models`.
    fn model(&self) -> &ModelId;

    /// What a picture shows; its sides must be multiples of 32 pixels.
    fn encode(&mut self, picture: &Raster) -> Result<LogoMaps, InferenceError>;
}

/// All that one worker sees with. Each worker thread owns one.
// Behind traits, so that no model's type reaches the engine and tests can see with made-up eyes.
pub struct Vision {
    /// Decoding and resizing.
    pub imaging: Box<dyn Imaging>,
    /// Local features.
    pub local: Box<dyn LocalFeatures>,
    /// Whole-image embedding.
    pub embedder: Box<dyn Embedder>,
    /// Text.
    pub text: Box<dyn TextReader>,
    /// Protected marks.
    pub comparator: Box<dyn MarkComparator>,
    /// Logos.
    pub logos: Box<dyn LogoEncoder>,
}

/// Side in pixels of the picture that a probe shows to the models: the smallest that all take.
const PROBE_PX: u32 = 64;

impl Vision {
    /// Asks every model but that for logos, which is loaded where logos are, for an answer to a tiny picture; what it answers does not matter.
    pub fn probe(&mut self) -> Result<(), InferenceError> {
        // A pattern, not one plain colour: there is something to find in it. The low byte begins
        // anew where the level would leave its range.
        let level = |at: u32| (at * 3).to_le_bytes()[0];
        let picture =
            |width, height| Raster::from_fn(width, height, |x, y| [level(x), level(y), 128]);
        let square = picture(PROBE_PX, PROBE_PX);
        self.local.extract(&square, 1)?;
        let side = self.embedder.side();
        self.embedder.embed(&picture(side, side))?;
        self.text.read(&square)?;
        // Asked apart: the reader finds no line in such a picture, and would never come to its
        // recogniser.
        self.text.recognise(&[picture(2 * PROBE_PX, PROBE_PX)])?;
        let encoded = self.comparator.encode(&square)?;
        self.comparator.compare(&encoded, &encoded)?;
        Ok(())
    }
}
