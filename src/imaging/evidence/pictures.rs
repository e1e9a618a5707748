//! The two large pictures: the photo with all that was found on it, the reference with its marks.

use super::{
    DEVIATION, DIFFERENT, GAP, LOCATED, MARGIN, Page, SMALL,
    canvas::{Area, Stroke},
    map_of, mark_look, numbered, points,
};
use crate::{
    contract::answer::{MarkAnswerBody, MatchAnswer},
    domain::geometry::Point,
};

impl Page<'_> {
    /// What is shown below, over each of the two pictures.
    pub(super) fn titles(&mut self) {
        let answer = self.evidence.answer;
        let title = format!("photo, {} x {} pixels", answer.width, answer.height);
        self.write((MARGIN, self.y), &title, SMALL);
        if let (Some(reference), Some(found)) = (&self.reference, self.found) {
            let x = MARGIN + self.photo.width().cast_signed() + GAP;
            let room = reference.width().max(240) as f32;
            let title = format!("reference of {} / {}", found.brand, found.product);
            let title = self.lettering.elided(&title, SMALL, room);
            self.write((x, self.y), &title, SMALL);
        }
        self.y += 28;
    }

    pub(super) fn pictures(&mut self) {
        let top = self.y;
        let frame = Area::new(
            MARGIN,
            top,
            self.photo.width().cast_signed(),
            self.photo.height().cast_signed(),
        );
        self.canvas.paste((frame.x, frame.y), &self.photo);
        self.annotate_photo(frame);
        let mut bottom = frame.bottom();

        if let (Some(reference), Some(found)) = (&self.reference, self.found) {
            let x = frame.right() + GAP;
            let frame = Area::new(
                x,
                top,
                reference.width().cast_signed(),
                reference.height().cast_signed(),
            );
            self.canvas.paste((x, top), reference);
            self.annotate_reference(frame, found);
            bottom = bottom.max(frame.bottom());
        }
        self.y = bottom + GAP;
    }

    fn annotate_photo(&mut self, frame: Area) {
        let thin = |colour| Stroke {
            colour,
            width: 2.0,
            dash: None,
            seam: true,
        };
        // Without a match the reasons alone name places.
        let Some(found) = self.found else {
            for reason in self.evidence.reasons {
                self.canvas
                    .outline(&placed(&reason.region, frame), frame, thin(DEVIATION));
            }
            return;
        };
        for deviation in &found.deviations {
            self.canvas
                .outline(&placed(&deviation.region, frame), frame, thin(DEVIATION));
        }
        // Over the deviations and under the marks: what is drawn last stays whole, and marks
        // decide.
        if let Some(region) = &found.region {
            self.canvas.outline(
                &placed(region, frame),
                frame,
                Stroke {
                    width: 3.0,
                    ..thin(LOCATED)
                },
            );
        }
        for (number, mark) in numbered(&found.marks) {
            // Filled thinly, for what differs must stay visible below.
            for cell in &mark.differing {
                self.canvas
                    .area(&placed(cell, frame), frame, DIFFERENT, 0.35);
            }
            self.outline_mark(number, mark, &placed(&mark.region, frame), frame);
        }
    }

    fn annotate_reference(&mut self, frame: Area, found: &MatchAnswer) {
        // Places are told in the photo's coordinates; the reference's own lie on the way back.
        let Some(back) = map_of(found).and_then(|m| m.inverse()) else {
            return;
        };
        for (number, mark) in numbered(&found.marks) {
            let region: Vec<Point> = points(&mark.region)
                .map(|p| frame.place(back.apply(p)))
                .collect();
            self.outline_mark(number, mark, &region, frame);
        }
    }

    fn outline_mark(
        &mut self,
        number: usize,
        mark: &MarkAnswerBody,
        outline: &[Point],
        frame: Area,
    ) {
        let (colour, dash) = mark_look(mark);
        self.canvas.outline(
            outline,
            frame,
            Stroke {
                colour,
                width: 3.0,
                dash,
                seam: true,
            },
        );
        let inside = |p: &&Point| {
            (f64::from(frame.x)..=f64::from(frame.right())).contains(&p.x)
                && (f64::from(frame.y)..=f64::from(frame.bottom())).contains(&p.y)
        };
        if let Some(&corner) = outline.iter().find(inside) {
            // Beside the corner rather than on it, where it would hide what the mark shows.
            self.badge(Point::new(corner.x - 8.0, corner.y - 8.0), number, colour);
        }
    }
}

fn placed(region: &[[f64; 2]], frame: Area) -> Vec<Point> {
    points(region).map(|p| frame.place(p)).collect()
}
