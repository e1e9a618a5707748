//! Genuine scores to p-values and operating points (conformal prediction: Vovk, Gammerman, Shafer,
//! "Algorithmic Learning in a Random World", 2005).
//!
//! The shipped calibration holds photos of many products, and a new brand's product is one more of
//! them: products are what is exchangeable, not photos. Each product therefore weighs the same,
//! however many photos it has ("pooling CDFs": Dunn, Wasserman and Ramdas, "Distribution-free
//! prediction sets for two-layer hierarchical models", 2022). Its two questions, whether this is the
//! product and whether its marks are its own, rest on different photos. Each is asked by itself and has half
//! of the budget (Bonferroni), so that the many photos without marks lend nothing to the few with.
//! Marks under a watermark or a reflection, or without colour, look stranger than others do: a photo
//! of such is held against such photos alone (Mondrian conformal prediction: Vovk et al., 2005).

use std::collections::BTreeMap;

use crate::domain::{
    score::{LogOdds, PValue},
    tuning::listing::TAIL_SHARE,
};

/// Where a calibration's scores come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalibrationSource {
    /// Genuine photos of the claimed product.
    Product,
    /// Genuine photos of all of the brand's products.
    Brand,
    /// The calibration shipped with the program.
    Default,
}

/// What a score answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Do the marks look as they should that its owner named?
    Named,
    /// The same, of an article that is not seen plainly.
    NamedObscured,
    /// Do those that Assay proposed, and the places that the photo points to? These are picked
    /// among many for looking different, and genuine photos have some too.
    Marks,
    /// The same, of an article that is not seen plainly.
    MarksObscured,
    /// Is it the product, and no other?
    Identity,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Named,
        Self::NamedObscured,
        Self::Marks,
        Self::MarksObscured,
        Self::Identity,
    ];

    /// The class of marks: whether their owner named them, and whether the article is obscured.
    pub fn of_marks(named: bool, obscured: bool) -> Self {
        match (named, obscured) {
            (true, false) => Self::Named,
            (true, true) => Self::NamedObscured,
            (false, false) => Self::Marks,
            (false, true) => Self::MarksObscured,
        }
    }

    /// The name in the calibration file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::NamedObscured => "named, obscured",
            Self::Marks => "marks",
            Self::MarksObscured => "marks, obscured",
            Self::Identity => "identity",
        }
    }
}

/// One score of a genuine photo of the shipped calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct ShippedScore {
    /// The item that it shows.
    pub item: String,
    /// The product.
    pub product: String,
    /// What the score answers.
    pub class: Class,
    /// Its score.
    pub score: LogOdds,
}

/// Scores of genuine photos, and the budget they are used with.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Changes with the scores, the models and the rule.
    pub id: String,
    /// Share of genuine photos that may be flagged, 0 to 1.
    pub budget: f64,
    /// Where the scores come from.
    pub source: CalibrationSource,
    /// Genuine scores per question, in the order of [`Class::ALL`].
    classes: [Scores; Class::ALL.len()],
    /// Questions that the budget is divided among.
    questions: f64,
    /// Number of distinct items among them.
    pub items: usize,
    /// Number of photos among them.
    pub photos: usize,
}

/// Ascending scores with weights that sum to their number.
#[derive(Clone, Debug, Default, PartialEq)]
struct Scores(Vec<(LogOdds, f64)>);

impl Scores {
    fn new(mut scores: Vec<(LogOdds, f64)>) -> Self {
        scores.sort_by_key(|s| s.0);
        Self(scores)
    }

    /// Each product weighs the same.
    fn by_product<'a>(scores: impl Iterator<Item = &'a ShippedScore>) -> Self {
        let mut products: BTreeMap<&str, Vec<LogOdds>> = BTreeMap::new();
        for one in scores {
            products.entry(&one.product).or_default().push(one.score);
        }
        let (all, each) = (
            products.values().map(Vec::len).sum::<usize>() as f64,
            products.len() as f64,
        );
        let weighed = products.values().flat_map(|scores| {
            let weight = all / each / scores.len() as f64;
            scores.iter().map(move |s| (*s, weight))
        });
        Self::new(weighed.collect())
    }

    /// The least p-value that so many scores support.
    fn least(&self) -> f64 {
        1.0 / (self.0.len() + 1) as f64
    }

    fn p_value(&self, score: LogOdds) -> f64 {
        let stranger = self.0.partition_point(|s| s.0 <= score);
        let weight: f64 = self.0[..stranger].iter().map(|s| s.1).sum();
        // The photo is counted in: it might be as genuine as the others, and a p-value is never 0.
        (weight + 1.0) / (self.0.len() + 1) as f64
    }
}

impl Calibration {
    /// A calibration from (item, score) pairs of a brand's own photos, one per item.
    pub fn new(
        id: String,
        budget: f64,
        source: CalibrationSource,
        scores: &[(String, LogOdds)],
    ) -> Self {
        let all = Scores::new(scores.iter().map(|s| (s.1, 1.0)).collect());
        Self {
            id,
            budget,
            source,
            // Own items are few: all questions together are held against the worst of them.
            classes: Class::ALL.map(|_| all.clone()),
            questions: 1.0,
            items: distinct(scores.iter().map(|s| s.0.as_str())),
            photos: scores.len(),
        }
    }

    /// The calibration shipped with the program.
    pub fn shipped(id: String, budget: f64, scores: &[ShippedScore]) -> Self {
        let of = |class| Scores::by_product(scores.iter().filter(|s| s.class == class));
        Self {
            id,
            budget,
            source: CalibrationSource::Default,
            classes: Class::ALL.map(of),
            questions: 2.0,
            items: distinct(scores.iter().map(|s| s.item.as_str())),
            photos: scores.iter().filter(|s| s.class == Class::Identity).count(),
        }
    }

    fn of(&self, class: Class) -> &Scores {
        let [named, named_obscured, marks, marks_obscured, identity] = &self.classes;
        match class {
            Class::Named => named,
            Class::NamedObscured => named_obscured,
            Class::Marks => marks,
            Class::MarksObscured => marks_obscured,
            Class::Identity => identity,
        }
    }

    /// Share of genuine photos at least as strange as a photo of this score, that photo counted in,
    /// times the number of questions that share the budget.
    pub fn p_value(&self, class: Class, score: LogOdds) -> PValue {
        PValue::saturating(self.questions * self.of(class).p_value(score))
    }

    /// The least p-value that so many scores support, in the class that has fewest.
    pub fn least_p_value(&self) -> PValue {
        let classes = self.classes.iter().filter(|c| !c.0.is_empty());
        PValue::saturating(self.questions * classes.map(Scores::least).fold(0.0, f64::max))
    }

    /// The p-value of a score as one of several: beyond the lowest score, where a p-value by
    /// counting stays at its least, it falls on.
    ///
    /// This assumes of genuine scores that their distribution function is log-concave, as those of
    /// normal, logistic and exponential scores are: its logarithm then falls at least as steeply
    /// beyond the lowest score as between that and the median. A share of that slope is taken
    /// ([`TAIL_SHARE`]), since both are known from few scores.
    // Without it, listings of several photos could not be flagged by a small calibration even where
    // every mark of a photo is another.
    pub fn strangeness(&self, class: Class, score: LogOdds) -> PValue {
        let counted = self.p_value(class, score);
        let scores = &self.of(class).0;
        let (Some(lowest), Some(median)) = (
            scores.first(),
            scores.get(scores.len().saturating_sub(1) / 2),
        ) else {
            return counted;
        };
        let width = median.0.get() - lowest.0.get();
        if score >= lowest.0 || width <= 0.0 {
            return counted;
        }
        let least = self.questions * self.of(class).least();
        let fall = (least / self.p_value(class, median.0).get()).ln() / width;
        let beyond = TAIL_SHARE * (lowest.0.get() - score.get());
        PValue::saturating(least * (fall * beyond).exp())
    }

    /// Whether a p-value is within the budget for being flagged or, where the scores are too few
    /// for the budget, the least there is.
    pub fn is_beyond_budget(&self, p_value: PValue) -> bool {
        // Too few scores could never reach a small budget: then the strangest of all is flagged.
        self.photos > 0 && p_value.get() <= self.budget.max(self.least_p_value().get())
    }

    /// Whether a photo of this score is flagged: its p-value is within the budget or, where the
    /// scores are too few for the budget, it is stranger than every one of them.
    pub fn flags(&self, class: Class, score: LogOdds) -> bool {
        let scores = self.of(class);
        // Too few scores could never reach a small budget: then the strangest of all is flagged.
        !scores.0.is_empty()
            && self.questions * scores.p_value(score)
                <= self.budget.max(self.questions * scores.least())
    }

    /// Questions that share the budget.
    pub fn questions(&self) -> f64 {
        self.questions
    }

    /// Genuine scores by question, ascending, with their weights: log odds and number of scores that
    /// one stands for. One list named `all` where every question has the same.
    pub fn scores(&self) -> Vec<(&'static str, &[(LogOdds, f64)])> {
        let [first, rest @ ..] = &self.classes;
        if rest.iter().all(|scores| scores == first) {
            return vec![("all", &first.0)];
        }
        let named = Class::ALL.into_iter().zip(&self.classes);
        named
            .map(|(class, scores)| (class.name(), scores.0.as_slice()))
            .collect()
    }

    /// Upper 95 % bound of the false-flag rate that this many items support when none of them is
    /// flagged.
    pub fn bound_95(&self) -> f64 {
        bound_95(self.items)
    }
}

/// Upper 95 % bound of the false-flag rate that so many items support when none of them is flagged:
/// the least budget that is honest with them.
pub fn bound_95(items: usize) -> f64 {
    if items == 0 {
        1.0
    } else {
        // The rate at which so many items would all pass with a chance of 5 %.
        1.0 - 0.05_f64.powf(1.0 / items as f64)
    }
}

/// How many different names there are. Photos of one item are alike: only items are independent
/// evidence.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(product: &str, class: Class, score: f64) -> ShippedScore {
        ShippedScore {
            item: format!("{product} {score}"),
            product: product.to_owned(),
            class,
            score: LogOdds::saturating(score),
        }
    }

    #[test]
    fn a_product_with_many_photos_weighs_no_more_than_another() {
        let mut scores: Vec<_> = (0..98)
            .map(|i| score("many", Class::Marks, 5.0 + f64::from(i) / 100.0))
            .collect();
        scores.push(score("one", Class::Marks, 1.0));
        let calibration = Calibration::shipped("test".into(), 0.01, &scores);
        // One product of two is as strange: half of all, the photo itself counted in.
        let p = calibration.p_value(Class::Marks, LogOdds::saturating(2.0));
        assert!((p.get() - 1.0).abs() < 1e-9, "{}", p.get());
        let p = calibration.p_value(Class::Marks, LogOdds::saturating(0.5));
        assert!((p.get() - 2.0 / 100.0).abs() < 1e-9, "{}", p.get());
    }

    #[test]
    fn each_class_is_judged_by_its_own_photos() {
        let scores: Vec<_> = (0..200)
            .flat_map(|i| {
                let product = format!("p{i}");
                let at = f64::from(i) / 10.0;
                [
                    score(&product, Class::Marks, at),
                    score(&product, Class::Identity, at - 30.0),
                ]
            })
            .collect();
        let calibration = Calibration::shipped("test".into(), 0.01, &scores);
        let strange = LogOdds::saturating(-5.0);
        assert!(calibration.flags(Class::Marks, strange));
        assert!(!calibration.flags(Class::Identity, strange));
        assert!(calibration.flags(Class::Identity, LogOdds::saturating(-60.0)));
    }

    #[test]
    fn without_scores_of_its_class_nothing_is_flagged() {
        let scores = [score("one", Class::Marks, 1.0)];
        let calibration = Calibration::shipped("test".into(), 0.01, &scores);
        assert!(!calibration.flags(Class::Identity, LogOdds::saturating(-60.0)));
    }

    #[test]
    fn exchangeable_products_are_flagged_no_more_than_the_budget() {
        // Products differ by more than their photos do; a new product's photo against 60 others.
        let mut random = crate::domain::random::SplitMix(7);
        let (mut flagged, rounds) = (0, 4000);
        for _ in 0..rounds {
            let mut product = |name: String, photos: usize| -> Vec<ShippedScore> {
                let middle = 3.0 * random.normal();
                (0..photos)
                    .map(|_| score(&name, Class::Marks, middle + random.normal()))
                    .collect()
            };
            let scores: Vec<_> = (0..60).flat_map(|k| product(format!("p{k}"), 5)).collect();
            let new = product("new".into(), 1);
            let calibration = Calibration::shipped("test".into(), 0.05, &scores);
            flagged += usize::from(calibration.flags(Class::Marks, new[0].score));
        }
        let rate = f64::from(u32::try_from(flagged).unwrap()) / f64::from(rounds);
        assert!((0.005..0.05).contains(&rate), "{rate}");
    }
}
