//! Enrolment, calibration photos, test claims, in this order.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, bail};
use bytes::Bytes;

use super::{
    data::{Labelled, PhotoRow},
    facts::Facts,
    judged,
    measured::Measured,
    parallel::{in_parallel, lock},
    pictures::Pictures,
    plan::{MakeVision, Plan, Progress, Thresholds},
    world::World,
};
use crate::{
    domain::{
        calibration::Calibration,
        gallery::{Gallery, ProductKey, Reference, ReferenceKind},
        variation::{GenuineObservations, Observation, Variation},
    },
    engine::{
        Decoded, Engine, Enrolled, Need, NewReference, Prepared, article_guides, find_article,
        prepare_reference, vision::Vision,
    },
};

/// Enrolls, then measures every photo.
pub(crate) fn run(
    plan: &Plan,
    engine: &Engine,
    threads: usize,
    make: &MakeVision,
    progress: &dyn Progress,
) -> anyhow::Result<Measured> {
    ensure_thresholds(plan)?;
    let pictures = Pictures::default();
    let Enrolment {
        references,
        facts,
        used,
    } = enroll(plan, engine, threads, make, &pictures, progress)?;
    // An edited reference stands only in claims on it: no brand would enroll a forgery beside its
    // own.
    let genuine: Vec<_> = references
        .iter()
        .filter(|r| !plan.data.is_edited(&r.product))
        .cloned()
        .collect();
    let base = Gallery::new(genuine);
    // A photo that became a reference agrees with itself: it may set no threshold and prove
    // nothing.
    let photos = plan.data.photos.iter().filter(|p| !used.contains(&p.path));
    let (mut calibration, test): (Vec<&PhotoRow>, Vec<_>) =
        photos.partition(|p| p.is_calibration());
    if plan.thresholds == Thresholds::Shipped {
        // Of a new brand there are none.
        calibration.clear();
    }
    let mut measured = Measured::default();
    progress.begin("photos", calibration.len() + test.len());
    let mut world = World {
        plan,
        engine,
        pictures: &pictures,
        references: &references,
        base: &base,
        facts: &facts,
        variations: HashMap::new(),
        calibrations: Vec::new(),
        shipped: judged::shipped(engine.defaults()),
    };
    let measure_all = |world: &World, photos: &[&PhotoRow], measured: Measured| {
        if photos.is_empty() {
            // No thread need load its models for nothing.
            return Ok(measured);
        }
        let all = Mutex::new(measured);
        in_parallel(
            photos.len(),
            threads,
            make,
            plan.stop,
            progress,
            &|vision, i| {
                let one = world
                    .measure(vision, photos[i])
                    .with_context(|| format!("photo `{}`", photos[i].path))?;
                lock(&all).absorb(one);
                Ok(())
            },
        )?;
        let mut measured = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Threads finish in any order, and what is learnt next must not depend on it.
        measured.sort();
        anyhow::Ok(measured)
    };
    // Calibration first: test photos are judged by what those showed together.
    measured = measure_all(&world, &calibration, measured)?;
    if !plan.without_variation {
        world.variations = variations(&measured.observations);
    }
    world.calibrations = calibrations(plan, &world.shipped, &measured)?;
    measured = measure_all(&world, &test, measured)?;
    progress.end();
    measured.calibrations = world.calibrations;
    measured.variation_items = world
        .variations
        .into_iter()
        .map(|(product, v)| (product, v.items()))
        .collect();
    Ok(measured)
}

/// Before anything long starts: a folder without calibration photos cannot set thresholds.
fn ensure_thresholds(plan: &Plan) -> anyhow::Result<()> {
    if plan.thresholds == Thresholds::Shipped {
        return Ok(());
    }
    let there = plan
        .data
        .photos
        .iter()
        .filter(|p| p.is_calibration())
        .count();
    // Those that become references agree with themselves.
    let left = there - chosen_photos(plan.data, plan.references).len();
    match (there, left) {
        (0, _) => bail!(
            "photos.csv has no photo of split `calibration`, so the folder sets no thresholds of \
             its own; judge by those inside the program with --calibration shipped"
        ),
        (_, 0) => bail!(
            "all {there} calibration photos become references, and none is left to set \
             thresholds; ask for fewer with --references or use --calibration shipped"
        ),
        _ => Ok(()),
    }
}

/// What claims on test photos are judged by, one per budget.
fn calibrations(
    plan: &Plan,
    shipped: &[Calibration],
    measured: &Measured,
) -> anyhow::Result<Vec<Calibration>> {
    if plan.thresholds == Thresholds::Shipped {
        return Ok(shipped.to_vec());
    }
    let scores = measured.calibration_scores();
    // Without a score nothing would ever be flagged, and the report would read as a good one.
    if scores.is_empty() {
        bail!(
            "none of the calibration photos can be judged, so they set no thresholds: they are too \
             poor, or their products have no reference; use --calibration shipped"
        );
    }
    Ok(judged::own(&scores))
}

/// What the calibration photos of each product show together.
fn variations(observations: &[(PhotoRow, Observation)]) -> HashMap<ProductKey, Variation> {
    let mut genuine: HashMap<ProductKey, GenuineObservations> = HashMap::new();
    for (photo, observation) in observations {
        genuine
            .entry(photo.key())
            .or_default()
            .add(&photo.item, observation);
    }
    genuine
        .into_iter()
        .map(|(product, seen)| (product, seen.variation()))
        .collect()
}

/// What is enrolled, what the first file of each product tells, and the paths of the photos that
/// became references.
struct Enrolment {
    references: Vec<Arc<Reference>>,
    facts: HashMap<ProductKey, Facts>,
    used: HashSet<String>,
}

/// Enrolls the table's references and then, each told of its product's own, the chosen photos.
fn enroll(
    plan: &Plan,
    engine: &Engine,
    threads: usize,
    make: &MakeVision,
    pictures: &Pictures,
    progress: &dyn Progress,
) -> anyhow::Result<Enrolment> {
    let data = plan.data;
    let extra = chosen_photos(data, plan.references);
    let mut jobs = Vec::new();
    for row in &data.references {
        jobs.push((row.key(), row.kind()?, row.path.as_str()));
    }
    let first = jobs.len();
    jobs.extend(
        extra
            .iter()
            .map(|p| (p.key(), ReferenceKind::Pack, p.path.as_str())),
    );
    let done: Mutex<Vec<Option<Arc<Reference>>>> = Mutex::new(vec![None; jobs.len()]);
    let facts: Mutex<HashMap<ProductKey, Facts>> = Mutex::default();
    progress.begin("references", jobs.len());
    // In two rounds: added photos are cut to the article by the table's references, which have to
    // be there.
    for range in [0..first, first..jobs.len()] {
        let known = Gallery::new(lock(&done).iter().flatten().cloned().collect());
        let start = range.start;
        in_parallel(
            range.len(),
            threads,
            make,
            plan.stop,
            progress,
            &|vision, i| {
                let (product, kind, path) = jobs[start + i].clone();
                let bytes = std::fs::read(data.dir.join(path))
                    .with_context(|| format!("`{path}` cannot be read"))?;
                let enrolled = enroll_one(
                    vision,
                    (&bytes, path),
                    (product.clone(), kind),
                    &known,
                    (engine, pictures),
                )
                .with_context(|| format!("reference `{path}`"))?;
                let quality = &enrolled.facts.quality;
                // The audit asks how the table's files were made; added photos were made like those
                // that are judged.
                if start == 0 {
                    let own = &enrolled.facts;
                    let pixels = own.width as usize * own.height as usize;
                    lock(&facts).insert(product, Facts::of(&bytes, pixels, quality));
                }
                let reference = Arc::new(enrolled.reference);
                pictures.add(Arc::clone(&reference), Bytes::from(bytes));
                // By place and not by arrival: the gallery's order must not change from run to run.
                lock(&done)[start + i] = Some(reference);
                Ok(())
            },
        )?;
    }
    progress.end();
    let references = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Enrolment {
        references: references.into_iter().flatten().collect(),
        facts: facts.into_inner().unwrap_or_else(PoisonError::into_inner),
        used: extra.iter().map(|p| p.path.clone()).collect(),
    })
}

/// Enrolls one picture as a server does: what its product's other references say of the article's
/// place is taken into account.
fn enroll_one(
    vision: &mut Vision,
    (bytes, id): (&[u8], &str),
    (product, kind): (ProductKey, ReferenceKind),
    known: &Gallery,
    (engine, pictures): (&Engine, &Pictures),
) -> anyhow::Result<Enrolled> {
    let picture = Arc::new(Decoded::from_bytes(vision.imaging.as_mut(), bytes)?);
    let guides = article_guides(known, &product, kind);
    let mut prepared = Prepared::default();
    let need = Need {
        features: guides.iter().map(|r| r.id.clone()).collect(),
        ..Need::default()
    };
    pictures.bring(vision, engine, &need, &mut prepared)?;
    let article = find_article(vision, &guides, &prepared, &picture)?;
    let new = NewReference {
        id: id.to_owned(),
        product,
        kind,
        view: None,
        marks: Vec::new(),
    };
    Ok(prepare_reference(vision, new, article, &picture)?)
}

/// Calibration photos that become references: spread evenly over each product's photos, so over its
/// items and sides.
fn chosen_photos(data: &Labelled, per_product: usize) -> Vec<&PhotoRow> {
    // Ordered, so that two runs enroll the same photos.
    let mut by_product: BTreeMap<ProductKey, Vec<&PhotoRow>> = BTreeMap::new();
    for photo in data.photos.iter().filter(|p| p.is_calibration()) {
        by_product.entry(photo.key()).or_default().push(photo);
    }
    let spread = |photos: Vec<&'_ PhotoRow>| -> Vec<usize> {
        let n = per_product.min(photos.len());
        (0..n)
            // The middle of each of n equal parts: neighbours in a table often show one item.
            .map(|i| (2 * i + 1) * photos.len() / (2 * n))
            .collect()
    };
    by_product
        .into_values()
        .flat_map(|photos| spread(photos.clone()).into_iter().map(move |i| photos[i]))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::evaluation::fixture::{self, PHOTOS};

    #[test]
    fn a_folder_that_sets_no_thresholds_says_what_to_judge_by_instead() {
        let stop = AtomicBool::new(false);
        let told = |photos: &str, references: usize, thresholds: Thresholds| {
            let dir = fixture::folder(&[("photos.csv", photos)]);
            let data = Labelled::read(dir.path()).unwrap();
            let plan = Plan {
                references,
                thresholds,
                ..Plan::plain(&data, &stop)
            };
            ensure_thresholds(&plan).map_err(|e| e.to_string())
        };
        let without = PHOTOS.replace("calibration", "test");
        assert_eq!(told(PHOTOS, 0, Thresholds::Own), Ok(()));
        assert_eq!(told(&without, 0, Thresholds::Shipped), Ok(()));
        for error in [
            told(&without, 0, Thresholds::Own).unwrap_err(),
            told(PHOTOS, 1, Thresholds::Own).unwrap_err(),
        ] {
            assert!(error.contains("--calibration shipped"), "{error}");
        }
    }
}
