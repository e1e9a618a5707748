//! What the contract says beyond the types: which errors an operation answers with, and examples.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::{
    IntoResponses,
    openapi::{
        Components, ContentBuilder, HeaderBuilder, Paths, Ref, RefOr, Required, Response,
        ResponseBuilder, Responses,
        example::{Example, ExampleBuilder},
        schema::{ObjectBuilder, Schema, Type},
    },
};

use crate::{
    contract::MarkKind,
    http::problem::{Kind, ProblemBody, kind},
};

// Operations name their errors by a type, so each group has to be one.
macro_rules! groups {
    ($($(#[$doc:meta])* $name:ident = [$($kind:ident),*] $(+ $base:ident)?;)*) => {
        $($(#[$doc])*
        pub(crate) struct $name;

        impl $name {
            fn kinds() -> Vec<&'static Kind> {
                #[allow(unused_mut, reason = "a group without a base adds nothing to it")]
                let mut kinds = vec![$(&kind::$kind),*];
                $(kinds.extend($base::kinds());)?
                kinds
            }
        }

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                problems(&Self::kinds())
            }
        })*
    };
}

groups! {
    /// Errors of every operation, also of those that take nothing from the caller.
    Always = [CROSS_SITE, INTERNAL, TIMED_OUT];
    /// Errors of every operation that reads something from the request.
    Any = [MALFORMED] + Always;
    /// Errors of reading one thing.
    Reading = [NOT_FOUND] + Any;
    /// Errors of removing one thing, which is written down too.
    Removing = [STORAGE_FULL] + Reading;
    /// Errors of listing with parameters.
    Listing = [INVALID_FIELD] + Any;
    /// Errors of counting, with parameters.
    Counting = [INVALID_FIELD] + Reading;
    /// Errors of creating from JSON.
    Creating = [CONFLICT, TOO_LARGE, UNSUPPORTED_CONTENT_TYPE, INVALID_FIELD, STORAGE_FULL] + Reading;
    /// Errors of changing one thing by JSON.
    Changing = [TOO_LARGE, UNSUPPORTED_CONTENT_TYPE, INVALID_FIELD, STORAGE_FULL] + Reading;
    /// Errors of work by the models.
    Working = [BUSY, INTERRUPTED, MODELS_UNAVAILABLE];
    /// Errors of a statement, whose pictures are drawn by the workers.
    Stating = [NOT_FOUND, INVALID_FIELD, BUSY, INTERRUPTED, MODELS_UNAVAILABLE] + Any;
    /// Errors of a picture that is refused.
    Picture = [
        PHOTO_TOO_MANY_BYTES, PHOTO_EMPTY, PHOTO_UNSUPPORTED_FORMAT, PHOTO_TOO_LARGE, PHOTO_TOO_SMALL,
        PHOTO_TOO_MUCH_MEMORY, PHOTO_ANIMATED, PHOTO_TOO_SLOW, PHOTO_DAMAGED
    ] + Working;
    /// Errors of a form.
    Submitting = [BODY_TOO_SLOW, TOO_LARGE, UNSUPPORTED_CONTENT_TYPE, INVALID_FIELD, STORAGE_FULL] + Reading;
    /// Errors of claiming a check and deciding about it.
    Reviewing = [CONFLICT, TOO_LARGE, UNSUPPORTED_CONTENT_TYPE, INVALID_FIELD, STORAGE_FULL] + Reading;
    /// Errors of readiness.
    NotReady = [NOT_READY] + Always;
}

/// Errors of uploads whose picture must be usable.
pub(crate) struct Uploading;

impl IntoResponses for Uploading {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[vec![&kind::CONFLICT], Submitting::kinds(), Picture::kinds()].concat())
    }
}

/// Errors of checks, where an unusable photo is part of the answer.
pub(crate) struct Checking;

impl IntoResponses for Checking {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[vec![&kind::CONFLICT], Submitting::kinds(), Working::kinds()].concat())
    }
}

/// Errors of self-tests.
pub(crate) struct SelfTesting;

impl IntoResponses for SelfTesting {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let body = [
            &kind::TOO_LARGE,
            &kind::UNSUPPORTED_CONTENT_TYPE,
            &kind::INVALID_FIELD,
            &kind::CONFLICT,
        ];
        problems(&[body.to_vec(), Reading::kinds(), Working::kinds()].concat())
    }
}

/// Errors of drawing evidence.
pub(crate) struct Drawing;

impl IntoResponses for Drawing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[vec![&kind::REMOVED], Reading::kinds(), Picture::kinds()].concat())
    }
}

/// One response per status, with an example of each kind.
fn problems(kinds: &[&'static Kind]) -> BTreeMap<String, RefOr<Response>> {
    // The document has one response for a status, and several kinds share one: they become its
    // examples.
    let mut by_status: BTreeMap<u16, Vec<&Kind>> = BTreeMap::new();
    for kind in kinds {
        by_status
            .entry(kind.status.as_u16())
            .or_default()
            .push(kind);
    }
    by_status
        .into_iter()
        .map(|(status, kinds)| (status.to_string(), response(status, &kinds).into()))
        .collect()
}

/// Adds kinds of problems to an operation's answers.
pub(crate) fn also(responses: &mut Responses, kinds: &[&'static Kind]) {
    for kind in kinds {
        let status = kind.status.as_u16();
        let new = response(status, &[kind]);
        // Of a status that is told already, this is one kind more.
        if let Some(RefOr::T(known)) = responses.responses.get_mut(&status.to_string()) {
            known.description = format!("{}; {}", known.description, new.description);
            for (media, content) in new.content {
                let all = known.content.get_mut(&media);
                if let (RefOr::T(new), Some(RefOr::T(all))) = (content, all) {
                    all.examples.extend(new.examples);
                }
            }
        } else {
            responses.responses.insert(status.to_string(), new.into());
        }
    }
}

fn response(status: u16, kinds: &[&Kind]) -> Response {
    let titles: Vec<_> = kinds
        .iter()
        .map(|k| format!("`{}`: {}", k.slug, k.title))
        .collect();
    // By reference: written out they would stand at every operation again.
    let examples = kinds.iter().map(|k| {
        (
            k.slug,
            RefOr::Ref(Ref::new(format!("#/components/examples/{}", k.slug))),
        )
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ProblemBody")))
        .examples_from_iter(examples)
        .build();
    let mut response = ResponseBuilder::new()
        .description(titles.join("; "))
        .content("application/problem+json", content);
    // Only these say when to come back.
    if matches!(status, 429 | 503) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer);
        let header = HeaderBuilder::new()
            .schema(Some(seconds))
            .description(Some("Seconds to wait before trying again"));
        response = response.header("retry-after", header.build());
    }
    response.build()
}

/// An example of each kind of problem by its slug, to be shared by all operations.
pub(crate) fn problem_examples() -> impl Iterator<Item = (String, RefOr<Example>)> {
    kind::ALL.iter().map(|kind| {
        let body = ProblemBody {
            r#type: format!("/problems/{}", kind.slug),
            title: kind.title.to_owned(),
            status: kind.status.as_u16(),
            detail: "names the field or file and says what to do".to_owned(),
            request_id: "0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10".to_owned(),
            errors: Vec::new(),
        };
        (
            kind.slug.to_owned(),
            ExampleBuilder::new()
                .summary(kind.title)
                .value(Some(json!(body)))
                .into(),
        )
    })
}

/// What one field demands of another: JSON Schema has words for it, and the derived schemas do not.
pub(crate) fn relate_fields(components: &mut Components) {
    // Tools made from the document can then refuse such a request before it is sent.
    let relations = [
        (
            "CheckForm",
            json!({"dependentRequired": {"product": ["brand"]}}),
        ),
        (
            "NewMarkBody",
            json!({"allOf": [
                {"anyOf": [
                    {"properties": {"kind": {"const": MarkKind::Text}}},
                    {"properties": {"text": {"type": "null"}}},
                ]},
                {"anyOf": [
                    {"properties": {"kind": {"const": MarkKind::Ignored}}},
                    {"required": ["name"]},
                ]},
            ]}),
        ),
    ];
    for (name, words) in relations {
        if let (Some(RefOr::T(Schema::Object(schema))), Value::Object(words)) =
            (components.schemas.get_mut(name), words)
        {
            let extensions = schema.extensions.get_or_insert_default();
            extensions.extend(words);
        }
    }
}

/// The self-test is the one operation whose body may be left out; the derived document demands each.
pub(crate) fn allow_no_body(paths: &mut Paths) {
    let operations = paths.paths.values_mut().filter_map(|p| p.post.as_mut());
    for operation in operations {
        // By its id: the path is written at the handler and should not stand here again.
        if operation.operation_id.as_deref() == Some("self_test")
            && let Some(RefOr::T(body)) = &mut operation.request_body
        {
            body.required = Some(Required::False);
        }
    }
}

/// A path of this server from ids, which hold only characters that a path may hold.
pub(crate) fn location(segments: &[&str]) -> String {
    segments.iter().flat_map(|s| ["/", s]).collect()
}

/// An enrolled reference, as an example.
pub(crate) fn reference_example() -> Value {
    // Compiled in, and read by a test.
    serde_json::from_str(include_str!("examples/reference.json")).unwrap_or_default()
}

/// Answers by their verdict; most are of the demo's checks.
fn check_examples() -> BTreeMap<String, Value> {
    // Compiled in, and read by a test.
    let mut examples: BTreeMap<_, _> =
        serde_json::from_str(include_str!("examples/checks.json")).unwrap_or_default();
    let deviates = serde_json::from_str(include_str!("examples/check.json"));
    examples.insert("deviates".to_owned(), deviates.unwrap_or_default());
    examples
}

/// Shows an answer of every verdict where a check is answered: the derived document knows one example
/// for each answer.
pub(crate) fn show_verdicts(paths: &mut Paths, components: &mut Components) {
    let examples = check_examples();
    let items = paths.paths.values_mut();
    let operations = items.flat_map(|item| [item.get.as_mut(), item.post.as_mut()]);
    for operation in operations.flatten() {
        let id = operation.operation_id.as_deref();
        if !matches!(id, Some("create_check" | "get_check")) {
            continue;
        }
        let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200") else {
            continue;
        };
        for content in answer.content.values_mut() {
            if let RefOr::T(content) = content {
                let named = examples.keys().map(|verdict| {
                    let example = Ref::new(format!("#/components/examples/{verdict}"));
                    (verdict.clone(), RefOr::Ref(example))
                });
                content.examples.extend(named);
            }
        }
    }
    let examples = examples.into_iter().map(|(verdict, answer)| {
        let summary = format!("A check that came out as {verdict}");
        let example = ExampleBuilder::new().summary(summary).value(Some(answer));
        (verdict, example.into())
    });
    components.examples.extend(examples);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Verdict, answer::CheckAnswer};

    #[test]
    fn every_verdict_has_an_answer_as_an_example() {
        assert!(reference_example().is_object());
        let examples = check_examples();
        let verdicts = Verdict::ALL.iter().map(|verdict| verdict.name());
        assert_eq!(examples.len(), Verdict::ALL.len());
        for verdict in verdicts {
            let example = &examples[verdict];
            let answer: CheckAnswer = serde_json::from_value(example.clone()).unwrap();
            assert_eq!(answer.verdict.name(), verdict);
            assert_eq!(serde_json::to_value(answer).unwrap(), *example);
        }
    }

    #[test]
    fn operations_that_refuse_pictures_list_every_way_to_refuse_one() {
        let listed = Picture::kinds();
        let pictures = kind::ALL.iter().filter(|k| k.slug.starts_with("photo-"));
        for picture in pictures {
            assert!(listed.contains(&picture), "{}", picture.slug);
        }
    }
}
