//! Photos made up for a self-test: a reference, edited or not, photographed by the simulator and
//! packed as a seller's photo is, so that it goes the way of every other photo from there on.

use super::{frames::content_box, vision::Imaging};
use crate::domain::{
    camera::photograph,
    edits::{EditKind, edit},
    gallery::Reference,
    geometry::{Rect, number::whole},
    random::SplitMix,
    raster::Raster,
};

/// Long side in pixels that a print is brought down to before it is photographed: photos hold no
/// more of it.
const PRINT_PX: u32 = 1280;

/// Long side in pixels of a photo: less than telephones take, more than is compared of it.
const PHOTO_PX: u32 = 1280;

/// A photo made up for a self-test.
pub(crate) struct Simulated {
    /// The JPEG file.
    pub jpeg: Vec<u8>,
    /// Name of the edited mark; `None` for an unedited print.
    pub mark: Option<String>,
}

/// What a simulated photo is drawn from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeds {
    /// Seed of the edit.
    pub edit: u64,
    /// Seed of scene, camera and packing.
    pub camera: u64,
}

/// Photographs the print of `picture`, that of a reference, edited by `kind` or as it is. `None`
/// when none of the reference's marks can carry the edit visibly. Equal pictures, kinds and seeds
/// give the same bytes.
pub(crate) fn simulate(
    imaging: &mut dyn Imaging,
    reference: &Reference,
    picture: &Raster,
    kind: Option<EditKind>,
    seeds: Seeds,
) -> Option<Simulated> {
    let article = reference.article.unwrap_or_else(|| content_box(picture));
    // Never enlarged: the camera would photograph invented pixels.
    let scale = (f64::from(PRINT_PX) / f64::from(article.width().max(article.height()))).min(1.0);
    let side = |v: u32| whole((f64::from(v) * scale).round());
    let whole = imaging.resize(picture, side(picture.width()), side(picture.height()));
    // Edited whole and cropped afterwards, since marks are given in 0..1 of the whole picture.
    let (print, mark) = match kind {
        None => (whole, None),
        Some(kind) => {
            let made = edit(&whole, &reference.marks, kind, &mut SplitMix(seeds.edit))?;
            (made.raster, Some(reference.marks[made.mark].name.clone()))
        }
    };
    let [x, y, width, height] = article.to_xywh().map(side);
    let print = print.crop(Rect::from_size(x, y, width, height));
    let shot = photograph(&print, PHOTO_PX, &mut SplitMix(seeds.camera));
    // As a file and not as pixels: its compression is part of what a check has to bear.
    let jpeg = imaging.encode_jpeg(&shot.raster, shot.jpeg_quality);
    Some(Simulated { jpeg, mark })
}
