//! Pictures for a person to look at: photos and references as they came, and a photo laid over the
//! reference that it was compared with.

use bytes::Bytes;

use super::{Assay, ServiceError};
use crate::{
    checker::{actor::Actor, ports::StoreError, records::ReferenceRecord},
    contract::answer::PhotoAnswer,
    domain::{geometry::Homography, number::whole, rectify::rectify},
    engine::{
        Cell, deviation_map,
        vision::{IntakeError, Vision},
    },
};

/// The longer side of a photo laid over its reference, in pixels.
const LONGER_SIDE: f64 = 1400.0;
/// Quality of its JPEG: small letters must stay as they are.
const QUALITY: u8 = 92;

/// A picture as it came.
#[derive(Clone, Debug)]
pub struct Original {
    /// The file.
    pub bytes: Bytes,
    /// Its media type; `None` for a file that is taken for no picture any more.
    pub media_type: Option<&'static str>,
    /// What a camera or a program wrote into it, for people.
    pub written: Vec<(&'static str, String)>,
}

/// A photo with the reference that it was located by.
struct Laid {
    /// The photo's file.
    bytes: Bytes,
    /// Maps 0..1 of the reference to 0..1 of the photo.
    map: [f64; 9],
    /// The reference.
    record: ReferenceRecord,
}

impl Assay {
    /// Photo `n` (from 0) of a check as it was sent.
    ///
    /// # Errors
    /// There is no such photo for this actor, its bytes were not accepted, or they are lost.
    pub async fn photo(
        &self,
        actor: &Actor,
        check: &str,
        n: usize,
    ) -> Result<Original, ServiceError> {
        let (_, bytes) = self.kept_photo(actor, check, n).await?;
        self.original(bytes).await
    }

    /// A reference's picture as it was enrolled, also when it was removed since.
    ///
    /// # Errors
    /// There is no such reference for this actor, or its picture is lost.
    pub async fn reference_picture(
        &self,
        actor: &Actor,
        id: &str,
    ) -> Result<Original, ServiceError> {
        let record = self.seen_reference(actor, id).await?;
        self.original(self.images.image(record.sha256).await?).await
    }

    /// Photo `n` (from 0) of a check as its match `m` (from 0) sees it: a JPEG of the reference's
    /// proportions, in which each place of the reference's picture shows what the photo has there.
    ///
    /// # Errors
    /// As for [`Assay::photo`]; and the photo has no such match, or it was not located.
    pub async fn aligned_photo(
        &self,
        actor: &Actor,
        check: &str,
        n: usize,
        m: usize,
    ) -> Result<Vec<u8>, ServiceError> {
        let Laid { bytes, map, record } = self.laid(actor, check, n, m).await?;
        let room = self.compute.room_for((self.decoding_bytes)(&bytes)).await?;
        let lay = move |vision: &mut Vision| {
            let photo = vision.imaging.decode(&bytes)?.raster;
            let (width, height) = (f64::from(record.width), f64::from(record.height));
            let zoom = LONGER_SIDE / width.max(height);
            let (width, height) = (
                whole((width * zoom).round()),
                whole((height * zoom).round()),
            );
            let of_photo = (f64::from(photo.width()), f64::from(photo.height()));
            let to_photo = between((f64::from(width), f64::from(height)), map, of_photo);
            let laid = rectify(&photo, &to_photo, width.max(1), height.max(1)).raster;
            let jpeg = vision.imaging.encode_jpeg(&laid, QUALITY);
            drop(room);
            Ok(jpeg)
        };
        let laid: Result<_, IntakeError> = self.on_worker(lay).await?;
        laid.map_err(|source| ServiceError::Intake {
            field: format!("photo {n}"),
            source,
        })
    }

    /// How photo `n` (from 0) of a check departs from the reference of its match `m` (from 0), place by
    /// place.
    ///
    /// # Errors
    /// As for [`Assay::aligned_photo`].
    pub async fn deviation_map(
        &self,
        actor: &Actor,
        check: &str,
        n: usize,
        m: usize,
    ) -> Result<Vec<Cell>, ServiceError> {
        let Laid { bytes, map, record } = self.laid(actor, check, n, m).await?;
        let picture = self.images.image(record.sha256).await?;
        let both = (self.decoding_bytes)(&bytes) + (self.decoding_bytes)(&picture);
        let room = self.compute.room_for(both).await?;
        let compare = move |vision: &mut Vision| {
            let imaging = vision.imaging.as_mut();
            let photo = imaging.decode(&bytes)?.raster;
            let reference = imaging.decode(&picture)?.raster;
            let reference = (&reference, record.article);
            let map = deviation_map(imaging, reference, &photo, Homography(map));
            drop(room);
            Ok(map)
        };
        let compared: Result<_, IntakeError> = self.on_worker(compare).await?;
        compared.map_err(|source| ServiceError::Intake {
            field: format!("photo {n}"),
            source,
        })
    }

    /// A photo with the reference that it was located by.
    async fn laid(
        &self,
        actor: &Actor,
        check: &str,
        n: usize,
        m: usize,
    ) -> Result<Laid, ServiceError> {
        let (answer, bytes) = self.kept_photo(actor, check, n).await?;
        let not_located = || StoreError::NotFound {
            what: "located match",
            id: format!("{check}/{n}/{m}"),
        };
        let found = answer.matches.get(m).ok_or_else(not_located)?;
        let map = found.reference_to_photo.as_deref();
        let map: [f64; 9] = map
            .and_then(|map| map.try_into().ok())
            .ok_or_else(not_located)?;
        let record = self.seen_reference(actor, &found.reference).await?;
        Ok(Laid { bytes, map, record })
    }

    /// The answer and the bytes of a photo that was kept.
    async fn kept_photo(
        &self,
        actor: &Actor,
        check: &str,
        n: usize,
    ) -> Result<(PhotoAnswer, Bytes), ServiceError> {
        let mut answer = self.get_check(actor, check).await?;
        if answer.photos.get(n).is_none_or(|p| p.error.is_some()) {
            return Err(StoreError::NotFound {
                what: "photo",
                id: format!("{check}/{n}"),
            }
            .into());
        }
        // Removed on purpose is not lost.
        self.refuse_removed(check, |removed| removed == n).await?;
        let photo = answer.photos.swap_remove(n);
        let bytes = self.kept_bytes(&photo).await?;
        Ok((photo, bytes))
    }

    /// A reference of a brand that the actor sees.
    pub async fn seen_reference(
        &self,
        actor: &Actor,
        id: &str,
    ) -> Result<ReferenceRecord, ServiceError> {
        let record = self.records.references.reference(id).await?;
        if !actor.sees(&record.product.brand) {
            let (what, id) = ("reference", id.to_owned());
            return Err(StoreError::NotFound { what, id }.into());
        }
        Ok(record)
    }

    async fn original(&self, bytes: Bytes) -> Result<Original, ServiceError> {
        let look = move |vision: &mut Vision| Original {
            media_type: vision.imaging.media_type(&bytes),
            written: vision.imaging.written_facts(&bytes),
            bytes,
        };
        Ok(self.on_worker(look).await?)
    }
}

/// The map between pixels (centres at whole numbers) of two pictures of these sizes, of the map between
/// their units (0..1 from edge to edge).
fn between(from: (f64, f64), units: [f64; 9], to: (f64, f64)) -> Homography {
    let to_units = Homography([
        1.0 / from.0,
        0.0,
        0.5 / from.0,
        0.0,
        1.0 / from.1,
        0.5 / from.1,
        0.0,
        0.0,
        1.0,
    ]);
    let to_pixels = Homography([to.0, 0.0, -0.5, 0.0, to.1, -0.5, 0.0, 0.0, 1.0]);
    to_pixels.after(&Homography(units)).after(&to_units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::geometry::Point;

    #[test]
    fn corners_of_a_picture_lie_half_a_pixel_beyond_its_outer_centres() {
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let map = between((10.0, 20.0), identity, (100.0, 100.0));
        for (from, to) in [((-0.5, -0.5), (-0.5, -0.5)), ((9.5, 19.5), (99.5, 99.5))] {
            let at = map.apply(Point::new(from.0, from.1));
            assert!(at.distance(Point::new(to.0, to.1)) < 1e-9, "{at:?}");
        }
    }
}
