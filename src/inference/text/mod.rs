//! Finding and reading text with PP-OCR: detector (v4), line cutting, recogniser (v6).

mod boxes;
mod lines;
mod recogniser;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use ndarray::Ix4;

use self::recogniser::Recogniser;
use super::{
    manifest::{Manifest, Role},
    onnx::{self, Model, Scratch},
    tensor::{Channels, nchw},
};
use crate::{
    domain::{
        embedding::ModelId,
        geometry::Point,
        number::{single, whole},
        raster::Raster,
    },
    engine::vision::{InferenceError, Reading, TextLine, TextReader},
};

/// Long sides in pixels at which text is searched. The second time, on a sharpened picture, finds
/// small, faint lines that the first leaves out.
const DETECTOR_SIDES: (f64, f64) = (736.0, 960.0);
/// Blur of the surroundings that small print is made to stand out from, in shares of the long side:
/// about half a letter.
const SURROUNDINGS: f64 = 4.0 / 736.0;
/// How many times its difference from them is added to it.
const SHARPENING: f32 = 2.0;
/// The detector's sides are multiples of this.
const DETECTOR_STEP: f64 = 32.0;
/// A line this many times higher than wide is read along its height, in both directions.
const UPRIGHT_LINE: f64 = 1.5;

/// Only one detector at a time in the process: it needs about 200 MB while it runs.
static DETECTING: Mutex<()> = Mutex::new(());

/// [`TextReader`] by PP-OCR.
///
/// The recogniser stays loaded. The detector, which only whole pictures need, is loaded for each of
/// them and dropped again: that costs a quarter of its run and keeps that memory out of the
/// program's normal size.
pub struct PpOcr {
    id: ModelId,
    manifest: Manifest,
    models_dir: Option<PathBuf>,
    recogniser: Recogniser,
}

impl PpOcr {
    /// Loads the recogniser and verifies the detector's file; `models_dir` is the folder that the
    /// user named, if any.
    pub fn load(manifest: Manifest, models_dir: Option<&Path>) -> Result<Self, InferenceError> {
        let recogniser = Recogniser::load(&manifest, models_dir)?;
        let detector = manifest.model(Role::TextDetector)?;
        // Now, though it is loaded later: a missing file must not show in the middle of a check.
        onnx::verify(detector, models_dir)?;
        // Both names: what is read changes when either model does.
        let id = ModelId(format!("{}+{}", detector.id(), recogniser.id()));
        Ok(Self {
            id,
            manifest,
            models_dir: models_dir.map(Path::to_owned),
            recogniser,
        })
    }

    /// Rectangles around the lines of `raster`, in its pixels: top left, top right, bottom right,
    /// bottom left.
    pub fn detect(&self, raster: &Raster) -> Result<Vec<[Point; 4]>, InferenceError> {
        let entry = self.manifest.model(Role::TextDetector)?;
        // A panic while detecting leaves nothing behind that a later detection could trip over.
        let _turn = DETECTING.lock().unwrap_or_else(PoisonError::into_inner);
        // Kept in memory, it would hold on to what the largest picture needed, in every worker.
        let mut detector = Model::load(entry, self.models_dir.as_deref(), Scratch::Kept)?;
        let mut lines = detect_at(&mut detector, raster, DETECTOR_SIDES.0, |picture| picture)?;
        let blur = single(SURROUNDINGS * DETECTOR_SIDES.1);
        let mut faint = detect_at(&mut detector, raster, DETECTOR_SIDES.1, |picture| {
            lines::sharpened(&picture, blur, SHARPENING)
        })?;
        // Where both looks found a line the first one's stays: read twice, it would count twice.
        faint.retain(|line| !lines.iter().any(|other| overlap(line, other)));
        lines.extend(faint);
        Ok(lines)
    }

    /// Reads the line inside `corners`; an upright one is tried downwards and upwards and the surer
    /// reading kept.
    fn read_line(
        &mut self,
        raster: &Raster,
        corners: [Point; 4],
    ) -> Result<TextLine, InferenceError> {
        let [top_left, top_right, bottom_right, bottom_left] = corners;
        let length = |a: Point, b: Point| (a.x - b.x).hypot(a.y - b.y);
        if length(top_left, bottom_left) < UPRIGHT_LINE * length(top_left, top_right) {
            let reading = self.recogniser.read(&lines::cut(raster, &corners))?;
            return Ok(TextLine {
                corners: inside(raster, corners),
                reading,
            });
        }
        // Nothing tells which way such a line runs.
        let downwards = [top_right, bottom_right, bottom_left, top_left];
        let upwards = [bottom_left, top_left, top_right, bottom_right];
        let down = self.recogniser.read(&lines::cut(raster, &downwards))?;
        let up = self.recogniser.read(&lines::cut(raster, &upwards))?;
        let (corners, reading) = if up.confidence > down.confidence {
            (upwards, up)
        } else {
            (downwards, down)
        };
        Ok(TextLine {
            corners: inside(raster, corners),
            reading,
        })
    }
}

impl TextReader for PpOcr {
    fn model(&self) -> &ModelId {
        &self.id
    }

    fn knows(&self, letter: char) -> bool {
        self.recogniser.knows(letter)
    }

    fn read(&mut self, raster: &Raster) -> Result<Vec<TextLine>, InferenceError> {
        let found = self.detect(raster)?;
        found
            .into_iter()
            .map(|corners| self.read_line(raster, corners))
            .collect()
    }

    fn recognise(&mut self, lines: &[Raster]) -> Result<Vec<Reading>, InferenceError> {
        lines
            .iter()
            .map(|line| self.recogniser.read(line))
            .collect()
    }
}

/// The lines that the detector finds in `raster` brought to this long side and prepared, in pixels
/// of `raster`.
fn detect_at(
    detector: &mut Model,
    raster: &Raster,
    long_side: f64,
    prepare: impl FnOnce(Raster) -> Raster,
) -> Result<Vec<[Point; 4]>, InferenceError> {
    let (width, height) = detector_size(raster, long_side);
    let resized = prepare(lines::resized(
        raster,
        width,
        height,
        lines::Smoothing::Linear,
    ));
    let input = nchw(&resized, Channels::Bgr, [0.5; 3], [0.5; 3]);
    let found = detector.run([input.view()], |[map]| {
        let map = map.into_dimensionality::<Ix4>().ok()?;
        let (_, _, rows, columns) = map.dim();
        Some(boxes::find(map.to_slice()?, columns, rows))
    })?;
    let found = found.ok_or_else(|| InferenceError::Failed {
        model: detector.id().clone(),
        detail: "the output is not one map".to_owned(),
    })?;
    // Each side is rounded to whole steps by itself, so the two scales differ.
    let (x, y) = (
        f64::from(raster.width()) / f64::from(width),
        f64::from(raster.height()) / f64::from(height),
    );
    Ok(found
        .iter()
        .map(|r| {
            r.corners().map(|c| Point {
                x: c.0 * x,
                y: c.1 * y,
            })
        })
        .collect())
}

/// Whether the upright boxes around two lines overlap.
fn overlap(a: &[Point; 4], b: &[Point; 4]) -> bool {
    let apart = |pick: fn(&Point) -> f64| {
        let ends = |line: &[Point; 4]| {
            line.iter()
                .map(pick)
                .fold((f64::MAX, f64::MIN), |(low, high), v| {
                    (low.min(v), high.max(v))
                })
        };
        let ((a_low, a_high), (b_low, b_high)) = (ends(a), ends(b));
        a_high <= b_low || b_high <= a_low
    };
    !apart(|p| p.x) && !apart(|p| p.y)
}

fn detector_size(raster: &Raster, long_side: f64) -> (u32, u32) {
    let scale = long_side / f64::from(raster.long_side());
    let side = |pixels: u32| {
        let steps = (f64::from(pixels) * scale / DETECTOR_STEP).round().max(1.0);
        whole(steps * DETECTOR_STEP)
    };
    (side(raster.width()), side(raster.height()))
}

/// A grown rectangle may stick out of the picture; places named to people do not.
fn inside(raster: &Raster, corners: [Point; 4]) -> [Point; 4] {
    let (width, height) = (f64::from(raster.width()), f64::from(raster.height()));
    corners.map(|c| Point {
        x: c.x.clamp(0.0, width),
        y: c.y.clamp(0.0, height),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::geometry::Rect;

    #[test]
    fn the_detector_sees_the_long_side_in_steps_of_32() {
        let size = |w, h, side| detector_size(&Raster::from_fn(w, h, |_, _| [0; 3]), side);
        assert_eq!(size(160, 96, 736.0), (736, 448));
        assert_eq!(size(96, 160, 736.0), (448, 736));
        assert_eq!(size(96, 160, 960.0), (576, 960));
        assert_eq!(size(2000, 3, 736.0), (736, 32));
    }

    #[test]
    fn lines_overlap_when_their_boxes_do() {
        let line = |x0, y0, x1, y1| Rect::new(x0, y0, x1, y1).corners();
        let own = line(10.0, 10.0, 90.0, 30.0);
        assert!(
            overlap(&own, &line(80.0, 25.0, 120.0, 50.0))
                && overlap(&own, &line(20.0, 15.0, 30.0, 20.0))
        );
        assert!(
            !overlap(&own, &line(10.0, 30.0, 90.0, 50.0)),
            "the next line begins where this one ends"
        );
        assert!(!overlap(&own, &line(95.0, 10.0, 120.0, 30.0)));
    }
}
