//! What genuine photos showed, as the store keeps it: JSON of plain lists, so that a mark's cells
//! take few bytes.

use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::Error;

use crate::domain::{
    colour::HueTurn,
    digest::Sha256,
    geometry::Rect,
    score::LogOdds,
    variation::{CellGrid, MarkObservation, Observation, Reading, ReferenceVariation, Variation},
};

/// Changes whenever observations are taken, kept or put together in another way: older ones are then
/// taken anew.
pub(crate) const FORM: u8 = 3;

/// Area, columns, evidence.
// Lists without names: the names would be repeated for every mark of every photo.
#[derive(Serialize, Deserialize)]
struct Grid([u32; 4], usize, Vec<u16>);

#[derive(Serialize, Deserialize)]
struct Mark {
    place: [u32; 4],
    first: Grid,
    second: Option<Grid>,
    /// Text, confidence, agreement.
    reading: Option<(String, f64, Option<f64>)>,
    /// Degrees, strength.
    turn: Option<(f64, f64)>,
    /// Not kept by earlier versions, and no part of a genuine photo's score.
    #[serde(default)]
    unseen: f64,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    reference: String,
    identity: f64,
    marks: Vec<Option<Mark>>,
    // What it was first stored as: rows of earlier builds must stay readable.
    #[serde(rename = "glance")]
    overview: Option<Grid>,
}

#[derive(Serialize, Deserialize)]
struct Told {
    reference: String,
    items: usize,
    /// Row, column, evidence.
    shared: Vec<(u32, u32, u16)>,
    /// Mark, text.
    misread: Vec<(usize, String)>,
}

/// An observation as JSON.
pub(crate) fn observation_to_json(observation: &Observation) -> Result<String, Error> {
    let grid = |g: &CellGrid| Grid(g.area.into(), g.columns, g.evidence.clone());
    let mark = |m: &MarkObservation| Mark {
        place: m.place.into(),
        first: grid(&m.first),
        second: m.second.as_ref().map(grid),
        reading: m
            .reading
            .as_ref()
            .map(|r| (r.text.clone(), r.confidence, r.agreement)),
        turn: m.turn.map(|t| (t.degrees, t.strength)),
        unseen: m.unseen,
    };
    let marks = observation
        .marks
        .iter()
        .map(|m| m.as_ref().map(mark))
        .collect();
    let overview = observation.overview.as_ref().map(grid);
    serde_json::to_string(&Kept {
        reference: observation.reference.clone(),
        identity: observation.identity.get(),
        marks,
        overview,
    })
}

/// An observation back from its JSON.
pub(crate) fn observation_from_json(json: &str) -> Result<Observation, Error> {
    let Kept {
        reference,
        identity,
        marks,
        overview,
    } = serde_json::from_str(json)?;
    let grid = |Grid(area, columns, evidence): Grid| {
        let area = Rect::from(area);
        // Rows of unequal length would put evidence in wrong places. They are refused here, so that
        // nobody after this need ask.
        let whole = area.left < area.right
            && area.top < area.bottom
            && columns > 0
            && evidence.len() % columns == 0;
        whole
            .then_some(CellGrid {
                area,
                columns,
                evidence,
            })
            .ok_or_else(|| Error::custom("cells without a place"))
    };
    let mark = |m: Mark| {
        Ok::<_, Error>(MarkObservation {
            place: m.place.into(),
            first: grid(m.first)?,
            second: m.second.map(grid).transpose()?,
            reading: m.reading.map(|(text, confidence, agreement)| Reading {
                text,
                confidence,
                agreement,
            }),
            turn: m
                .turn
                .map(|(degrees, strength)| HueTurn { degrees, strength }),
            unseen: m.unseen,
        })
    };
    let marks = marks
        .into_iter()
        .map(|m| m.map(mark).transpose())
        .collect::<Result<_, _>>()?;
    Ok(Observation {
        reference,
        identity: LogOdds::new(identity).map_err(Error::custom)?,
        marks,
        overview: overview.map(grid).transpose()?,
    })
}

/// What genuine photos show together, as JSON: the same for the same variation.
pub(crate) fn variation_to_json(variation: &Variation) -> Result<String, Error> {
    // Everything in it is ordered, so equal variations give equal text.
    let told = |(id, known): (&String, &ReferenceVariation)| Told {
        reference: id.clone(),
        items: known.items,
        shared: known
            .shared
            .iter()
            .map(|((row, column), evidence)| (*row, *column, *evidence))
            .collect(),
        misread: known.misread.iter().cloned().collect(),
    };
    serde_json::to_string(&variation.references.iter().map(told).collect::<Vec<_>>())
}

/// What genuine photos show of several products together, from the JSON of each.
pub(crate) fn variation_from_json<'a>(
    all: impl IntoIterator<Item = &'a str>,
) -> Result<Variation, Error> {
    let mut references = std::collections::BTreeMap::new();
    for json in all {
        for Told {
            reference,
            items,
            shared,
            misread,
        } in serde_json::from_str::<Vec<Told>>(json)?
        {
            let shared = shared
                .into_iter()
                .map(|(row, column, evidence)| ((row, column), evidence))
                .collect();
            let known = ReferenceVariation {
                items,
                shared,
                misread: misread.into_iter().collect(),
            };
            references.insert(reference, known);
        }
    }
    Ok(Variation { references })
}

/// The id of what genuine photos show; `None` when nothing that could change an answer is known.
pub(crate) fn variation_id(variation: &Variation) -> Option<String> {
    // How many items are known changes no answer alone; as part of the id it would make equal
    // answers look different.
    let tells = |r: &ReferenceVariation| !r.shared.is_empty() || !r.misread.is_empty();
    variation.references.values().any(tells).then(|| {
        let told = format!("{:?}", variation.references);
        format!("variation-{}", Sha256::of(told.as_bytes()).prefix(12))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation() -> Observation {
        let grid = CellGrid::new(
            Rect::new(8, 16, 40, 32),
            4,
            &[0.0, 0.25, 0.5, 0.123_456, 1.0, 0.9, 0.001, 0.3],
        );
        let reading = Reading {
            text: "TR0PICANA \"é\"".into(),
            confidence: 0.75,
            agreement: Some(0.9),
        };
        let place = Rect::new(9, 17, 39, 31);
        let seen = MarkObservation {
            place,
            first: grid.clone(),
            second: Some(grid.clone()),
            reading: Some(reading),
            turn: None,
            unseen: 0.25,
        };
        let plain = MarkObservation {
            place,
            first: grid.clone(),
            second: None,
            reading: None,
            turn: Some(HueTurn {
                degrees: -12.5,
                strength: 0.5,
            }),
            unseen: 0.0,
        };
        Observation {
            reference: "r1".into(),
            identity: LogOdds::saturating(3.25),
            marks: vec![Some(seen), None, Some(plain)],
            overview: Some(grid),
        }
    }

    fn variation() -> Variation {
        let known = ReferenceVariation {
            items: 3,
            shared: [((2, 1), 40_000)].into(),
            misread: [(0, "tr0picana".to_owned())].into(),
        };
        Variation {
            references: [("r1".to_owned(), known)].into(),
        }
    }

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        assert_eq!(
            observation_from_json(&observation_to_json(&observation()).unwrap()).unwrap(),
            observation()
        );
        let json = variation_to_json(&variation()).unwrap();
        assert_eq!(
            variation_from_json([json.as_str(), "[]"]).unwrap(),
            variation()
        );
        assert!(observation_from_json("{}").is_err() && variation_from_json(["{}"]).is_err());
        let placeless = Observation {
            overview: Some(CellGrid::new(Rect::new(9, 9, 9, 9), 1, &[0.0])),
            ..observation()
        };
        assert!(observation_from_json(&observation_to_json(&placeless).unwrap()).is_err());
    }

    #[test]
    fn only_what_can_change_an_answer_has_an_id() {
        assert_eq!(variation_id(&Variation::default()), None);
        let mut blank = variation();
        for known in blank.references.values_mut() {
            (known.shared, known.misread) = Default::default();
        }
        assert_eq!(variation_id(&blank), None);
        assert_ne!(variation_id(&variation()), None);
        let mut other = variation();
        for known in other.references.values_mut() {
            known.shared.insert((2, 2), 1);
        }
        assert_ne!(variation_id(&other), variation_id(&variation()));
    }
}
