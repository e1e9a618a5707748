//! Scripts and styles of the pages, which are part of the program.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::domain::digest::Sha256;

struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

const ALL: [Asset; 6] = [
    Asset {
        name: "app.css",
        media_type: "text/css; charset=utf-8",
        content: include_str!("assets/app.css"),
    },
    Asset {
        name: "app.js",
        media_type: SCRIPT,
        content: include_str!("assets/app.js"),
    },
    Asset {
        name: "compare.js",
        media_type: SCRIPT,
        content: include_str!("assets/compare.js"),
    },
    Asset {
        name: "marks.js",
        media_type: SCRIPT,
        content: include_str!("assets/marks.js"),
    },
    Asset {
        name: "self_test.js",
        media_type: SCRIPT,
        content: include_str!("assets/self_test.js"),
    },
    Asset {
        name: "upload.js",
        media_type: SCRIPT,
        content: include_str!("assets/upload.js"),
    },
];

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all: String = ALL.iter().map(|asset| asset.content).collect();
    Sha256::of(all.as_bytes()).prefix(12)
});

/// Changes when any of them does.
pub(super) fn version() -> &'static str {
    &VERSION
}

/// One of them.
pub(super) async fn get(Path(name): Path<String>) -> Response {
    let Some(asset) = ALL.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // Pages name them with their version, so that an old one is never asked for again.
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_loads_quickly_on_a_slow_line() {
        let bytes: usize = ALL.iter().map(|asset| asset.content.len()).sum();
        assert!(bytes < 300_000, "{bytes}");
    }
}
