//! The HTTP contract as a document: what it lists, that every operation is described, and a
//! snapshot of all of it.

use assay::contract::limits::{
    LONGEST_PAGE, MOST_MARKETS, MOST_MARKS, MOST_PHOTOS, MOST_PHOTOS_PER_KIND,
    MOST_STATISTICS_DAYS, PAGE, PHOTOS_PER_KIND, STATISTICS_DAYS,
};
use serde_json::{Value, json};

/// What the design promises.
const PROMISED: &[(&str, &str)] = &[
    ("post", "/v1/brands"),
    ("get", "/v1/brands"),
    ("post", "/v1/brands/{brand}/products"),
    ("get", "/v1/brands/{brand}/products"),
    ("get", "/v1/brands/{brand}/products/{product}"),
    ("post", "/v1/brands/{brand}/products/{product}/references"),
    ("get", "/v1/brands/{brand}/products/{product}/references"),
    (
        "delete",
        "/v1/brands/{brand}/products/{product}/references/{id}",
    ),
    (
        "post",
        "/v1/brands/{brand}/products/{product}/genuine-photos",
    ),
    ("post", "/v1/brands/{brand}/products/{product}/self-test"),
    ("post", "/v1/checks"),
    ("get", "/v1/checks"),
    ("get", "/v1/checks/{id}"),
    ("get", "/v1/checks/{id}/photos/{n}/evidence.png"),
    ("get", "/v1/checks/{id}/statement"),
    ("get", "/v1/openapi.json"),
    ("get", "/livez"),
    ("get", "/readyz"),
    ("get", "/metrics"),
];

fn contract() -> Value {
    serde_json::to_value(assay::http::open_api()).unwrap()
}

/// Method, path and operation of everything the document lists.
fn operations(contract: &Value) -> Vec<(String, String, Value)> {
    let paths = contract["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(|(method, operation)| (method.clone(), path.clone(), operation.clone()))
    });
    operations.collect()
}

#[test]
fn every_promised_route_is_in_the_contract() {
    let contract = contract();
    assert_eq!(contract["openapi"], "3.1.0");
    for (method, path) in PROMISED {
        assert!(
            contract["paths"][path][method].is_object(),
            "{method} {path}"
        );
    }
}

#[test]
fn every_operation_is_described_with_its_parameters_body_and_errors() {
    let contract = contract();
    let operations = operations(&contract);
    assert!(operations.len() >= PROMISED.len());
    for (method, path, operation) in operations {
        let at = format!("{method} {path}");
        for field in ["summary", "description", "operationId"] {
            assert!(
                operation[field].as_str().is_some_and(|s| !s.is_empty()),
                "{at}: no {field}"
            );
        }
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        assert_eq!(
            parameters.iter().filter(|p| p["in"] == "path").count(),
            path.matches('{').count(),
            "{at}"
        );
        assert!(
            parameters.iter().all(|p| p["description"].is_string()),
            "{at}: a parameter without description"
        );
        // To claim a check there is nothing to say but which.
        if method == "post" && operation["operationId"] != "claim_review" {
            let content = operation["requestBody"]["content"].as_object().unwrap();
            assert!(
                content.values().all(|c| c["schema"]["$ref"].is_string()),
                "{at}: a body without schema"
            );
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
            let is_error = status.starts_with(['4', '5']);
            assert_eq!(
                problem == "#/components/schemas/ProblemBody",
                is_error,
                "{at} {status}"
            );
        }
    }
}

#[test]
fn only_a_self_test_takes_no_body() {
    let contract = contract();
    let optional: Vec<_> = operations(&contract)
        .into_iter()
        .filter(|(_, _, operation)| operation["requestBody"]["required"] == false)
        .map(|(_, path, _)| path)
        .collect();
    assert_eq!(
        optional,
        ["/v1/brands/{brand}/products/{product}/self-test"]
    );
}

#[test]
fn everything_referred_to_is_there() {
    let contract = contract();
    let text = contract.to_string();
    let named: Vec<_> = text
        .split("\"$ref\":\"#")
        .skip(1)
        .map(|s| s.split('"').next().unwrap())
        .collect();
    assert!(named.len() > 100);
    for pointer in named {
        assert!(contract.pointer(pointer).is_some(), "{pointer}");
    }
}

/// The schema itself or the one it refers to.
fn resolved<'a>(contract: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(pointer) => contract.pointer(&pointer[1..]).unwrap(),
        None => schema,
    }
}

/// Adds the places below a schema of something that callers send where anything goes.
fn unbounded(contract: &Value, schema: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolved(contract, schema);
    let says = |words: &[&str]| words.iter().all(|word| !schema[*word].is_null());
    if let Some(choices) = schema["oneOf"].as_array() {
        for choice in choices {
            unbounded(contract, choice, at, found);
        }
        return;
    }
    // The first of several: `null` has no bounds.
    let kind = schema["type"].get(0).unwrap_or(&schema["type"]);
    let bounded = match kind.as_str() {
        Some("string") => {
            says(&["enum"])
                || says(&["format"])
                || says(&["pattern", "minLength", "maxLength"])
                || schema["contentMediaType"] == "application/octet-stream"
        }
        Some("integer" | "number") => says(&["minimum", "maximum"]),
        Some("array") => {
            unbounded(contract, &schema["items"], &format!("{at}[]"), found);
            says(&["maxItems"])
        }
        Some("object") => {
            for (name, property) in schema["properties"].as_object().unwrap() {
                unbounded(contract, property, &format!("{at}.{name}"), found);
            }
            schema["additionalProperties"] == false
        }
        // By itself.
        Some("null" | "boolean") => true,
        _ => false,
    };
    if !bounded {
        found.push(format!("{at}: {schema}"));
    }
}

#[test]
fn whatever_callers_send_has_its_bounds_in_the_contract() {
    let contract = contract();
    let (mut found, mut seen) = (Vec::new(), 0);
    for (method, path, operation) in operations(&contract) {
        let parameters = operation["parameters"].as_array().cloned();
        for parameter in parameters.unwrap_or_default() {
            let at = format!("{method} {path} {}", parameter["name"]);
            unbounded(&contract, &parameter["schema"], &at, &mut found);
            seen += 1;
        }
        for body in operation["requestBody"]["content"].as_object().into_iter() {
            for (kind, body) in body {
                let at = format!("{method} {path} {kind}");
                unbounded(&contract, &body["schema"], &at, &mut found);
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "{seen}");
    assert!(found.is_empty(), "without bounds:\n{}", found.join("\n"));
}

/// The derived schemas can name no constants.
#[test]
fn limits_in_the_contract_are_those_that_requests_are_checked_against() {
    let contract = contract();
    let schema = |name: &str| &contract["components"]["schemas"][name]["properties"];
    let parameter = |path: &str, name: &str| {
        let parameters = contract["paths"][path]["get"]["parameters"].as_array();
        let found = parameters.unwrap().iter().find(|p| p["name"] == name);
        found.unwrap()["schema"].clone()
    };
    let photos = &schema("CheckForm")["photo"];
    assert_eq!(
        (&photos["minItems"], &photos["maxItems"]),
        (&json!(1), &json!(MOST_PHOTOS))
    );
    let number = parameter("/v1/checks/{id}/photos/{n}/evidence.png", "n");
    assert_eq!(number["maximum"], json!(MOST_PHOTOS - 1));
    assert_eq!(schema("ReferenceForm")["marks"]["maxItems"], MOST_MARKS);
    let limit = parameter("/v1/checks", "limit");
    assert_eq!(
        (&limit["default"], &limit["maximum"]),
        (&json!(PAGE), &json!(LONGEST_PAGE))
    );
    assert_eq!(schema("ReferenceForm")["markets"]["maxItems"], MOST_MARKETS);
    let days = parameter("/v1/brands/{brand}/statistics", "days");
    assert_eq!(
        (&days["default"], &days["maximum"]),
        (&json!(STATISTICS_DAYS), &json!(MOST_STATISTICS_DAYS))
    );
    let photos = &schema("SelfTestBody")["photos_per_kind"];
    assert_eq!(
        (&photos["default"], &photos["maximum"]),
        (&json!(PHOTOS_PER_KIND), &json!(MOST_PHOTOS_PER_KIND))
    );
}

#[test]
fn the_contract_is_as_reviewed() {
    let mut contract = contract();
    // A release changes the version, not the contract.
    contract["info"]["version"] = "[version]".into();
    insta::assert_json_snapshot!("openapi", contract);
}
