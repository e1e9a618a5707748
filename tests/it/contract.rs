//! The HTTP contract as a document: what it lists, that every operation is described, and a
//! snapshot of all of it.

use serde_json::Value;

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
        if method == "post" {
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

#[test]
fn the_contract_is_as_reviewed() {
    let mut contract = contract();
    // A release changes the version, not the contract.
    contract["info"]["version"] = "[version]".into();
    insta::assert_json_snapshot!("openapi", contract);
}
