//! Applies an EXIF orientation to RGB8 pixels.

use image::metadata::Orientation;

/// Side of the square blocks in which quarter turns are done, so that both pictures stay in the
/// cache.
const BLOCK: usize = 32;

/// The orientation that an EXIF block asks for; none when it is missing or makes no sense. The
/// block may open with the `Exif` signature of JPEG, which some writers also put into PNG and WebP.
pub(super) fn from_exif(exif: Option<&[u8]>) -> Orientation {
    let tiff = exif.map(|block| block.strip_prefix(b"Exif\0\0").unwrap_or(block));
    tiff.and_then(Orientation::from_exif_chunk)
        .unwrap_or(Orientation::NoTransforms)
}

/// Whether turning swaps the sides, for which the picture is held twice.
pub(super) fn is_quarter_turn(orientation: Orientation) -> bool {
    orientation.to_exif() >= 5
}

/// Turns `width` x `height` pixels (hwc, 3 bytes each) upright; gives the new sides. Mirrors and
/// half turns need no second copy of the pixels.
pub(super) fn turn(
    width: u32,
    height: u32,
    mut pixels: Vec<u8>,
    by: Orientation,
) -> (u32, u32, Vec<u8>) {
    use Orientation::*;
    let (w, h) = (width as usize, height as usize);
    match by {
        NoTransforms => (width, height, pixels),
        FlipHorizontal => {
            pixels.chunks_exact_mut(w * 3).for_each(mirror_row);
            (width, height, pixels)
        }
        FlipVertical => {
            mirror_rows(&mut pixels, w * 3);
            (width, height, pixels)
        }
        Rotate180 => {
            pixels.chunks_exact_mut(w * 3).for_each(mirror_row);
            mirror_rows(&mut pixels, w * 3);
            (width, height, pixels)
        }
        // From here on column x, row y of the upright picture is taken from (source x, source y).
        Rotate90 => (height, width, gather(&pixels, w, h, |x, y| (y, h - 1 - x))),
        Rotate270 => (height, width, gather(&pixels, w, h, |x, y| (w - 1 - y, x))),
        Rotate90FlipH => (height, width, gather(&pixels, w, h, |x, y| (y, x))),
        Rotate270FlipH => (
            height,
            width,
            gather(&pixels, w, h, |x, y| (w - 1 - y, h - 1 - x)),
        ),
    }
}

fn mirror_row(row: &mut [u8]) {
    let (pixels, _) = row.as_chunks_mut::<3>();
    pixels.reverse();
}

fn mirror_rows(all: &mut [u8], stride: usize) {
    let rows = all.len() / stride;
    // The middle one of an odd number of rows stays where it is.
    for y in 0..rows / 2 {
        let (top, rest) = all.split_at_mut((rows - 1 - y) * stride);
        top[y * stride..][..stride].swap_with_slice(&mut rest[..stride]);
    }
}

/// A picture of `h` x `w` whose pixel (x, y) is that of the `w` x `h` picture at `source(x, y)`.
fn gather(
    pixels: &[u8],
    w: usize,
    h: usize,
    source: impl Fn(usize, usize) -> (usize, usize),
) -> Vec<u8> {
    // A quarter turn changes how long rows are: it is done into a second copy, which the limits
    // count.
    let mut out = vec![0; w * h * 3];
    for top in (0..w).step_by(BLOCK) {
        for left in (0..h).step_by(BLOCK) {
            for y in top..w.min(top + BLOCK) {
                for x in left..h.min(left + BLOCK) {
                    let (sx, sy) = source(x, y);
                    let (to, from) = ((y * h + x) * 3, (sy * w + sx) * 3);
                    out[to..to + 3].copy_from_slice(&pixels[from..from + 3]);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The six pixels of `0 1 2 / 3 4 5` after turning, as rows of their numbers.
    fn turned(exif: u8) -> (u32, u32, Vec<u8>) {
        let pixels: Vec<u8> = (0..6).flat_map(|n| [n, n, n]).collect();
        let by = Orientation::from_exif(exif).expect("1 to 8 exist");
        let (w, h, out) = turn(3, 2, pixels, by);
        (w, h, out.chunks_exact(3).map(|p| p[0]).collect())
    }

    #[test]
    fn all_eight_orientations_put_the_stored_first_row_where_exif_says() {
        assert_eq!(turned(1), (3, 2, vec![0, 1, 2, 3, 4, 5])); // top
        assert_eq!(turned(2), (3, 2, vec![2, 1, 0, 5, 4, 3])); // top, mirrored
        assert_eq!(turned(3), (3, 2, vec![5, 4, 3, 2, 1, 0])); // bottom
        assert_eq!(turned(4), (3, 2, vec![3, 4, 5, 0, 1, 2])); // bottom, mirrored
        assert_eq!(turned(5), (2, 3, vec![0, 3, 1, 4, 2, 5])); // left, mirrored
        assert_eq!(turned(6), (2, 3, vec![3, 0, 4, 1, 5, 2])); // right
        assert_eq!(turned(7), (2, 3, vec![5, 2, 4, 1, 3, 0])); // right, mirrored
        assert_eq!(turned(8), (2, 3, vec![2, 5, 1, 4, 0, 3])); // left
    }

    #[test]
    fn turning_agrees_with_the_image_crate_beyond_one_block() {
        let (w, h) = (75, 50);
        let buffer = image::RgbImage::from_fn(w, h, |x, y| {
            image::Rgb([x, y, x * y].map(|v| v.to_le_bytes()[0]))
        });
        for exif in 1..=8 {
            let by = Orientation::from_exif(exif).expect("1 to 8 exist");
            let mut theirs = image::DynamicImage::from(buffer.clone());
            theirs.apply_orientation(by);
            let (ours_w, ours_h, ours) = turn(w, h, buffer.as_raw().as_slice().into(), by);
            assert_eq!((ours_w, ours_h), (theirs.width(), theirs.height()));
            assert_eq!(&ours[..], theirs.as_bytes(), "orientation {exif}");
        }
    }

    #[test]
    fn nonsense_exif_turns_nothing() {
        assert_eq!(from_exif(None), Orientation::NoTransforms);
        assert_eq!(
            from_exif(Some(b"Exif\0\0nonsense")),
            Orientation::NoTransforms
        );
    }
}
