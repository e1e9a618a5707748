//! Edits of a print at one of its protected marks, made of nothing but the print itself: what a
//! check is tried on.

mod ink;
mod patch;

use self::{
    ink::{Ink, Letter},
    patch::Patch,
};
use crate::domain::{
    gallery::{Mark, MarkKind},
    number::level,
    random::SplitMix,
    raster::Raster,
};

/// What an edit changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EditKind {
    /// One letter became another.
    Letter,
    /// Two neighbouring letters changed places.
    Swap,
    /// A letter was removed.
    Missing,
    /// A word became another: that of another text mark or, without one, the same letters in
    /// another order.
    Word,
    /// A logo (a text mark where there is none) became another part of the print, or its mirror
    /// image.
    Logo,
    /// The mark's colour was turned by 40 to 140 degrees.
    Hue,
}

impl EditKind {
    /// All kinds in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Letter,
        Self::Swap,
        Self::Missing,
        Self::Word,
        Self::Logo,
        Self::Hue,
    ];

    /// The stable name used in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Letter => "letter",
            Self::Swap => "swap",
            Self::Missing => "missing",
            Self::Word => "word",
            Self::Logo => "logo",
            Self::Hue => "hue",
        }
    }

    fn suits(self, mark: &Mark, marks: &[Mark]) -> bool {
        match self {
            Self::Hue => true,
            Self::Logo => {
                mark.kind == MarkKind::Logo || marks.iter().all(|m| m.kind == MarkKind::Text)
            }
            _ => mark.kind == MarkKind::Text,
        }
    }
}

/// A print with one change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edited {
    /// The changed print; outside the mark it is the print as it was.
    pub raster: Raster,
    /// Index of the changed mark.
    pub mark: usize,
}

/// Draws per mark before another mark is tried.
const TRIES: usize = 4;
/// A channel that changes by less (of 255) does not change visibly.
const VISIBLE: u8 = 40;
/// Shapes of two letters differ from this mean difference of coverage on, 0 to 1.
const OTHER_SHAPE: f64 = 0.18;
/// A letter or word is not stretched further than this out of its proportions.
const MOST_STRETCH: f64 = 2.2;

/// Changes `picture` at one of its `marks`; `None` when no mark can carry this kind visibly. The
/// same picture, marks and state of `random` give the same edit.
pub(crate) fn edit(
    picture: &Raster,
    marks: &[Mark],
    kind: EditKind,
    random: &mut SplitMix,
) -> Option<Edited> {
    let mut order: Vec<usize> = (0..marks.len())
        .filter(|&i| kind.suits(&marks[i], marks))
        .collect();
    random.shuffle(&mut order);
    // In an order drawn anew, or the first mark would carry nearly all edits.
    for index in order {
        let Some(patch) = Patch::lift(picture, &marks[index].region) else {
            continue;
        };
        // Lifted once: the tries below only draw among them.
        let others = others(picture, marks, index, kind);
        for _ in 0..TRIES {
            if let Some(changed) = change(&patch.raster, &others, kind, random) {
                return Some(Edited {
                    raster: patch.lay(&changed, picture),
                    mark: index,
                });
            }
        }
    }
    None
}

/// The print at the other marks, as far as the kind can use it.
fn others(picture: &Raster, marks: &[Mark], index: usize, kind: EditKind) -> Vec<Raster> {
    let usable = |m: &Mark| match kind {
        EditKind::Letter | EditKind::Word => m.kind == MarkKind::Text,
        EditKind::Logo => true,
        _ => false,
    };
    let others = marks
        .iter()
        .enumerate()
        .filter(|(i, m)| *i != index && usable(m));
    others
        .filter_map(|(_, m)| Some(Patch::lift(picture, &m.region)?.raster))
        .collect()
}

fn change(
    own: &Raster,
    others: &[Raster],
    kind: EditKind,
    random: &mut SplitMix,
) -> Option<Raster> {
    match kind {
        EditKind::Letter => letter(&Ink::of(own)?, others, random),
        EditKind::Swap => swap(&Ink::of(own)?, random),
        EditKind::Missing => missing(&Ink::of(own)?, random),
        EditKind::Word => word(&Ink::of(own)?, others, random),
        EditKind::Logo => logo(own, others, random),
        EditKind::Hue => hue(own, random),
    }
}

fn letter(ink: &Ink, others: &[Raster], random: &mut SplitMix) -> Option<Raster> {
    let letters = ink.letters();
    // One shape alone is rather a figure than a word.
    let slot = pick(&letters, random).filter(|_| letters.len() > 1)?;
    let mut foreign: Vec<(Ink, Vec<Letter>)> = Vec::new();
    for other in others.iter().filter_map(Ink::of) {
        let letters = other.letters();
        foreign.push((other, letters));
    }
    let own = letters.iter().map(|l| (ink, l));
    let sources = own.chain(
        foreign
            .iter()
            .flat_map(|(ink, letters)| letters.iter().map(move |l| (ink, l))),
    );
    // Another shape, or nobody could see the change; of like proportions, or it would look
    // stretched.
    let fitting: Vec<_> = sources
        .filter(|(_, l)| l.unlike(slot) >= OTHER_SHAPE && l.stretch(slot) < 1.7)
        .collect();
    let (from, source) = pick(&fitting, random)?;
    let mut page = ink.page();
    // Erased first: the new letter may be narrower than the old.
    page.erase(slot);
    page.draw(from, source, slot.outline);
    seen(page.raster(), &ink.patch, slot.area / 5)
}

fn swap(ink: &Ink, random: &mut SplitMix) -> Option<Raster> {
    let letters = ink.letters();
    let pairs: Vec<_> = letters
        .windows(2)
        .filter(|p| p[0].unlike(&p[1]) >= OTHER_SHAPE)
        .collect();
    let pair = pick(&pairs, random)?;
    swapped(ink, &pair[0], &pair[1])
}

/// The print with two letters in each other's place, from the left edge of the first to the right
/// edge of the second.
fn swapped(ink: &Ink, left: &Letter, right: &Letter) -> Option<Raster> {
    let mut page = ink.page();
    // Both go before either is laid: else the second would erase a part of the first.
    page.erase(left);
    page.erase(right);
    page.paste(right, left.outline.left);
    page.paste(left, right.outline.right - left.width());
    seen(page.raster(), &ink.patch, left.area.min(right.area) / 5)
}

fn missing(ink: &Ink, random: &mut SplitMix) -> Option<Raster> {
    let letters = ink.letters();
    let gone = pick(&letters, random).filter(|_| letters.len() > 1)?;
    let mut page = ink.page();
    page.erase(gone);
    seen(page.raster(), &ink.patch, gone.area / 2)
}

fn word(ink: &Ink, others: &[Raster], random: &mut SplitMix) -> Option<Raster> {
    let letters = ink.letters();
    let whole = ink.whole();
    let words: Vec<_> = others
        .iter()
        .filter_map(Ink::of)
        .map(|i| (i.whole(), i))
        .collect();
    let words: Vec<_> = words
        .into_iter()
        .filter(|(other, _)| other.stretch(&whole) < MOST_STRETCH)
        .collect();
    let mut page = ink.page();
    if let Some((other, from)) = pick(&words, random) {
        page.erase(&whole);
        page.draw(from, other, whole.outline);
    // Two letters in another order would be a swap.
    } else if letters.len() > 2 {
        let mut order: Vec<usize> = (0..letters.len()).collect();
        random.shuffle(&mut order);
        // All go first, since letters of other widths do not end where the old ones did.
        letters.iter().for_each(|l| page.erase(l));
        let mut x = letters[0].outline.left;
        for (place, &next) in order.iter().enumerate() {
            page.paste(&letters[next], x);
            x += letters[next].width();
            if let Some(after) = letters.get(place + 1) {
                x = (x + after.outline.left).saturating_sub(letters[place].outline.right);
            }
        }
    }
    seen(page.raster(), &ink.patch, whole.area / 5)
}

fn logo(own: &Raster, others: &[Raster], random: &mut SplitMix) -> Option<Raster> {
    let (w, h) = (own.width(), own.height());
    let shape = |r: &Raster| f64::from(r.width()) / f64::from(r.height());
    // Stretched further, it would be found by its distortion alone.
    let near = |r: &&Raster| (0.5..2.0).contains(&(shape(r) / shape(own)));
    let fitting: Vec<_> = others.iter().filter(near).collect();
    let other = pick(&fitting, random).filter(|_| random.chance(0.5));
    let changed = match other {
        Some(other) => Raster::from_fn(w, h, |x, y| {
            other.at(x * other.width() / w, y * other.height() / h)
        }),
        // Mostly sideways, as a logo upside down is easily seen.
        None if random.chance(0.7) => Raster::from_fn(w, h, |x, y| own.at(w - 1 - x, y)),
        None => Raster::from_fn(w, h, |x, y| own.at(x, h - 1 - y)),
    };
    seen(changed, own, (w * h) as usize / 16)
}

fn hue(own: &Raster, random: &mut SplitMix) -> Option<Raster> {
    let angle = random.between(40.0, 140.0) * if random.chance(0.5) { 1.0 } else { -1.0 };
    let ink = Ink::of(own)?;
    let (sin, cos) = angle.to_radians().sin_cos();
    let changed = Raster::from_fn(own.width(), own.height(), |x, y| {
        let was = own.at(x, y).map(f64::from);
        let turned = turned(was, sin, cos);
        // Only as far as a pixel is ink: the ground keeps its colour, and edges stay soft.
        let share = f64::from(ink.alpha_at(x, y));
        std::array::from_fn(|c| level((was[c] + share * (turned[c] - was[c])).round()))
    });
    seen(changed, own, ink.area * 2 / 5)
}

/// Turns a colour about the grey axis at equal luma (the chroma plane of ITU-R BT.601).
fn turned([r, g, b]: [f64; 3], sin: f64, cos: f64) -> [f64; 3] {
    let luma = 0.299 * r + 0.587 * g + 0.114 * b;
    let (u, v) = (0.492 * (b - luma), 0.877 * (r - luma));
    let (u, v) = (u * cos - v * sin, u * sin + v * cos);
    let (r, b) = (luma + v / 0.877, luma + u / 0.492);
    [r, (luma - 0.299 * r - 0.114 * b) / 0.587, b]
}

/// The changed print if at least `least` pixels (and a dozen) changed visibly.
fn seen(changed: Raster, was: &Raster, least: usize) -> Option<Raster> {
    let pixels = changed
        .pixels()
        .chunks_exact(3)
        .zip(was.pixels().chunks_exact(3));
    // Counted in what came out: an edit may hit print that looks the same afterwards.
    let visible = pixels
        .filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) >= VISIBLE))
        .count();
    (visible >= least.max(12)).then_some(changed)
}

fn pick<'a, T>(from: &'a [T], random: &mut SplitMix) -> Option<&'a T> {
    from.get(random.below(from.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::geometry::{Point, Rect};

    const WIDTH: u32 = 200;
    const HEIGHT: u32 = 100;

    /// Ground with a "word" of three shapes of equal width: a bar, an L and a T, each 20 wide and
    /// 30 high.
    fn print(ink: [u8; 3]) -> Raster {
        Raster::from_fn(WIDTH, HEIGHT, |x, y| {
            let inside = |left: u32| (left..left + 20).contains(&x) && (40..70).contains(&y);
            let (dx, dy) = (x.wrapping_sub(90), y.wrapping_sub(40));
            let shape = inside(50) || inside(90) && (dx < 7 || dy >= 23);
            let tee = inside(130) && (dy < 7 || (137..143).contains(&x));
            if shape || tee { ink } else { [240; 3] }
        })
    }

    fn mark(kind: MarkKind) -> Mark {
        let region = [(0.2, 0.3), (0.8, 0.3), (0.8, 0.8), (0.2, 0.8)]
            .map(|(x, y)| Point::new(x, y))
            .to_vec();
        Mark {
            name: "word".into(),
            kind,
            region,
            text: None,
            proposed: false,
        }
    }

    #[test]
    fn every_kind_changes_its_mark_visibly_and_nothing_outside() {
        let picture = print([180, 20, 30]);
        for kind in EditKind::ALL {
            for seed in 0..5 {
                let made = edit(&picture, &[mark(MarkKind::Text)], kind, &mut SplitMix(seed));
                let made =
                    made.unwrap_or_else(|| panic!("{} with seed {seed} is not made", kind.name()));
                let mut changed = 0;
                for (x, y) in (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y))) {
                    let inside = (40..160).contains(&x) && (30..80).contains(&y);
                    let differs = made.raster.at(x, y) != picture.at(x, y);
                    assert!(inside || !differs, "{} at {x}, {y}", kind.name());
                    changed += u32::from(differs);
                }
                assert!(changed >= 40, "{}: {changed} pixels", kind.name());
                let again = edit(&picture, &[mark(MarkKind::Text)], kind, &mut SplitMix(seed));
                assert_eq!(again, Some(made), "the same seed edits the same way");
            }
        }
    }

    #[test]
    fn swapping_twice_restores_the_print() {
        let picture = print([20, 30, 180]);
        let ink = Ink::of(&picture).unwrap();
        let letters = ink.letters();
        assert_eq!(
            letters.iter().map(|l| l.outline).collect::<Vec<_>>(),
            [50, 90, 130].map(|x| Rect::new(x, 40, x + 20, 70))
        );
        let once = swapped(&ink, &letters[1], &letters[2]).unwrap();
        assert_ne!(once, picture);
        let ink = Ink::of(&once).unwrap();
        let letters = ink.letters();
        assert_eq!(swapped(&ink, &letters[1], &letters[2]).unwrap(), picture);
    }

    #[test]
    fn a_removed_letter_leaves_the_ground() {
        let picture = print([0; 3]);
        let made = edit(
            &picture,
            &[mark(MarkKind::Text)],
            EditKind::Missing,
            &mut SplitMix(1),
        )
        .unwrap();
        let dark = |r: &Raster| r.pixels().chunks_exact(3).filter(|p| p[0] < 120).count();
        let gone = dark(&picture) - dark(&made.raster);
        let areas: Vec<_> = Ink::of(&picture)
            .unwrap()
            .letters()
            .iter()
            .map(|l| l.area)
            .collect();
        assert!(areas.contains(&gone), "{gone} of {areas:?}");
    }

    #[test]
    fn what_a_mark_cannot_carry_is_not_made() {
        let none = |picture: &Raster, marks: &[Mark], kind| {
            (0..5).all(|seed| edit(picture, marks, kind, &mut SplitMix(seed)).is_none())
        };
        assert!(
            none(&print([70; 3]), &[mark(MarkKind::Text)], EditKind::Hue),
            "grey has no hue"
        );
        let plain = Raster::from_fn(WIDTH, HEIGHT, |_, _| [90, 120, 60]);
        for kind in EditKind::ALL {
            assert!(
                none(&plain, &[mark(MarkKind::Text)], kind),
                "{} of nothing",
                kind.name()
            );
            assert!(
                none(&print([0; 3]), &[], kind),
                "{} without marks",
                kind.name()
            );
        }
        for kind in [
            EditKind::Letter,
            EditKind::Swap,
            EditKind::Missing,
            EditKind::Word,
        ] {
            assert!(
                none(&print([0; 3]), &[mark(MarkKind::Logo)], kind),
                "{} of a logo",
                kind.name()
            );
        }
        let bars = Raster::from_fn(WIDTH, HEIGHT, |x, y| {
            if x % 40 < 20 && (40..160).contains(&x) && (40..70).contains(&y) {
                [0; 3]
            } else {
                [240; 3]
            }
        });
        for kind in [EditKind::Letter, EditKind::Swap] {
            assert!(
                none(&bars, &[mark(MarkKind::Text)], kind),
                "{} of equal letters",
                kind.name()
            );
        }
    }
}
