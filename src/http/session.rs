//! What a browser holds of somebody who signed in.

use axum::http::{HeaderMap, HeaderName, header};

use crate::checker::key_ring::{LONGEST_MS, form_token};

/// By its prefix browsers take it from this host alone, over TLS or from this machine, and send it to
/// no other.
const COOKIE: &str = "__Host-assay";
/// Brings the token of a request that is no form.
pub(super) const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-form-token");

/// Somebody's session, within a request of theirs.
#[derive(Clone)]
pub(crate) struct Session {
    secret: String,
}

impl Session {
    /// The session that a request names, if it names any.
    pub(super) fn named(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter();
        let pairs = cookies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'));
        let mut values =
            pairs.filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        let secret = values.next()?.to_owned();
        Some(Self { secret })
    }

    /// What only its browser knows.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// What every form of it carries.
    pub(crate) fn token(&self) -> String {
        form_token(&self.secret)
    }

    /// Whether a token is the one that its forms carry.
    pub(crate) fn is_token(&self, token: &str) -> bool {
        let own = self.token();
        // As long for a wrong one, wherever it is wrong.
        own.len() == token.len()
            && own
                .bytes()
                .zip(token.bytes())
                .fold(0, |all, (a, b)| all | (a ^ b))
                == 0
    }
}

/// The header that gives a browser a session.
pub(super) fn begin(secret: &str) -> String {
    let seconds = LONGEST_MS / 1000;
    // Lax and not strict: whoever follows a link to a check in a message should find themselves signed
    // in. What changes anything carries the form's token besides.
    format!("{COOKIE}={secret}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

/// The header that takes it away.
pub(super) fn end() -> String {
    format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_among_other_cookies_and_by_its_whole_name() {
        let named = |cookies: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookies.parse().unwrap());
            Session::named(&headers).map(|s| s.secret)
        };
        assert_eq!(named("a=1; __Host-assay=x; b=2").as_deref(), Some("x"));
        assert_eq!(named("__Host-assay2=x; assay=y; X__Host-assay=z"), None);
    }

    #[test]
    fn a_token_is_of_one_session() {
        let [one, other] = ["a", "b"].map(|secret| Session {
            secret: secret.to_owned(),
        });
        assert!(one.is_token(&one.token()));
        assert!(!one.is_token(&other.token()) && !one.is_token("") && !one.is_token("a"));
    }
}
