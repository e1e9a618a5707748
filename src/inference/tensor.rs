//! Pixels to the tensors that networks take.

use ndarray::{Array4, Axis};

use crate::domain::raster::Raster;

/// Order of the colour channels of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channels {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// `raster` as one NCHW tensor of shape 1x3xHxW: each value 0 to 255 becomes
/// `(value / 255 - mean) / deviation` of its channel (`mean` and `deviation` in the order of the
/// tensor).
pub(super) fn nchw(
    raster: &Raster,
    order: Channels,
    mean: [f32; 3],
    deviation: [f32; 3],
) -> Array4<f32> {
    let (width, height) = (raster.width() as usize, raster.height() as usize);
    let mut tensor = Array4::zeros((1, 3, height, width));
    for channel in 0..3 {
        let from = if order == Channels::Rgb {
            channel
        } else {
            2 - channel
        };
        // One factor and one summand, worked out once instead of for every pixel.
        let (scale, offset) = (
            1.0 / (255.0 * deviation[channel]),
            mean[channel] / deviation[channel],
        );
        // Plane by plane: networks take all of one colour together, pictures hold them side by
        // side.
        let mut image = tensor.index_axis_mut(Axis(0), 0);
        let mut plane = image.index_axis_mut(Axis(0), channel);
        for (out, pixel) in plane.iter_mut().zip(raster.pixels().chunks_exact(3)) {
            *out = f32::from(pixel[from]) * scale - offset;
        }
    }
    tensor
}

/// `raster` as one NCHW tensor of shape 1x3xHxW with R, G, B in 0 to 255.
pub(super) fn nchw_bytes(raster: &Raster) -> Array4<f32> {
    nchw(raster, Channels::Rgb, [0.0; 3], [1.0 / 255.0; 3])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "wholes and halves are exact")]
    use super::*;

    #[test]
    fn channels_are_split_scaled_and_ordered() {
        let raster = Raster::from_fn(2, 1, |x, _| if x == 0 { [255, 0, 0] } else { [0, 51, 102] });
        let rgb = nchw(&raster, Channels::Rgb, [0.5; 3], [0.5; 3]);
        assert_eq!(rgb.shape(), [1, 3, 1, 2]);
        assert_eq!([rgb[[0, 0, 0, 0]], rgb[[0, 1, 0, 0]]], [1.0, -1.0]);
        assert!((rgb[[0, 2, 0, 1]] - -0.2).abs() < 1e-6);
        assert_eq!(
            nchw(&raster, Channels::Bgr, [0.5; 3], [0.5; 3])[[0, 2, 0, 0]],
            1.0
        );
        assert!((nchw_bytes(&raster)[[0, 2, 0, 1]] - 102.0).abs() < 1e-4);
    }
}
