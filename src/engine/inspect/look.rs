//! A close look at one mark: the comparator's cells, what is read, how its hues are turned.

use super::{
    cells::{Border, compare_at, compare_shapes, grid, hide_covered},
    purpose::Purpose,
    reading::read_mark,
    view::{View, cut},
};
use crate::{
    domain::{
        cells::MarkBox,
        covered::Covered,
        gallery::Mark,
        geometry::Point,
        illumination::with_spread_of,
        raster::Raster,
        silhouette::Silhouette,
        tuning::{
            colour::NOTABLE_TURN,
            covered::{GRAVE, UNREAD_ABOVE},
        },
        variation::{CellGrid, MarkObservation},
    },
    engine::{
        cache::Cache,
        vision::{InferenceError, Vision},
    },
};

/// One mark to be looked at.
pub(crate) struct Looked<'a> {
    /// Both sides.
    pub view: &'a View<'a>,
    /// The mark.
    pub mark: &'a Mark,
    /// Its outline in pixels of the frame.
    pub outline: &'a [Point],
    /// The box around it.
    pub place: &'a MarkBox,
    /// Where the reference's side is kept.
    pub cache: Option<&'a Cache>,
    /// What the look is for.
    pub purpose: Purpose<'a>,
}

impl Looked<'_> {
    /// What is seen of the mark.
    pub(crate) fn observation(
        &self,
        vision: &mut Vision,
    ) -> Result<MarkObservation, InferenceError> {
        let mut sight = Sighting::default();
        let mut seen = self.look(vision, sight)?;
        // What hides a mark is looked for where the mark would accuse: elsewhere it matters little.
        // Not where a figure's tones are told apart: its ground may have any colour, and looks laid over
        // it then.
        let tells_tones = self.tells_tones(vision);
        if is_grave(&seen) && !tells_tones && self.hides(View::covered, &mut sight) {
            seen = self.look(vision, sight)?;
        }
        // The same print a little elsewhere is the same print.
        if is_grave(&seen)
            && let Some(shift) = self.view.moved(self.place)
        {
            sight.shift = shift;
            seen = self.look(vision, sight)?;
        }
        // Last, since it walks over all of the photo.
        if is_grave(&seen) && !tells_tones && self.hides(View::overlaid, &mut sight) {
            seen = self.look(vision, sight)?;
        }
        Ok(seen)
    }

    /// Whether the mark is most of a logo: a part of it is never laid so well that contours could be
    /// compared.
    fn is_figure(&self) -> bool {
        let (frame, tight) = (&self.view.pair.own, self.place.tight);
        let area = |width: u32, height: u32| u64::from(width) * u64::from(height);
        let most = area(frame.width(), frame.height()) / 2;
        self.view.by_shape && area(tight.width(), tight.height()) >= most
    }

    /// Whether the mark is compared by the two tones of a figure.
    fn tells_tones(&self, vision: &mut Vision) -> bool {
        if !self.is_figure() {
            return false;
        }
        let own = cut(vision, &self.view.pair.own, self.place);
        Silhouette::of(&own).is_some()
    }

    /// Whether something of a kind hides a part of the mark; from then on it is seen so.
    fn hides<'a>(
        &'a self,
        kind: fn(&'a View<'a>) -> &'a Covered,
        sight: &mut Sighting<'a>,
    ) -> bool {
        let covered = kind(self.view);
        let hides = covered.share(self.place.padded.map(f64::from)) > 0.0;
        if hides {
            self.view.tell_hidden();
            sight.hidden = Some(covered);
        }
        hides
    }

    fn look(
        &self,
        vision: &mut Vision,
        sight: Sighting,
    ) -> Result<MarkObservation, InferenceError> {
        let (view, place, hidden) = (self.view, self.place, sight.hidden);
        let [own, seen] = self.sides(vision, place, sight);
        let pair = [&own, &seen, &seen];
        let mut cells = compare_at(vision, self.cache, view, place, Border::Unseen, pair)?;
        if self.is_figure() {
            compare_shapes(&mut cells, &own, &seen);
        }
        if let Some(covered) = hidden {
            hide_covered(&mut cells, place, covered);
        }
        let first = grid(place, &cells);
        let is_suspect = MarkObservation::is_suspect(&first);
        // The second look and the reading are dear, so only a suspect mark gets them.
        let second = match is_suspect {
            true => Some(self.second_look(vision, sight)?),
            false => None,
        };
        // Learning needs every reading: what genuine photos are misread as must be known before a
        // misreading can accuse. Letters that are covered are not missing.
        let wanted = is_suspect || matches!(self.purpose, Purpose::Learn);
        let tight = place.tight.map(f64::from);
        let is_whole = hidden.is_none_or(|covered| covered.share(tight) <= UNREAD_ABOVE);
        let reading = match wanted && is_whole {
            true => read_mark(
                vision.text.as_mut(),
                self.cache,
                view,
                self.mark,
                (self.outline, sight.shift),
            )?,
            false => None,
        };
        Ok(MarkObservation {
            place: place.tight,
            first,
            second,
            reading,
            turn: view.turn(place.tight, hidden),
            unseen: cells.unseen(),
        })
    }

    /// A mark in the reference's light and with its cells half a cell further on: what is an edit
    /// looks different there too, what only looked like one by chance often does not.
    fn second_look(
        &self,
        vision: &mut Vision,
        sight: Sighting,
    ) -> Result<CellGrid, InferenceError> {
        let (view, frame) = (self.view, &self.view.pair.own);
        // Half a cell on, every edge falls elsewhere in its cell: chance seldom survives that.
        let moved = self.place.half_a_cell_on(frame.width(), frame.height());
        let [own, seen] = self.sides(vision, &moved, sight);
        let pair = [&own, &seen, &with_spread_of(&seen, &own)];
        let mut cells = compare_at(vision, self.cache, view, &moved, Border::Unseen, pair)?;
        if self.is_figure() {
            compare_shapes(&mut cells, &own, &seen);
        }
        if let Some(covered) = sight.hidden {
            hide_covered(&mut cells, &moved, covered);
        }
        Ok(grid(&moved, &cells))
    }

    /// A place on the reference and on the photo.
    fn sides(&self, vision: &mut Vision, place: &MarkBox, sight: Sighting) -> [Raster; 2] {
        let (own, photo) = (&self.view.pair.own, &self.view.pair.photo.raster);
        let there = place.moved(sight.shift, own.width(), own.height());
        let own = cut(vision, own, place);
        [own, cut(vision, photo, &there.unwrap_or(*place))]
    }
}

/// How a mark is seen.
#[derive(Clone, Copy, Default)]
struct Sighting<'a> {
    /// What hides parts of it.
    hidden: Option<&'a Covered>,
    /// How far its print has moved, in pixels of the frame.
    shift: (i32, i32),
}

/// Whether a mark may accuse.
fn is_grave(seen: &MarkObservation) -> bool {
    let evidence = seen.weighed(0, None).evidence;
    evidence.difference >= GRAVE
        || evidence.text.is_some_and(|agreement| agreement < 1.0)
        || evidence
            .turn
            .is_some_and(|turn| turn.strength >= NOTABLE_TURN)
}
