//! The foot of the page: what the colours mean, and which photo was checked.

use super::{
    DASH, DEVIATION, DIFFERENT, GAP, LOCATED, MARGIN, Page, RULE, SAME, SMALL, UNSEEN,
    canvas::{Area, Stroke, pixel},
};
use crate::domain::geometry::Point;

impl Page<'_> {
    pub(super) fn legend(&mut self) {
        self.canvas
            .fill(Area::new(MARGIN, self.y, self.room(), 1), RULE, 1.0);
        self.y += 16;
        let entries = [
            (LOCATED, None, false, "reference found here"),
            (SAME, None, false, "mark is the same"),
            (DIFFERENT, None, false, "mark differs"),
            (DIFFERENT, None, true, "differing places"),
            (UNSEEN, Some(DASH), false, "mark cannot be seen"),
            (DEVIATION, None, false, "differs outside the marks"),
        ];
        let shown = if self.found.is_some() {
            &entries[..]
        } else {
            &[]
        };
        let mut x = MARGIN;
        for &(colour, dash, filled, words) in shown {
            let width = 46 + pixel(self.lettering.width(words, SMALL).ceil());
            // On a narrow page the entries need a second row.
            if x + width > MARGIN + self.room() {
                (x, self.y) = (MARGIN, self.y + 28);
            }
            let swatch = Area::new(x, self.y + 1, 28, 16);
            let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
                .map(|(x, y)| swatch.place(Point::new(x, y)));
            if filled {
                self.canvas.fill(swatch, colour, 0.35);
            } else {
                self.canvas.outline(
                    &corners,
                    self.canvas.whole(),
                    Stroke {
                        colour,
                        width: 3.0,
                        dash,
                        seam: false,
                    },
                );
            }
            self.write((x + 38, self.y), words, SMALL);
            x += width + GAP;
        }
        self.y += if shown.is_empty() { 0 } else { 30 };
        // Ties the picture to the very bytes that were checked, wherever the file is sent.
        let footer = format!("photo sha256 {}", self.evidence.answer.sha256);
        self.write(
            (MARGIN, self.y),
            &self.lettering.elided(&footer, SMALL, self.room() as f32),
            SMALL,
        );
        self.y += 40;
    }
}
