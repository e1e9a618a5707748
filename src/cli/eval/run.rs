//! Runs the engine over a labelled folder: enrolment, calibration photos, test claims.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use anyhow::Context;
use indicatif::ProgressBar;

use super::{
    audit::Facts,
    data::{ClaimRow, Labelled, PhotoRow},
};
use crate::domain::{
    fusion::{MARK_INPUTS, PRESENCE_INPUTS, RIVALRY_INPUTS},
    gallery::{Gallery, ProductKey, Reference, ReferenceKind},
    quality::measure,
    score::LogOdds,
    variation::{GenuineObservations, Observation, ReferenceVariation, Variation},
};
use crate::{
    checker::ports::ReferenceFiles,
    engine::{
        Analysis, Claim, Clock, Engine, FeaturePass, NewReference, Purpose, Subject, too_poor,
        vision::Vision,
    },
};

/// One claim on one photo, measured.
pub struct Row {
    /// The photo.
    pub photo: PhotoRow,
    /// The product claimed.
    pub claimed: ProductKey,
    /// `genuine`, `sibling`, `edited: KIND` or `other`.
    pub group: String,
    /// The fused score in log-odds; `None` when the photo is too poor to be judged or nothing is
    /// enrolled.
    pub score: Option<LogOdds>,
    /// Whether the claimed product was located, or the photo flagged for other reasons can be told
    /// apart from it.
    pub located: bool,
    /// Named inputs of the fusion, for fitting and for analysis.
    pub inputs: Vec<(String, f64)>,
    /// What the photo's file tells.
    pub photo_facts: Facts,
    /// What the file of the claimed product's first reference tells.
    pub reference_facts: Facts,
}

/// Identification of one test photo: rank of the true product from 0, if it was ranked at all.
pub struct Identified {
    /// Rank from 0.
    pub rank: Option<usize>,
}

/// Everything measured.
#[derive(Default)]
pub struct Measured {
    /// Genuine claims on calibration photos.
    pub calibration: Vec<Row>,
    /// Claims on test photos.
    pub test: Vec<Row>,
    /// Claims on calibration photos that are not genuine: for fitting the fusion only.
    pub fitting: Vec<Row>,
    /// What comparable calibration photos showed of their product.
    observations: Vec<(PhotoRow, Observation)>,
    /// Per product, the items that tell what its genuine photos show; without those of whom there
    /// is none.
    pub variation_items: BTreeMap<ProductKey, usize>,
    /// One per test photo.
    pub identified: Vec<Identified>,
    /// Milliseconds per stage, summed, and how many photos.
    pub stages: BTreeMap<&'static str, (f64, usize)>,
}

/// What to do.
pub struct Plan<'a> {
    /// The labelled folder.
    pub data: &'a Labelled,
    /// Calibration photos per product that also become references.
    pub references: usize,
    /// Whether to make non-genuine claims on calibration photos too.
    pub fitting: bool,
    /// Whether to judge test photos as if their products had no genuine photos enrolled.
    pub without_variation: bool,
    /// Set when the person wants to stop.
    pub stop: &'a AtomicBool,
}

/// Makes one worker's models.
pub type MakeVision<'a> = dyn Fn() -> anyhow::Result<Vision> + Sync + 'a;

/// Calls `work` for every index on one thread per core, each with its own models; the first error
/// stops all.
fn in_parallel(
    count: usize,
    threads: usize,
    make: &MakeVision,
    stop: &AtomicBool,
    bar: &ProgressBar,
    work: &(dyn Fn(&mut Vision, usize) -> anyhow::Result<()> + Sync),
) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    let fail = |error| {
        let mut slot = failed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        slot.get_or_insert(error);
        next.store(count, Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut vision = match make() {
                    Ok(vision) => vision,
                    Err(error) => return fail(error),
                };
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= count {
                        return;
                    }
                    if stop.load(Ordering::Relaxed) {
                        return fail(anyhow::anyhow!("stopped"));
                    }
                    if let Err(error) = work(&mut vision, i) {
                        return fail(error);
                    }
                    bar.inc(1);
                }
            });
        }
    });
    match failed
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
    {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Enrolls, then measures every photo.
pub fn run(
    plan: &Plan,
    engine: &Engine,
    files: &dyn ReferenceFiles,
    threads: usize,
    make: &MakeVision,
    bar: impl Fn(usize, &'static str) -> ProgressBar,
) -> anyhow::Result<Measured> {
    let Enrolment {
        references,
        facts,
        used,
    } = enroll(plan, engine, files, threads, make, &bar)?;
    let genuine: Vec<_> = references
        .iter()
        .filter(|r| !plan.data.is_edited(&r.product))
        .cloned()
        .collect();
    let base = Gallery::new(genuine);
    let photos = plan.data.photos.iter().filter(|p| !used.contains(&p.path));
    let (calibration, test): (Vec<&PhotoRow>, Vec<_>) = photos.partition(|p| p.is_calibration());
    let mut measured = Measured::default();
    let bar = bar(calibration.len() + test.len(), "photos");
    let mut world = World {
        plan,
        engine,
        references: &references,
        base: &base,
        facts: &facts,
        variations: HashMap::new(),
    };
    for photos in [calibration, test] {
        if !plan.without_variation {
            world.variations = variations(&measured.observations);
        }
        let all = Mutex::new(measured);
        in_parallel(
            photos.len(),
            threads,
            make,
            plan.stop,
            &bar,
            &|vision, i| {
                let one = world
                    .measure(vision, photos[i])
                    .with_context(|| format!("photo `{}`", photos[i].path))?;
                lock(&all).absorb(one);
                Ok(())
            },
        )?;
        measured = all
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        measured.sort();
    }
    bar.finish_and_clear();
    measured.variation_items = world
        .variations
        .into_iter()
        .map(|(product, v)| (product, v.items()))
        .collect();
    Ok(measured)
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
    files: &dyn ReferenceFiles,
    threads: usize,
    make: &MakeVision,
    bar: &impl Fn(usize, &'static str) -> ProgressBar,
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
    let bar = bar(jobs.len(), "references");
    for range in [0..first, first..jobs.len()] {
        let known = Gallery::new(lock(&done).iter().flatten().cloned().collect());
        let start = range.start;
        in_parallel(range.len(), threads, make, plan.stop, &bar, &|vision, i| {
            let (product, kind, path) = jobs[start + i].clone();
            let bytes = std::fs::read(data.dir.join(path))
                .with_context(|| format!("`{path}` cannot be read"))?;
            files.put_image(&bytes)?;
            if start == 0 {
                let raster = vision
                    .imaging
                    .decode(&bytes)
                    .with_context(|| format!("reference `{path}`"))?
                    .raster;
                let own = Facts::of(&bytes, raster.pixels().len() / 3, &measure(&raster));
                lock(&facts).insert(product.clone(), own);
            }
            let new = NewReference {
                id: path.to_owned(),
                product,
                kind,
                view: None,
                marks: Vec::new(),
            };
            let enrolled = engine
                .enroll(vision, new, &known, &bytes)
                .with_context(|| format!("reference `{path}`"))?;
            lock(&done)[start + i] = Some(Arc::new(enrolled.reference));
            Ok(())
        })?;
    }
    bar.finish_and_clear();
    let references = done
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Enrolment {
        references: references.into_iter().flatten().collect(),
        facts: facts
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner),
        used: extra.iter().map(|p| p.path.clone()).collect(),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Calibration photos that become references: spread evenly over each product's photos, so over its
/// items and sides.
fn chosen_photos(data: &Labelled, per_product: usize) -> Vec<&PhotoRow> {
    let mut by_product: BTreeMap<ProductKey, Vec<&PhotoRow>> = BTreeMap::new();
    for photo in data.photos.iter().filter(|p| p.is_calibration()) {
        by_product.entry(photo.key()).or_default().push(photo);
    }
    let spread = |photos: Vec<&'_ PhotoRow>| -> Vec<usize> {
        let n = per_product.min(photos.len());
        (0..n)
            .map(|i| (2 * i + 1) * photos.len() / (2 * n))
            .collect()
    };
    by_product
        .into_values()
        .flat_map(|photos| spread(photos.clone()).into_iter().map(move |i| photos[i]))
        .collect()
}

/// What every photo is measured in.
struct World<'a> {
    plan: &'a Plan<'a>,
    engine: &'a Engine,
    references: &'a [Arc<Reference>],
    base: &'a Gallery,
    facts: &'a HashMap<ProductKey, Facts>,
    /// What is known of products' genuine photos: nothing while the calibration photos are
    /// measured.
    variations: HashMap<ProductKey, Variation>,
}

impl World<'_> {
    fn measure(&self, vision: &mut Vision, photo: &PhotoRow) -> anyhow::Result<Measured> {
        let (data, nothing) = (self.plan.data, Variation::default());
        let mut out = Measured::default();
        let bytes = std::fs::read(data.dir.join(&photo.path))?;
        let mut clock = Clock::start();
        let upright = vision.imaging.decode(&bytes)?;
        let quality = measure(&upright.raster);
        let photo_facts = Facts::of(&bytes, upright.raster.pixels().len() / 3, &quality);
        clock.lap("decode");
        let poor = too_poor(self.engine.defaults(), &quality).is_some();
        let mut analysis = Analysis::new(vision, upright.raster, FeaturePass::Coarse)?;
        clock.lap("features");
        if !photo.is_calibration() {
            let (purpose, mut clock) = (Purpose::Judge(&nothing), Clock::start());
            let ranking =
                self.engine
                    .compare(vision, &mut analysis, self.base, None, purpose, &mut clock)?;
            let own = photo.key();
            out.identified.push(Identified {
                rank: ranking.ranking().position(|p| *p == own),
            });
        }
        for (claimed, group) in self.claims(photo) {
            let gallery = self.gallery_for(photo, &claimed);
            let claim = Claim::Product(claimed.clone());
            let mut lap = Clock::start();
            let variation = self.variation_for(photo, &claimed);
            let purpose = match (photo.is_calibration(), group.as_str()) {
                (true, "genuine") => Purpose::Learn,
                _ => Purpose::Judge(&variation),
            };
            let comparison = self.engine.compare(
                vision,
                &mut analysis,
                &gallery,
                Some(&claim),
                purpose,
                &mut lap,
            )?;
            if let (Purpose::Learn, false, Some(observation)) =
                (purpose, poor, comparison.observation())
            {
                out.observations.push((photo.clone(), observation));
            }
            if group == "genuine" {
                clock.laps.extend(lap.laps);
            }
            let subject = comparison.subject.as_ref();
            let located = subject.is_some_and(|s| comparison.candidates[s.candidate].is_located());
            let row = Row {
                photo: photo.clone(),
                photo_facts,
                reference_facts: self.facts.get(&claimed).copied().unwrap_or_default(),
                claimed,
                score: subject.filter(|_| !poor).map(|s| s.score.value()),
                located: located && !poor,
                inputs: subject.map(inputs).unwrap_or_default(),
                group,
            };
            match (photo.is_calibration(), row.group.as_str()) {
                (false, _) => out.test.push(row),
                (true, "genuine") => out.calibration.push(row),
                (true, _) => out.fitting.push(row),
            }
        }
        // More is read of calibration photos than a check reads.
        for (stage, ms) in clock.laps.into_iter().filter(|_| !photo.is_calibration()) {
            out.stages.insert(stage, (ms, 1));
        }
        Ok(out)
    }

    /// The claims to make on a photo: the table's for a test photo; its own product for a
    /// calibration photo, and for fitting also up to three siblings, one other product and the
    /// edited references of its title.
    fn claims(&self, photo: &PhotoRow) -> Vec<(ProductKey, String)> {
        let data = self.plan.data;
        if !photo.is_calibration() {
            let rows: &[ClaimRow] = data.claims.get(&photo.path).map_or(&[], Vec::as_slice);
            return rows.iter().map(|c| (c.key(), c.group())).collect();
        }
        let own = photo.key();
        let mut claims = vec![(own.clone(), "genuine".to_owned())];
        if self.plan.fitting {
            let mut products: Vec<&ProductKey> = self
                .base
                .references
                .iter()
                .map(|r| &r.product)
                .filter(|p| **p != own)
                .collect();
            products.dedup();
            let siblings = products.iter().filter(|p| p.brand == own.brand).take(3);
            claims.extend(siblings.map(|p| ((*p).clone(), "sibling".to_owned())));
            let others: Vec<_> = products.iter().filter(|p| p.brand != own.brand).collect();
            // Any fixed choice will do; the path's length and bytes spread it over the products.
            let pick = photo.path.bytes().map(usize::from).sum::<usize>();
            if let Some(other) = others.get(pick % others.len().max(1)) {
                claims.push(((**other).clone(), "other".to_owned()));
            }
            claims.extend(
                data.edits_of(&own)
                    .map(|p| (p.clone(), format!("edited: {}", edit_kind(p, &own)))),
            );
        }
        claims
    }

    /// The world in which a claim is made: an edited reference stands in place of its title's
    /// genuine one.
    fn gallery_for(&self, photo: &PhotoRow, claimed: &ProductKey) -> Gallery {
        if !self.plan.data.is_edited(claimed) {
            return self.base.clone();
        }
        let own = photo.key();
        let kept = self.base.references.iter().filter(|r| r.product != own);
        let edited = self.references.iter().filter(|r| r.product == *claimed);
        Gallery::new(kept.chain(edited).cloned().collect())
    }

    /// What is known of genuine photos of the claimed product. An edited reference stands for the
    /// genuine one, so what photos of its title share is known of it: else only genuine claims were
    /// forgiven. Its marks are not the genuine one's, and so what those are misread as is not lent.
    fn variation_for(&self, photo: &PhotoRow, claimed: &ProductKey) -> Variation {
        if !self.plan.data.is_edited(claimed) {
            return self.variations.get(claimed).cloned().unwrap_or_default();
        }
        let Some(known) = self.variations.get(&photo.key()) else {
            return Variation::default();
        };
        let genuine = self
            .base
            .references
            .iter()
            .filter(|r| r.product == photo.key());
        let edited = self.references.iter().filter(|r| r.product == *claimed);
        let lent = genuine.zip(edited).filter_map(|(genuine, edited)| {
            let ReferenceVariation { items, shared, .. } =
                known.references.get(&genuine.id)?.clone();
            Some((
                edited.id.clone(),
                ReferenceVariation {
                    items,
                    shared,
                    misread: BTreeSet::new(),
                },
            ))
        });
        Variation {
            references: lent.collect(),
        }
    }
}

fn edit_kind(edited: &ProductKey, of: &ProductKey) -> String {
    edited
        .product
        .strip_prefix(&format!("{}-", of.product))
        .unwrap_or(&edited.product)
        .to_owned()
}

/// The subject's fusion inputs by name.
fn inputs(subject: &Subject) -> Vec<(String, f64)> {
    let presence = PRESENCE_INPUTS
        .iter()
        .zip(subject.evidence.presence_inputs());
    let rivalry = RIVALRY_INPUTS.iter().zip(subject.evidence.rivalry_inputs());
    let mut named: Vec<(String, f64)> = presence
        .chain(rivalry)
        .map(|(n, v)| ((*n).to_owned(), v))
        .collect();
    named.push(("blocks".into(), subject.evidence.blocks.unwrap_or(f64::NAN)));
    named.push(("score_identity".into(), subject.score.identity.get()));
    named.push((
        "score_marks".into(),
        subject.score.marks.map_or(f64::NAN, LogOdds::get),
    ));
    for (k, mark) in subject.evidence.marks.iter().enumerate() {
        named.extend(
            MARK_INPUTS
                .iter()
                .zip(mark.inputs())
                .map(|(n, v)| (format!("mark{k}_{n}"), v)),
        );
    }
    named
}

impl Measured {
    fn absorb(&mut self, one: Self) {
        self.calibration.extend(one.calibration);
        self.test.extend(one.test);
        self.fitting.extend(one.fitting);
        self.identified.extend(one.identified);
        self.observations.extend(one.observations);
        for (stage, (ms, n)) in one.stages {
            let entry = self.stages.entry(stage).or_default();
            *entry = (entry.0 + ms, entry.1 + n);
        }
    }

    /// Rows come in the order the workers finished; the report must not depend on it.
    fn sort(&mut self) {
        for rows in [&mut self.calibration, &mut self.test, &mut self.fitting] {
            rows.sort_by(|a, b| (&a.photo.path, &a.claimed).cmp(&(&b.photo.path, &b.claimed)));
        }
        self.observations.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    }

    /// (item, score) of the calibration photos that can be judged.
    pub fn calibration_scores(&self) -> Vec<(String, LogOdds)> {
        self.calibration
            .iter()
            .filter_map(|r| Some((r.photo.item.clone(), r.score?)))
            .collect()
    }

    /// Rows of the test claims by group.
    pub fn by_group(&self) -> BTreeMap<&str, Vec<&Row>> {
        let mut groups: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &self.test {
            groups.entry(&row.group).or_default().push(row);
        }
        groups
    }

    /// Every row with its inputs, as CSV.
    pub fn write_rows(&self, path: &std::path::Path) -> anyhow::Result<()> {
        let rows = || {
            self.calibration
                .iter()
                .chain(&self.fitting)
                .chain(&self.test)
        };
        let mut names: Vec<&str> = rows()
            .flat_map(|r| r.inputs.iter().map(|(n, _)| n.as_str()))
            .collect();
        names.sort_unstable();
        names.dedup();
        let mut out =
            csv::Writer::from_path(path).with_context(|| format!("`{}`", path.display()))?;
        let fixed = [
            "split", "photo", "item", "brand", "product", "group", "score", "located",
        ];
        out.write_record(fixed.iter().chain(&names))?;
        for row in rows() {
            let inputs: HashMap<&str, f64> =
                row.inputs.iter().map(|(n, v)| (n.as_str(), *v)).collect();
            let number = |v: Option<f64>| v.map_or(String::new(), |v| format!("{v:.5}"));
            let mut record = vec![
                row.photo.split.clone(),
                row.photo.path.clone(),
                row.photo.item.clone(),
                row.claimed.brand.clone(),
                row.claimed.product.clone(),
                row.group.clone(),
                number(row.score.map(LogOdds::get)),
                row.located.to_string(),
            ];
            record.extend(
                names
                    .iter()
                    .map(|n| number(inputs.get(n).copied().filter(|v| !v.is_nan()))),
            );
            out.write_record(&record)?;
        }
        Ok(out.flush()?)
    }
}
