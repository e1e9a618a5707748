//! Conversions between kinds of numbers that can lose something, each named once: what is lost is
//! said here, instead of at every `as`.

/// Toward zero; what does not fit takes the nearest end, and what is no number becomes zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a float saturates, which is what is promised here"
)]
#[inline]
pub(crate) fn whole(value: impl Into<f64>) -> u32 {
    value.into() as u32
}

/// [`whole`] for places in memory.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a float saturates, which is what is promised here"
)]
#[inline]
pub(crate) fn index(value: impl Into<f64>) -> usize {
    value.into() as usize
}

/// [`whole`] for the 256 levels of a channel.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a float saturates, which is what is promised here"
)]
#[inline]
pub fn level(value: impl Into<f64>) -> u8 {
    value.into() as u8
}

/// The nearest `f32`: seven digits stay.
#[expect(
    clippy::cast_possible_truncation,
    reason = "digits beyond the seventh are given up on purpose, to store half as much"
)]
#[inline]
pub(crate) fn single(value: f64) -> f32 {
    value as f32
}

/// A count of things in memory, of which no picture has more than `u32::MAX`.
#[inline]
pub(crate) fn count_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_saturate_and_no_number_is_zero() {
        assert_eq!(
            [whole(-1.0), whole(2.9), whole(1e12), whole(f64::NAN)],
            [0, 2, u32::MAX, 0]
        );
        assert_eq!(
            [level(-0.5_f32), level(254.999_999_99), level(f32::INFINITY)],
            [0, 254, 255]
        );
        assert_eq!([index(7.99_f32), index(-7.0_f32)], [7, 0]);
    }

    #[test]
    fn counts_beyond_the_type_stay_at_its_end() {
        assert_eq!([count_u32(7), count_u32(usize::MAX)], [7, u32::MAX]);
    }
}
