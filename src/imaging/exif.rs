//! What a camera or a program wrote into a file besides the picture.

use std::io::Cursor;

use ::exif::{In, Reader, Tag, Value};

/// Most characters of a value: a file may hold anything.
const LONGEST: usize = 200;

/// What is worth a look, and its name for people. Where a photo was taken is left out: it is the
/// seller's home more often than not.
const TAGS: [(Tag, &str); 10] = [
    (Tag::Make, "Camera maker"),
    (Tag::Model, "Camera"),
    (Tag::LensModel, "Lens"),
    (Tag::DateTimeOriginal, "Taken"),
    (Tag::DateTime, "File changed"),
    (Tag::Software, "Software"),
    (Tag::ExposureTime, "Exposure"),
    (Tag::PhotographicSensitivity, "Sensitivity"),
    (Tag::FocalLength, "Focal length"),
    (Tag::Artist, "Artist"),
];

/// Names and values, in a fixed order; nothing for a file without any or with damaged ones.
pub(super) fn facts(file: &[u8]) -> Vec<(&'static str, String)> {
    let Ok(read) = Reader::new().read_from_container(&mut Cursor::new(file)) else {
        return Vec::new();
    };
    let told = TAGS.iter().filter_map(|(tag, name)| {
        let field = read.get_field(*tag, In::PRIMARY)?;
        let value = match &field.value {
            // Its own display would put quotes around and escape other alphabets.
            Value::Ascii(texts) => texts
                .iter()
                .map(|text| String::from_utf8_lossy(text).into_owned())
                .collect::<Vec<_>>()
                .join(" "),
            _ => field.display_value().with_unit(&read).to_string(),
        };
        let value: String = value
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST)
            .collect();
        let value = value.trim().to_owned();
        (!value.is_empty()).then_some((*name, value))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A JPEG head with one EXIF field of ASCII text, little-endian.
    fn with_text(tag: u16, text: &[u8]) -> Vec<u8> {
        let mut tiff = b"II*\0\x08\0\0\0\x01\0".to_vec();
        tiff.extend(tag.to_le_bytes());
        tiff.extend(2u16.to_le_bytes());
        tiff.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        tiff.extend(26u32.to_le_bytes());
        tiff.extend(0u32.to_le_bytes());
        tiff.extend(text);
        let mut file = b"\xff\xd8\xff\xe1".to_vec();
        file.extend(u16::try_from(tiff.len() + 8).unwrap().to_be_bytes());
        file.extend(b"Exif\0\0");
        file.extend(tiff);
        file.extend(b"\xff\xd9");
        file
    }

    #[test]
    fn a_cameras_words_are_told_without_what_would_act_on_a_terminal() {
        let file = with_text(0x0110, b"Ph\x1b[31mone <b>\0");
        assert_eq!(facts(&file), [("Camera", "Ph[31mone <b>".to_owned())]);
        let long = with_text(0x0110, &[b'x'; 500]);
        assert_eq!(facts(&long)[0].1.len(), LONGEST);
    }

    #[test]
    fn where_a_photo_was_taken_is_not_told_and_damage_tells_nothing() {
        // The pointer to GPS fields, and nothing behind it.
        assert!(facts(&with_text(0x8825, b"\0\0\0\0")).is_empty());
        let file = with_text(0x0110, b"Phone\0");
        for end in 0..file.len() - 8 {
            let _ = facts(&file[..end]);
        }
        assert!(facts(b"").is_empty() && facts(b"\xff\xd8\xff\xd9").is_empty());
    }
}
