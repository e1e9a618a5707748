//! What a file is, by its first bytes; its name and its declared type are never asked.

use super::jpeg;

/// A format that is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    WebP,
}

impl Format {
    /// The stable name used in answers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }
}

/// Signatures of what people send by mistake: offset, bytes, and the words for it.
const REFUSED: [(usize, &[u8], &str); 30] = [
    (0, b"GIF8", "a GIF picture"),
    (0, b"BM", "a BMP picture"),
    (0, b"II*\0", "a TIFF picture or a camera's raw file"),
    (0, b"MM\0*", "a TIFF picture or a camera's raw file"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftypavis", "an AVIF picture"),
    (4, b"ftyphei", "a HEIC picture"),
    (4, b"ftyphev", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIC or AVIF picture"),
    (4, b"ftypmsf1", "a HEIC or AVIF picture"),
    (4, b"ftypcrx", "a camera's raw file"),
    (4, b"ftyp", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\0\0\x01\0", "an icon"),
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"FUJIFILM", "a camera's raw file"),
    (0, b"IIU\0", "a camera's raw file"),
    (0, b"IIR", "a camera's raw file"),
    // Their covers are JPEGs within.
    (0, b"ID3", "a sound"),
    (0, b"fLaC", "a sound"),
    (0, b"RIFF", "a RIFF file such as a sound or a video"),
];

/// The format of `bytes` and where the picture begins in them, or what they look like instead.
pub(super) fn sniff(bytes: &[u8]) -> Result<(Format, usize), &'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok((Format::Png, 0));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Ok((Format::WebP, 0));
    }
    // The first that fits: in the list the particular stands before the general.
    let refused = REFUSED
        .iter()
        .find(|(at, magic, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    if let Some((_, _, words)) = refused {
        return Err(words);
    }
    // Last, since it may begin behind a few bytes of anything: other formats hold JPEGs as well.
    jpeg::start(bytes).map_or_else(|| Err(as_text(bytes)), |at| Ok((Format::Jpeg, at)))
}

/// The name of the format that a file with this head has, or what it looks like instead.
pub(crate) fn format(head: &[u8]) -> Result<&'static str, &'static str> {
    sniff(head).map(|(format, _)| format.name())
}

/// Markup and plain text have no signature: the first kilobyte is judged.
fn as_text(bytes: &[u8]) -> &'static str {
    let head = &bytes[..bytes.len().min(1024)];
    let printable = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character cut in half by the end of the head is no sign of binary content.
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(&head[..e.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return "of no known kind",
    };
    if printable.is_empty()
        || printable
            .chars()
            .any(|c| c.is_control() && !c.is_whitespace())
    {
        return "of no known kind";
    }
    let start = printable
        .trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
        .to_ascii_lowercase();
    // Before XML, for a drawing may open with an XML header.
    if start.contains("<svg") {
        "an SVG drawing"
    } else if start.starts_with("<!doctype html") || start.starts_with("<html") {
        "an HTML page"
    } else if start.starts_with("<?xml") {
        "an XML document"
    } else if start.starts_with("data:image/") {
        "a data URL; send the decoded bytes"
    } else {
        "plain text"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decoded_is_told_by_content() {
        assert_eq!(sniff(b"\xff\xd8\xff\xe0\0\x10JFIF"), Ok((Format::Jpeg, 0)));
        assert_eq!(sniff(b"\n\xff\xd8\xff\xe0\0\x10"), Ok((Format::Jpeg, 1)));
        assert_eq!(
            sniff(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
            Ok((Format::Png, 0))
        );
        assert_eq!(sniff(b"RIFF\x10\0\0\0WEBPVP8 "), Ok((Format::WebP, 0)));
    }

    #[test]
    fn what_is_refused_is_named() {
        let cases: [(&[u8], &str); 14] = [
            (b"GIF89a\x01\0", "a GIF picture"),
            (b"BM\x36\0", "a BMP picture"),
            (b"MM\0*\0\0", "a TIFF picture or a camera's raw file"),
            (b"\0\0\0\x18ftypheic\0\0", "a HEIC picture"),
            (b"\0\0\0\x1cftypavif\0\0", "an AVIF picture"),
            (b"\0\0\0\x18ftypmp42\0\0", "a video"),
            (b"%PDF-1.7\n", "a PDF document"),
            (b"PK\x03\x04\x14\0", "a ZIP archive or an office document"),
            (
                b"RIFF\0\0\0\0WAVEfmt ",
                "a RIFF file such as a sound or a video",
            ),
            (b"<?xml version=\"1.0\"?>\n<svg xmlns", "an SVG drawing"),
            (b"\n <!DOCTYPE html><html>", "an HTML page"),
            (b"<?xml version=\"1.0\"?><a/>", "an XML document"),
            ("größer".as_bytes(), "plain text"),
            (&[0, 1, 2, 200, 201], "of no known kind"),
        ];
        for (bytes, words) in cases {
            assert_eq!(sniff(bytes), Err(words));
        }
    }

    #[test]
    fn a_character_cut_by_the_end_of_the_head_is_still_text() {
        let text = format!("{}é", "a".repeat(1023));
        assert_eq!(sniff(text.as_bytes()), Err("plain text"));
    }
}
