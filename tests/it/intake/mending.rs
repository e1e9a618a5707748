//! Sound JPEGs that are laid out oddly, as telephones, editors and servers leave them.

use assay::engine::vision::IntakeError;
use proptest::prelude::*;

use super::{decode, fixture, jpeg};

const SKIPPED: &str = "stray bytes among the picture's headers were skipped";
const BEFORE: &str = "stray bytes before the picture were skipped";
const OPEN: &str = "the picture has no end marker, but all its data";

/// The start marker, each header, and the data with the end marker.
fn pieces(jpeg: &[u8]) -> Vec<&[u8]> {
    let mut pieces = vec![&jpeg[..2]];
    let mut at = 2;
    while pieces.last().is_none_or(|p| p[1] != 0xda) {
        let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        pieces.push(&jpeg[at..end]);
        at = end;
    }
    pieces.push(&jpeg[at..]);
    pieces
}

/// With `padding` before each header.
fn padded(jpeg: &[u8], padding: &[u8]) -> Vec<u8> {
    let pieces = pieces(jpeg);
    let (data, headers) = pieces.split_last().expect("there are pieces");
    [&headers.join(padding)[..], data].concat()
}

fn without_end(jpeg: &[u8], trailer: &[u8]) -> Vec<u8> {
    let picture = jpeg.strip_suffix(&[0xff, 0xd9]).expect("an end marker");
    [picture, trailer].concat()
}

fn originals() -> [Vec<u8>; 3] {
    [jpeg(), fixture("progressive.jpg"), fixture("cmyk.jpg")]
}

/// Asserts that `odd` shows what `original` shows, and says so in one note more.
fn mended(original: &[u8], odd: &[u8], note: &str) {
    let whole = decode(original).expect("sound");
    let photo = decode(odd).unwrap_or_else(|e| panic!("{note}: {e}"));
    assert_eq!(photo.raster, whole.raster, "{note}");
    let added: Vec<_> = photo
        .notes
        .iter()
        .filter(|n| !whole.notes.contains(n))
        .collect();
    assert_eq!(added, [note]);
}

#[test]
fn sound_pictures_that_are_laid_out_oddly_are_decoded_and_it_is_said() {
    for original in originals() {
        let start = &original[..2];
        for padding in [&[0; 4][..], b"\r\n\r\n", &[0; 600]] {
            mended(&original, &padded(&original, padding), SKIPPED);
        }
        mended(&original, &[start, &original].concat(), SKIPPED);
        mended(&original, &[start, b"\n", &original].concat(), SKIPPED);
        for before in [
            &b"\r\n"[..],
            b"\xef\xbb\xbf",
            b"<br />\nNotice: x in y.php\n",
            &[0; 512],
        ] {
            mended(&original, &[before, &original].concat(), BEFORE);
        }
        let phone = b"\0\0\x01\x0a\x0e\0\0\0Image_UTC_Data1700000000000SEFHj\0\0\0\x01\0\0\0SEFT";
        for trailer in [&b""[..], phone, &[0; 40_000]] {
            mended(&original, &without_end(&original, trailer), OPEN);
        }
        // Another picture behind it is told too.
        let followed = decode(&without_end(&original, &original)).expect("sound");
        assert_eq!(followed.raster, decode(&original).expect("sound").raster);
        assert!(followed.notes.iter().any(|n| n == OPEN));
    }
}

#[test]
fn fill_bytes_are_part_of_the_format_and_not_worth_a_note() {
    let filled = padded(&jpeg(), &[0xff; 5]);
    assert_eq!(decode(&filled).expect("sound").notes, [""; 0]);
}

#[test]
fn a_picture_that_is_cut_off_stays_damaged() {
    for original in originals() {
        // With nothing behind the cut, and with another picture.
        for (length, behind) in (original.len() / 2..original.len() - 24)
            .step_by(7)
            .flat_map(|length| [(length, 0), (length, 20)])
        {
            let cut = [&original[..length], &original[..behind]].concat();
            assert!(
                matches!(decode(&cut), Err(IntakeError::Damaged { .. })),
                "cut at {length} of {}, {behind} bytes behind",
                original.len(),
            );
        }
    }
}

#[test]
fn bytes_that_only_hold_a_picture_are_refused_by_their_name() {
    for (head, found) in [
        (&b"ID3\x03\0\0\0\0\x10\0APIC"[..], "a sound"),
        (b"FUJIFILMCCD-RAW 0201", "a camera's raw file"),
        (b"%PDF-1.4\n", "a PDF document"),
    ] {
        let refused = decode(&[head, &jpeg()].concat());
        let found = found.to_owned();
        assert_eq!(refused, Err(IntakeError::UnsupportedFormat { found }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_padding_and_no_trailer_changes_what_is_seen(
        which in 0_usize..3,
        padding in prop::collection::vec(0_u8..0xff, 0..40),
        trailer in prop::collection::vec(any::<u8>(), 0..200),
        ended in any::<bool>(),
    ) {
        let original = &originals()[which];
        let odd = padded(original, &padding);
        let odd = match ended {
            true => [&odd[..], &trailer].concat(),
            false => without_end(&odd, &trailer),
        };
        let photo = decode(&odd).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(photo.raster, decode(original).expect("sound").raster);
    }
}
