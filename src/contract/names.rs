//! The closed lists of names in requests and answers, each made from its twin in the domain.
//!
//! A stored answer whose verdict or mark answer has an unknown name is refused rather than guessed
//! at. An unknown reason or photo error is read as `unknown`: a newer version may have stored it,
//! and its sentence still says what it means.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

use super::schemas;
use crate::domain::{calibration, edits, gallery, verdict};

/// An enum with its names as JSON has them. Its schema is made here: the derived one would not see
/// through a macro what a variant is renamed to.
macro_rules! names {
    ($(#[doc = $doc:literal])+ $name:ident {
        $($(#[doc = $about:literal])+ $(#[serde($option:ident)])? $variant:ident = $text:literal,)+
    }) => {
        $(#[doc = $doc])+
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        pub enum $name {
            $($(#[doc = $about])+ #[serde(rename = $text)] $(#[serde($option)])? $variant,)+
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let about = concat!($($doc,)+ "\n" $(, "\n- `", $text, "`:" $(, $about)+)+);
                // Documentation keeps the blank after its slashes, and the text would begin with
                // it.
                schemas::names(about.trim_start(), Self::ALL.iter().map(|v| v.name())).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl $name {
            /// All of them, in the order of the documentation.
            // Schemas and messages are made from this list, so that they forget none.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name as JSON has it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                // Padded, so that a width in a format string counts.
                f.pad(self.name())
            }
        }
    };
}

/// The domain's variants become those of the same name here; `both` also goes back.
macro_rules! from_domain {
    ($name:ident from $domain:ty { $($variant:ident)+ }) => {
        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                // Without a catch-all arm: a new variant does not compile until it has a name here.
                match value {
                    $(<$domain>::$variant => Self::$variant,)+
                }
            }
        }
    };
    ($name:ident both $domain:ty { $($variant:ident)+ }) => {
        from_domain!($name from $domain { $($variant)+ });

        impl From<$name> for $domain {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => Self::$variant,)+
                }
            }
        }
    };
}

names! {
    /// What a photo, or a whole check, shows.
    Verdict {
        /// Nothing differs more than genuine photos do.
        Consistent = "consistent",
        /// Something differs more than genuine photos do.
        Deviates = "deviates",
        /// The brand's own picture, or one from another seller's listing.
        ReusedPhoto = "reused_photo",
        /// The photo cannot be compared.
        NotComparable = "not_comparable",
        /// The photo is of another enrolled product, which `reasons` name.
        NoBrandSeen = "no_brand_seen",
    }
}
from_domain!(Verdict both verdict::Verdict {
    Consistent Deviates ReusedPhoto NotComparable NoBrandSeen
});

names! {
    /// What policy does with a verdict.
    Action {
        /// Let the listing through.
        Allow = "allow",
        /// Have a person look.
        Review = "review",
        /// Ask the seller for another photo.
        RequestPhoto = "request_photo",
    }
}
// One way: an action is answered and never sent.
from_domain!(Action from verdict::Action { Allow Review RequestPhoto });

names! {
    /// How a mark compares with the reference.
    MarkAnswer {
        /// It looks as on the reference.
        Same = "same",
        /// It differs from the reference.
        Different = "different",
        /// It is covered, in glare, or too blurred to say.
        CannotSee = "cannot_see",
    }
}
from_domain!(MarkAnswer from verdict::MarkAnswer { Same Different CannotSee });

names! {
    /// Why a verdict is as it is. More codes may come.
    ReasonCode {
        /// The bytes are no photo that can be read.
        PhotoUnreadable = "photo_unreadable",
        /// The photo has too few pixels.
        PhotoTooSmall = "photo_too_small",
        /// The photo is blurred.
        PhotoBlurred = "photo_blurred",
        /// The photo is too dark.
        PhotoTooDark = "photo_too_dark",
        /// The photo is overexposed.
        PhotoTooBright = "photo_too_bright",
        /// The photo is an enrolled picture itself.
        CataloguePicture = "catalogue_picture",
        /// The same file was on another seller's listing before.
        SeenElsewhere = "seen_elsewhere",
        /// The picture of a reference of the claim is lost or damaged.
        ReferenceLost = "reference_lost",
        /// No reference of the claim is enrolled.
        NoReference = "no_reference",
        /// The product agrees within genuine variation.
        Agrees = "agrees",
        /// The product could not be located.
        NotLocated = "not_located",
        /// A protected mark differs.
        MarkDiffers = "mark_differs",
        /// Another product fits better than the claimed one.
        RivalFitsBetter = "rival_fits_better",
        /// Another product is in the photo.
        OtherProductSeen = "other_product_seen",
        /// The product agrees less than genuine photos do.
        WeakAgreement = "weak_agreement",
        /// A logo of the claimed product was seen, and is too small or too plain to be compared.
        LogoSeen = "logo_seen",
        /// A logo of the claimed product agrees, and of the product itself nothing was seen.
        LogoAgrees = "logo_agrees",
        /// It looks different, but the calibration has seen no photos or references of its kind.
        OutsideCalibration = "outside_calibration",
        /// The photo deviates alone, and its listing as a whole is within genuine variation.
        ListingAgrees = "listing_agrees",
        // Read from storage only: no answer is made with it.
        /// A code of another version; `detail` says it in words.
        #[serde(other)]
        Unknown = "unknown",
    }
}
from_domain!(ReasonCode from verdict::ReasonCode {
    PhotoUnreadable PhotoTooSmall PhotoBlurred PhotoTooDark PhotoTooBright CataloguePicture
    SeenElsewhere ReferenceLost NoReference Agrees NotLocated MarkDiffers RivalFitsBetter OtherProductSeen
    WeakAgreement LogoSeen LogoAgrees OutsideCalibration ListingAgrees
});

names! {
    /// Why the bytes of a photo were not accepted. More kinds may come.
    // Its twin belongs to the intake and not to the domain, which is all that may be named here.
    PhotoErrorKind {
        /// The file is empty.
        Empty = "photo-empty",
        /// The file has too many bytes.
        TooManyBytes = "photo-too-many-bytes",
        /// The file is no JPEG, PNG or WebP picture.
        UnsupportedFormat = "photo-unsupported-format",
        /// The picture has too many pixels.
        TooLarge = "photo-too-large",
        /// Decoding the picture takes too much memory.
        TooMuchMemory = "photo-too-much-memory",
        /// The picture has too few pixels.
        TooSmall = "photo-too-small",
        /// The picture is animated.
        Animated = "photo-animated",
        /// The picture takes too long to decode.
        TooSlow = "photo-too-slow",
        /// The picture is damaged.
        Damaged = "photo-damaged",
        /// A kind of another version; `detail` says it in words.
        #[serde(other)]
        Unknown = "unknown",
    }
}

names! {
    /// Which genuine photos a calibration is made of.
    CalibrationSource {
        /// Those of the claimed product.
        Product = "product",
        /// Those of all the brand's products.
        Brand = "brand",
        /// Those of the calibration shipped with the program.
        Default = "default",
    }
}
from_domain!(CalibrationSource from calibration::CalibrationSource { Product Brand Default });

names! {
    /// What a reference shows.
    ReferenceKind {
        /// A whole pack or article.
        Pack = "pack",
        /// A logo alone.
        Logo = "logo",
        /// A label alone.
        Label = "label",
        /// The brand's own published picture.
        CataloguePhoto = "catalogue_photo",
    }
}
// Both ways: callers send it as well as read it.
from_domain!(ReferenceKind both gallery::ReferenceKind { Pack Logo Label CataloguePhoto });

names! {
    /// What a mark holds.
    MarkKind {
        /// Letters.
        Text = "text",
        /// A figure.
        Logo = "logo",
        /// Print that varies by design, such as a date: nothing is compared there.
        Ignored = "ignored",
    }
}
from_domain!(MarkKind both gallery::MarkKind { Text Logo Ignored });

names! {
    /// What was changed in a simulated photo.
    EditKind {
        /// Nothing.
        Unedited = "unedited",
        /// One letter became another.
        Letter = "letter",
        /// Two neighbouring letters changed places.
        Swap = "swap",
        /// A letter was removed.
        Missing = "missing",
        /// A word became another.
        Word = "word",
        /// A logo became another part of the print, or its mirror image.
        Logo = "logo",
        /// The mark's colour was turned.
        Hue = "hue",
    }
}
from_domain!(EditKind from edits::EditKind { Letter Swap Missing Word Logo Hue });

names! {
    /// Where a check stands that a person has to look at.
    ReviewState {
        /// Nobody has decided, or somebody disputes what was decided.
        Open = "open",
        /// A decision asked for another photo, and none has come.
        Waiting = "waiting",
        /// It is decided.
        Decided = "decided",
    }
}

names! {
    /// What a person decided about a check.
    ReviewOutcome {
        /// The program's answer stands.
        Uphold = "uphold",
        /// The program's answer was wrong.
        Overturn = "overturn",
        /// The photos do not tell: another one is needed.
        NeedPhoto = "need_photo",
    }
}

names! {
    /// In which order checks that need a person are listed; disputed ones come first in each.
    QueueOrder {
        /// Those that have waited longest.
        Oldest = "oldest",
        /// Those that came last.
        Newest = "newest",
        /// Those that look least like genuine goods.
        Strongest = "strongest",
    }
}

names! {
    /// What another photo should be like. More codes may come.
    HelpCode {
        /// Of the side that the reference shows.
        Front = "front",
        /// From nearer, so that the article fills the picture.
        Closer = "closer",
        /// The places that differ, sharp and large.
        CloseUp = "close_up",
        /// With more pixels.
        MorePixels = "more_pixels",
        /// Not blurred.
        Sharper = "sharper",
        /// In more light.
        MoreLight = "more_light",
        /// Without direct light.
        LessLight = "less_light",
        /// With nothing over the article: no thumb, sticker, banner or watermark.
        Uncovered = "uncovered",
        /// Of the article alone.
        Cropped = "cropped",
        /// Not turned over as in a mirror.
        NotMirrored = "not_mirrored",
        /// Taken by the seller, of the very item.
        OwnPhoto = "own_photo",
        /// Of the article that the listing names.
        ClaimedArticle = "claimed_article",
        /// In a file that can be read.
        ReadableFile = "readable_file",
        /// In a smaller file.
        SmallerFile = "smaller_file",
        /// None: what is missing is not the seller's to send.
        NoneNeeded = "none_needed",
    }
}

names! {
    /// A place in a photo, in words.
    Place {
        /// At the upper left.
        UpperLeft = "upper_left",
        /// At the top, in the middle.
        UpperMiddle = "upper_middle",
        /// At the upper right.
        UpperRight = "upper_right",
        /// At the left, half-way up.
        MiddleLeft = "middle_left",
        /// In the middle.
        Middle = "middle",
        /// At the right, half-way up.
        MiddleRight = "middle_right",
        /// At the lower left.
        LowerLeft = "lower_left",
        /// At the bottom, in the middle.
        LowerMiddle = "lower_middle",
        /// At the lower right.
        LowerRight = "lower_right",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Debug;

    /// JSON and `name` agree, and reading gives the same again.
    fn written_as_named<T>(all: &[T], name: fn(T) -> &'static str)
    where
        T: Copy + Debug + PartialEq + Serialize + serde::de::DeserializeOwned,
    {
        for value in all {
            let json = serde_json::to_value(value).unwrap();
            assert_eq!(json, name(*value));
            assert_eq!(serde_json::from_value::<T>(json).unwrap(), *value);
        }
    }

    #[test]
    fn names_in_json_are_those_that_the_program_prints() {
        written_as_named(Verdict::ALL, Verdict::name);
        written_as_named(Action::ALL, Action::name);
        written_as_named(MarkAnswer::ALL, MarkAnswer::name);
        written_as_named(ReasonCode::ALL, ReasonCode::name);
        written_as_named(PhotoErrorKind::ALL, PhotoErrorKind::name);
        written_as_named(CalibrationSource::ALL, CalibrationSource::name);
        written_as_named(ReferenceKind::ALL, ReferenceKind::name);
        written_as_named(MarkKind::ALL, MarkKind::name);
        written_as_named(EditKind::ALL, EditKind::name);
        written_as_named(ReviewState::ALL, ReviewState::name);
        written_as_named(ReviewOutcome::ALL, ReviewOutcome::name);
        written_as_named(QueueOrder::ALL, QueueOrder::name);
        written_as_named(HelpCode::ALL, HelpCode::name);
        written_as_named(Place::ALL, Place::name);
    }

    /// The domain's names stand in the database: both must stay the same.
    #[test]
    fn names_are_those_of_the_domain() {
        for kind in gallery::ReferenceKind::ALL {
            assert_eq!(ReferenceKind::from(kind).name(), kind.name());
        }
        for kind in gallery::MarkKind::ALL {
            assert_eq!(MarkKind::from(kind).name(), kind.name());
        }
        for kind in edits::EditKind::ALL {
            assert_eq!(EditKind::from(kind).name(), kind.name());
        }
    }

    #[test]
    fn reasons_of_other_versions_are_read_and_their_verdicts_refused() {
        let read = |name: &str| serde_json::from_value::<ReasonCode>(name.into()).unwrap();
        assert_eq!(read("seal_is_broken"), ReasonCode::Unknown);
        assert!(serde_json::from_value::<Verdict>("counterfeit".into()).is_err());
    }
}
