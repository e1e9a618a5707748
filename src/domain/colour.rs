//! The colour channel: a mark's colour relative to the rest of the same pack.
//!
//! Absolute colour is lost in white balance, so the photo is brought to the reference's light first
//! (`appearance::relit`), and what is left at the mark is measured in CIE L*a*b* (D65, sRGB), chroma only.

use super::raster::Raster;

/// Chroma (a*, b*) of an sRGB colour (CIE 15:2004 with sRGB primaries, D65).
fn chroma(rgb: [f64; 3]) -> [f64; 2] {
    let linear = rgb.map(|v| {
        let c = v / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    let [r, g, b] = linear;
    let xyz = [
        (0.412_456 * r + 0.357_576 * g + 0.180_438 * b) / 0.950_47,
        0.212_673 * r + 0.715_152 * g + 0.072_175 * b,
        (0.019_334 * r + 0.119_192 * g + 0.950_304 * b) / 1.088_83,
    ];
    let f = xyz.map(|t| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 });
    [500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2])]
}

/// Side in pixels of the patches whose colours are compared.
const PATCH_PX: u32 = 8;

/// Mean chroma difference (delta a*b*, 0 upwards; about 2.3 is just noticeable) of two pictures of one size inside the
/// box `x0, y0, x1, y1`, over patches of 8 pixels; `None` for a box without a whole patch.
pub fn chroma_difference(reference: &Raster, photo: &Raster, [x0, y0, x1, y1]: [u32; 4]) -> Option<f64> {
    let mut sum = 0.0;
    let mut count = 0;
    for y in (y0..y1.saturating_sub(PATCH_PX - 1)).step_by(PATCH_PX as usize) {
        for x in (x0..x1.saturating_sub(PATCH_PX - 1)).step_by(PATCH_PX as usize) {
            let (a, b) = (chroma(patch_mean(reference, x, y)), chroma(patch_mean(photo, x, y)));
            sum += (a[0] - b[0]).hypot(a[1] - b[1]);
            count += 1;
        }
    }
    (count > 0).then(|| sum / f64::from(count))
}

fn patch_mean(raster: &Raster, x: u32, y: u32) -> [f64; 3] {
    let mut sum = [0.0; 3];
    for dy in 0..PATCH_PX {
        for dx in 0..PATCH_PX {
            let p = raster.at(x + dx, y + dy);
            (0..3).for_each(|c| sum[c] += f64::from(p[c]));
        }
    }
    sum.map(|v| v / f64::from(PATCH_PX * PATCH_PX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours_have_their_chroma() {
        let [a, b] = chroma([255.0, 0.0, 0.0]);
        assert!((a - 80.1).abs() < 0.3 && (b - 67.2).abs() < 0.3, "{a} {b}");
        let [a, b] = chroma([128.0; 3]);
        assert!(a.abs() < 0.1 && b.abs() < 0.1);
    }

    #[test]
    fn only_the_box_counts() {
        let grey = Raster::from_fn(64, 64, |_, _| [120; 3]);
        let spot = Raster::from_fn(64, 64, |x, _| if x < 32 { [200, 60, 60] } else { [120; 3] });
        assert!(chroma_difference(&grey, &spot, [0, 0, 32, 64]).unwrap() > 30.0);
        assert!(chroma_difference(&grey, &spot, [32, 0, 64, 64]).unwrap() < 0.1);
        assert_eq!(chroma_difference(&grey, &spot, [0, 0, 4, 4]), None);
    }
}
