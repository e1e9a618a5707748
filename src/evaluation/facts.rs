//! What a file tells without a look at what it shows: whether two groups of pictures were made alike.

use crate::domain::quality::Quality;

/// File type (two), logarithms of bytes and of pixels, JPEG quantisation, brightness, sharpness.
pub(crate) const FACTS: usize = 7;

/// What is known of a file without looking at what it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Facts(pub [f64; FACTS]);

impl Facts {
    /// Takes the facts of a decoded file.
    pub(crate) fn of(bytes: &[u8], pixels: usize, quality: &Quality) -> Self {
        let kind = |magic: &[u8]| f64::from(u8::from(bytes.starts_with(magic)));
        Self([
            kind(b"\xff\xd8"),
            kind(b"\x89PNG"),
            // As logarithms, since sizes span orders of magnitude and a linear classifier weighs
            // differences.
            (bytes.len() as f64).ln(),
            (pixels.max(1) as f64).ln(),
            quantisation(bytes).unwrap_or(0.0),
            quality.exposure,
            quality.sharpness,
        ])
    }
}

/// Mean of the first quantisation table of a JPEG file (ITU-T T.81, B.2.4.1): the coarser, the
/// lower the quality.
fn quantisation(bytes: &[u8]) -> Option<f64> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let [0xff, marker, high, low, ..] = *rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = rest.get(4..2 + length)?;
        if marker == 0xdb {
            // The upper half of the byte says whether entries take one byte or two.
            let (wide, table) = (segment.first()? >> 4 != 0, segment.get(1..)?);
            let values: Vec<f64> = if wide {
                table
                    .get(..128)?
                    .chunks_exact(2)
                    .map(|v| f64::from(u16::from_be_bytes([v[0], v[1]])))
                    .collect()
            } else {
                table.get(..64)?.iter().map(|v| f64::from(*v)).collect()
            };
            return Some(values.iter().sum::<f64>() / 64.0);
        }
        rest = rest.get(2 + length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_quantisation_table_is_read() {
        let mut file = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xdb\x00\x43\x00".to_vec();
        file.extend([7; 64]);
        assert_eq!(quantisation(&file), Some(7.0));
        assert_eq!(quantisation(&file[..30]), None);
        assert_eq!(quantisation(b"\x89PNG"), None);
        assert_eq!(quantisation(b"\xff\xd8\xff\xdb\x00\x00"), None);
    }
}
