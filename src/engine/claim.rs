//! What a listing claims, and what a photo is held against.

use std::ops::Range;

use crate::domain::{
    calibration::Calibration,
    gallery::{Gallery, ProductKey},
    variation::Variation,
};

/// What a listing claims.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// Something of this brand.
    Brand(String),
    /// This product.
    Product(ProductKey),
}

impl Claim {
    /// Whether a product would fulfil the claim.
    pub fn covers(&self, product: &ProductKey) -> bool {
        match self {
            Self::Brand(brand) => &product.brand == brand,
            Self::Product(claimed) => product == claimed,
        }
    }

    /// The places in a gallery of the references that it covers.
    pub(crate) fn places(&self, gallery: &Gallery) -> Range<usize> {
        match self {
            Self::Brand(brand) => gallery.places(|p| p.brand.cmp(brand)),
            Self::Product(claimed) => gallery.places(|p| p.cmp(claimed)),
        }
    }
}

/// What a check is judged by.
#[derive(Clone, Debug)]
pub struct OperatingPoint {
    /// Scores of genuine photos.
    pub calibration: Calibration,
    /// What genuine photos of the claimed products show of their references.
    pub variation: Variation,
}
