//! How the OpenAPI document describes the texts, corners and seeds that callers send, from the same
//! limits that requests are checked against.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, Object, ObjectBuilder, RefOr, SchemaFormat, Type,
        schema::{Schema, SchemaType},
    },
};

use super::limits::{LEAST_CORNERS, LONGEST_ID, LONGEST_STATEMENT, LONGEST_TEXT, MOST_CORNERS};

/// A schema under a name of its own.
macro_rules! described {
    ($($(#[$about:meta])* $name:ident = $schema:expr;)+) => {
        $(
            $(#[$about])*
            #[derive(Clone, Copy, Debug)]
            // Without values: it only stands for its schema.
            pub enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    $schema.into()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    stringify!($name).into()
                }
            }
        )+
    };
}

described! {
    /// An id that a caller chooses: part of paths and file names, hence of few characters.
    Id = text(1, LONGEST_ID, ID)
        .description(Some(format!(
            "1 to {LONGEST_ID} of `a-z`, `0-9`, `-`, `_`, `.`, the first a letter or digit."
        )))
        .examples(["acme"])
        .build();
    /// A text for people: not blank, without control characters.
    PlainText = text(1, LONGEST_TEXT, PLAIN)
        .description(Some(format!(
            "1 to {LONGEST_TEXT} characters, not all blank and none of them a control character."
        )))
        .build();
    /// [`PlainText`] or `null`, in one schema: tools that make test data see no sense in a choice.
    OptionalText = text(1, LONGEST_TEXT, PLAIN)
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .build();
    /// Several lines for people: not blank, without control characters but line breaks and tabs.
    LongText = text(1, LONGEST_STATEMENT, LINES)
        .description(Some(format!(
            "1 to {LONGEST_STATEMENT} characters, not all blank; lines may be broken."
        )))
        .build();
    /// A country that an article is sold in.
    Market = text(2, 2, "^[A-Z]{2}$")
        .description(Some("Code of a country by ISO 3166-1 alpha-2."))
        .examples(["DE"])
        .build();
    /// An id that Assay gives.
    RecordId = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom("uuid".to_owned())))
        .examples(["0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10"])
        .build();
    /// What random choices start from.
    Seed = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        // The builder takes no longer number; where it is shorter, its most is the closest bound.
        .maximum(Some(usize::try_from(u64::MAX).unwrap_or(usize::MAX)))
        .build();
    /// A content hash.
    Sha256Hex = text(64, 64, "^[0-9a-f]+$").build();
    /// The corners of a mark's region.
    Corners = ArrayBuilder::new()
        .items(corner())
        .min_items(Some(LEAST_CORNERS))
        .max_items(Some(MOST_CORNERS))
        .build();
}

// Anchored, because a schema's pattern otherwise may match anywhere in a text.
const ID: &str = "^[a-z0-9][a-z0-9._-]*$";
/// White space by Unicode and control characters are spelled out: dialects of regular expressions
/// differ in what `\s` means, and some know no `\p{Cc}`.
const PLAIN: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\u0000-\u001f\u007f-\u009f]*$",
);

/// As [`PLAIN`], with line breaks and tabs.
const LINES: &str = concat!(
    r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$",
);

/// One of these names.
pub(crate) fn names(about: &str, names: impl Iterator<Item = &'static str>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(about))
        .enum_values(Some(names))
        .build()
}

fn text(shortest: usize, longest: usize, pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(shortest))
        .max_length(Some(longest))
        .pattern(Some(pattern))
}

/// `[x, y]`.
fn corner() -> ArrayBuilder {
    let coordinate = ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0.0))
        .maximum(Some(1.0));
    ArrayBuilder::new()
        .items(coordinate)
        // A pair is a list whose least and most are the same.
        .min_items(Some(2))
        .max_items(Some(2))
}
