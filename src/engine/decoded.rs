//! A picture decoded once, with all that is known of it as a whole.

use super::vision::{Imaging, IntakeError};
use crate::domain::{
    digest::Sha256,
    fingerprint::{Fingerprint, fingerprints},
    quality::{Quality, measure},
    raster::Raster,
};

/// A picture decoded once. Whoever needs its hash, fingerprint or quality takes them from here:
/// each costs a walk over the whole file or over all pixels.
pub struct Decoded {
    /// Upright RGB8 pixels, the EXIF orientation applied.
    pub raster: Raster,
    /// What is known of the picture without its pixels.
    pub facts: Facts,
}

/// What stays of a picture when its pixels are dropped: up to 150 MB of them are held by one photo,
/// and an answer needs none.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Hash of the file.
    pub sha256: Sha256,
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// What a person should know of the file: a colour profile was ignored, 16 bits became 8.
    pub notes: Vec<String>,
    /// Perceptual fingerprint of the whole picture.
    pub fingerprint: Fingerprint,
    /// The same of its mirror image.
    pub mirrored: Fingerprint,
    /// Sharpness, exposure and size.
    pub quality: Quality,
}

impl Decoded {
    /// Decodes a file.
    ///
    /// # Errors
    /// The file's own fault, told to who sent it.
    pub fn from_bytes(imaging: &mut dyn Imaging, bytes: &[u8]) -> Result<Self, IntakeError> {
        let upright = imaging.decode(bytes)?;
        let raster = upright.raster;
        let [fingerprint, mirrored] = fingerprints(&raster);
        // Measured while the pixels are there: whoever drops them needs no second decode for an
        // answer.
        let facts = Facts {
            sha256: upright.sha256,
            width: raster.width(),
            height: raster.height(),
            notes: upright.notes,
            fingerprint,
            mirrored,
            quality: measure(&raster),
        };
        Ok(Self { raster, facts })
    }
}
