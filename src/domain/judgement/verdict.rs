//! What a photo shows, with reasons, and the action that a policy makes of it.

use crate::domain::{
    gallery::{Mark, ProductKey, ReferenceKind},
    geometry::{Homography, Point},
    score::{Difference, PValue, Similarity},
    variation::{MarkObservation, Reading},
};

/// What the photo (or the whole check) shows. It never says "counterfeit".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Comparable with a reference of the claimed product, and no deviation beyond genuine
    /// variation.
    Consistent,
    /// Comparable, and something differs more than genuine photos do.
    Deviates,
    /// The brand's own catalogue picture, or one already seen on another seller's listing.
    ReusedPhoto,
    /// Blurred, too small, wrong side, covered, or no reference for this view.
    NotComparable,
    /// Nothing of the claimed product or brand is in the photo.
    NoBrandSeen,
}

impl Verdict {
    /// All verdicts in the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::Consistent,
        Self::Deviates,
        Self::ReusedPhoto,
        Self::NotComparable,
        Self::NoBrandSeen,
    ];

    /// Whether it flags the claim: the photo shows something else than the claim says.
    pub fn flags_the_claim(self) -> bool {
        matches!(self, Self::Deviates | Self::NoBrandSeen)
    }
}

/// What policy does with a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Let the listing through.
    Allow,
    /// Have a person look.
    Review,
    /// Ask the seller for another photo.
    RequestPhoto,
}

/// What policy makes of a check's verdict. Nothing is ever blocked: a doubt goes to a person, a
/// photo that says nothing is asked for again.
pub fn action_for(verdict: Verdict) -> Action {
    match verdict {
        Verdict::Consistent => Action::Allow,
        // A wrong answer here costs a person a look, never a seller the listing.
        Verdict::Deviates | Verdict::NoBrandSeen => Action::Review,
        // The seller can clear these up alone, with a photo of the item itself.
        Verdict::ReusedPhoto | Verdict::NotComparable => Action::RequestPhoto,
    }
}

/// Why a verdict is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReasonCode {
    /// The bytes are no photo that can be read.
    PhotoUnreadable,
    /// The photo has too few pixels.
    PhotoTooSmall,
    /// The photo is blurred.
    PhotoBlurred,
    /// The photo is too dark.
    PhotoTooDark,
    /// The photo is overexposed.
    PhotoTooBright,
    /// The photo is an enrolled picture itself.
    CataloguePicture,
    /// The same file was on another seller's listing before.
    SeenElsewhere,
    /// The picture of a reference of the claim is lost or damaged.
    ReferenceLost,
    /// No reference of the claim is enrolled.
    NoReference,
    /// The product agrees within genuine variation.
    Agrees,
    /// The product could not be located.
    NotLocated,
    /// A protected mark differs.
    MarkDiffers,
    /// The claimed product was located, and another fits better.
    RivalFitsBetter,
    /// The claimed product was not located, and another was.
    OtherProductSeen,
    /// The product was located, and agrees less than genuine photos do.
    WeakAgreement,
    /// A logo of the product was seen, and could not be compared.
    LogoSeen,
    /// A logo of the product agrees, and of the product itself nothing was seen.
    LogoAgrees,
    /// It differs, but no calibration has seen photos or references of its kind.
    OutsideCalibration,
    /// The photo deviates alone, and its listing as a whole is within genuine variation.
    ListingAgrees,
}

/// One reason for a verdict: a code for programs, words for a person, and where to look.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// What kind of reason.
    // Callers branch on the code: the words may change.
    pub code: ReasonCode,
    /// A sentence for a person, lower case, no full stop.
    pub detail: String,
    /// Index of the photo in the check, from 0.
    pub photo: usize,
    /// Outline in 0..1 of the upright photo; empty when the reason has no place.
    pub region: Vec<Point>,
}

/// A mark's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarkAnswer {
    /// Looks as on the reference.
    Same,
    /// Differs from the reference.
    Different,
    /// Occluded, in glare, or too blurred to say.
    CannotSee,
}

/// One protected mark compared closely.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkComparison {
    /// The mark, or the region as a mark.
    pub mark: Mark,
    /// What was seen of it; `None` when it cannot be seen at all.
    pub observation: Option<MarkObservation>,
    /// Same, different or cannot see.
    pub answer: MarkAnswer,
    /// How surely it differs.
    pub score: Difference,
    /// What genuine photos that show the same took off that score, 0 to 1.
    pub genuine_variation: f64,
    /// Whether what was read speaks against it: not when genuine photos are misread so, nor when
    /// the reference itself cannot be read.
    pub misreads: bool,
    /// Outline in 0..1 of the upright photo.
    pub region: Vec<Point>,
    /// Outlines, in 0..1 of the upright photo, of the cells that differ.
    pub differing: Vec<Vec<Point>>,
    /// Degrees, -180 to 180, by which its hues are turned against the rest of the pack, when that
    /// is notable.
    pub hue_turn: Option<f64>,
}

impl MarkComparison {
    /// What the recogniser read in the photo.
    pub fn read(&self) -> Option<&Reading> {
        // Only marks in doubt are read: most have no reading.
        self.observation.as_ref()?.reading.as_ref()
    }
}

/// The separate channels of one comparison; `None` where a channel could not be measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Channels {
    /// Cosine of the whole-image embeddings, -1 to 1.
    pub embedding: Option<f64>,
    /// Inliers of the homography.
    pub inliers: usize,
    /// Inliers over tentative correspondences, 0 to 1.
    pub inlier_ratio: f64,
    /// Share of an 8x8 grid over the reference that holds an inlier, 0 to 1.
    pub spread: f64,
    /// Mean correlation of aligned blocks, -1 to 1.
    pub appearance: Option<f64>,
    /// Mean agreement of expected and read text, 0 to 1.
    pub text: Option<f64>,
    /// Agreement of the marks' colours relative to the rest of the pack, 0 to 1.
    pub colour: Option<f64>,
}

/// One photo against one reference, located and compared.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchReport {
    /// Product of the reference.
    pub product: ProductKey,
    /// Reference id.
    pub reference: String,
    /// Fused similarity to this reference.
    pub similarity: Similarity,
    /// The channels it was fused from.
    pub channels: Channels,
    /// Protected marks, when they were compared.
    pub marks: Vec<MarkComparison>,
    /// Corners of the reference (top left, top right, bottom right, bottom left) in 0..1 of the
    /// upright photo.
    pub region: Option<[Point; 4]>,
    /// Maps 0..1 of the reference to 0..1 of the photo.
    pub reference_to_photo: Option<Homography>,
    /// Places outside the marks that differ, strongest first: outline in 0..1 of the photo and
    /// strength.
    pub deviations: Vec<(Vec<Point>, Difference)>,
}

/// One article in a photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// The product that was found.
    pub product: ProductKey,
    /// The reference that it was found by.
    pub reference: String,
    /// What that reference shows.
    pub kind: ReferenceKind,
    /// Corners in 0..1 of the upright photo.
    pub region: [Point; 4],
    /// Points that agree.
    pub inliers: usize,
    /// Whether the photo shows it as a mirror image.
    pub mirrored: bool,
}

/// The answer for one photo.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoReport {
    /// What the photo shows.
    pub verdict: Verdict,
    /// Fused similarity to the claimed product, or to the best match without a claim.
    pub similarity: Similarity,
    /// Conformal p-value of the claim, when there is one and the photo was comparable.
    pub p_value: Option<PValue>,
    /// How strange the photo is for a genuine one, with a claim or without, for the listing's
    /// p-value: [`Calibration::strangeness`](super::calibration::Calibration::strangeness).
    pub strangeness: Option<PValue>,
    /// Best matches, most similar first; the claimed product's first when there is a claim.
    pub matches: Vec<MatchReport>,
    /// What a person should know of how it was compared.
    pub notes: Vec<String>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What is in the photo and where: the article that was judged first.
    pub instances: Vec<Instance>,
    /// What of the article was compared: the kind of its reference, then its marks.
    pub compared: Vec<String>,
    /// Whether the article was judged on the mirror image of the photo.
    pub mirrored: bool,
    /// Whether the calibration has seen photos and references of this kind.
    pub covered: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Consistent, Deviates, NoBrandSeen, NotComparable, ReusedPhoto};

    #[test]
    fn only_agreement_is_let_through_and_only_silence_is_asked_again() {
        assert_eq!(action_for(Consistent), Action::Allow);
        assert_eq!(action_for(Deviates), Action::Review);
        assert_eq!(action_for(NoBrandSeen), Action::Review);
        assert_eq!(action_for(ReusedPhoto), Action::RequestPhoto);
        assert_eq!(action_for(NotComparable), Action::RequestPhoto);
    }
}
