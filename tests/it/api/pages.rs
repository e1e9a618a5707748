//! Pages as a browser sees them: who may open which, what a form must carry, and that no text of others
//! is ever more than text.

use assay::{
    checker::{
        actor::{Actor, Role},
        key_ring::NewKey,
    },
    http::pages,
};
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use tower::ServiceExt;

use super::{Form, TestServer, key, request};
use crate::support::vision::Scene;

pub(super) const EVIL: &str = "<script>alert(1)</script>\"'&";

/// What a browser was answered.
pub(super) struct Page {
    pub status: StatusCode,
    headers: HeaderMap,
    pub html: String,
}

impl Page {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

pub(super) async fn visit(app: &TestServer, request: Request<Body>) -> Page {
    let response = app.router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 24).await.unwrap();
    let html = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(!html.contains("<script>alert"), "{html}");
    Page {
        status: head.status,
        headers: head.headers,
        html,
    }
}

pub(super) async fn open(app: &TestServer, path: &str, cookie: &str) -> Page {
    let request = request(Method::GET, path).header(header::COOKIE, cookie);
    visit(app, request.body(Body::empty()).unwrap()).await
}

pub(super) async fn submit(app: &TestServer, path: &str, cookie: &str, fields: &str) -> Page {
    let request = request(Method::POST, path)
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    visit(app, request.body(Body::from(fields.to_owned())).unwrap()).await
}

/// The cookie and the forms' token of somebody who signs in with a key.
pub(super) async fn sign_in(app: &TestServer, key: &str) -> (String, String) {
    let page = submit(app, "/sign-in", "", &format!("key={key}&next=%2F")).await;
    assert_eq!((page.status.as_u16(), page.header("location")), (303, "/"));
    let cookie = page
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let secret = cookie.split_once('=').unwrap().1;
    let token = assay::checker::key_ring::form_token(secret);
    (cookie, token)
}

pub(super) async fn named(app: &TestServer, role: Role, name: &str) -> String {
    let new = NewKey {
        name: name.to_owned(),
        role,
        brands: None,
        expires_ms: None,
    };
    app.keys.create(&Actor::local(), new).await.unwrap().secret
}

/// A disputed check whose every text is evil; its id.
async fn disputed(app: &TestServer) -> String {
    let form = Form::new()
        .picture("photo", &Scene::of(1))
        .text("brand", "acme")
        .text("product", "oat")
        .text("listing_id", EVIL)
        .text("seller_id", EVIL);
    let answer = app.upload("/v1/checks", form).await.json();
    let id = answer["id"].as_str().unwrap().to_owned();
    let form = Form::new().text("statement", EVIL);
    let sent = app.upload(&format!("/v1/checks/{id}/dispute"), form).await;
    assert_eq!(sent.status, 201);
    id
}

#[tokio::test]
async fn who_signs_in_gets_a_session_that_ends() {
    let app = TestServer::new().await;
    let rita = named(&app, Role::Reviewer, EVIL).await;
    let asked = open(&app, "/queue?order=newest", "").await;
    assert_eq!(asked.status, 303);
    assert_eq!(
        asked.header("location"),
        "/sign-in?next=%2Fqueue%3Forder%3Dnewest"
    );
    let form = open(&app, asked.header("location"), "").await;
    assert!(
        form.html.contains("value=\"/queue?order=newest\""),
        "{}",
        form.html
    );
    let wrong = submit(&app, "/sign-in", "", "key=assay_wrong&next=%2Fqueue").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.html.contains("not in use") && wrong.header("set-cookie").is_empty());
    let away = format!("key={rita}&next=https%3A%2F%2Fevil.example");
    assert_eq!(
        submit(&app, "/sign-in", "", &away).await.header("location"),
        "/"
    );

    let page = submit(&app, "/sign-in", "", &format!("key={rita}&next=%2Fqueue")).await;
    assert_eq!(
        (page.status.as_u16(), page.header("location")),
        (303, "/queue")
    );
    let set = page.header("set-cookie");
    assert!(set.starts_with("__Host-assay=assay_"), "{set}");
    for attribute in [
        "Path=/",
        "Secure",
        "HttpOnly",
        "SameSite=Lax",
        "Max-Age=43200",
    ] {
        assert!(set.split("; ").any(|a| a == attribute), "{set}");
    }
    let (cookie, token) = sign_in(&app, &rita).await;
    let queue = open(&app, "/queue", &cookie).await;
    assert_eq!(queue.status, 200);
    assert!(
        queue.html.contains("&#60;script&#62;alert(1)"),
        "{}",
        queue.html
    );
    assert!(
        queue
            .header("content-security-policy")
            .contains("script-src 'self';")
    );

    let out = submit(&app, "/sign-out", &cookie, &format!("token={token}")).await;
    assert_eq!(out.status, 303);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(open(&app, "/queue", &cookie).await.status, 303);

    // A key that is refused takes its sessions along.
    let (cookie, _) = sign_in(&app, &rita).await;
    assert_eq!(open(&app, "/queue", &cookie).await.status, 200);
    let keys = app.keys.keys(&Actor::local()).await.unwrap();
    let id = &keys.iter().find(|k| k.name == EVIL).unwrap().id;
    app.keys.revoke(&Actor::local(), id).await.unwrap();
    assert_eq!(open(&app, "/queue", &cookie).await.status, 303);
}

#[tokio::test]
async fn each_role_opens_its_pages_and_no_others() {
    let app = TestServer::with_reference().await;
    let id = disputed(&app).await;
    let mut asked = 0;
    for role in Role::ALL {
        let brands: Option<&[&str]> = (role == Role::Brand).then_some(&["acme"]);
        let (cookie, _) = sign_in(&app, &key(&app.keys, role, brands).await).await;
        for (method, path, roles) in pages() {
            let open_to_all = roles.is_empty();
            let path = path.replace("{id}", &id);
            if method != Method::GET || path.contains('{') {
                continue;
            }
            let stranger = open(&app, &path, "").await;
            assert_eq!(
                stranger.header("location").starts_with("/sign-in?next="),
                !open_to_all,
                "{path}"
            );
            let page = open(&app, &path, &cookie).await;
            let allowed = open_to_all || roles.contains(&role.name());
            assert_eq!(page.status == 403, !allowed, "{path} as {}", role.name());
            assert!(
                page.status == 403 || page.status.as_u16() < 400,
                "{path} {}",
                page.html
            );
            asked += 1;
        }
    }
    assert!(asked >= 20, "{asked}");
}

#[tokio::test]
async fn a_form_that_another_site_sends_does_nothing() {
    let app = TestServer::with_reference().await;
    let id = disputed(&app).await;
    let (rita, otto) = (
        named(&app, Role::Admin, "Rita").await,
        named(&app, Role::Admin, "Otto").await,
    );
    let ((cookie, token), (_, others)) = (sign_in(&app, &rita).await, sign_in(&app, &otto).await);
    let forms = pages()
        .into_iter()
        .filter(|(method, path, _)| *method == Method::POST && path != "/sign-in");
    let mut asked = 0;
    for (_, path, _) in forms {
        let path = path.replace("{id}", &id);
        let path = path.replace("{brand}", "acme").replace("{product}", "oat");
        for fields in ["", "token=", &format!("token={others}")] {
            let fields = format!("{fields}&outcome=uphold&reason=x");
            let page = submit(&app, &path, &cookie, &fields).await;
            assert_eq!(page.status, 403, "{path} {fields}");
            assert!(page.html.contains("open the page again"), "{}", page.html);
            asked += 1;
        }
    }
    assert!(asked >= 30, "{asked}");
    // The interface takes a session for reading, and for more only with the token.
    assert_eq!(open(&app, "/v1/brands", &cookie).await.status, 200);
    let claim = |token: &str| {
        let request = request(Method::POST, &format!("/v1/checks/{id}/review/claim"))
            .header(header::COOKIE, &cookie)
            .header("x-form-token", token);
        request.body(Body::empty()).unwrap()
    };
    assert_eq!(visit(&app, claim("")).await.status, 403);
    assert_eq!(visit(&app, claim(&others)).await.status, 403);
    assert_eq!(visit(&app, claim(&token)).await.status, 200);
}

#[tokio::test]
async fn a_reviewer_claims_and_decides_and_every_word_of_others_stays_a_word() {
    let app = TestServer::with_reference().await;
    let id = disputed(&app).await;
    let rita = named(&app, Role::Reviewer, EVIL).await;
    let (cookie, token) = sign_in(&app, &rita).await;
    let path = format!("/reviews/{id}");
    let queue = open(&app, "/queue?search=script", &cookie).await;
    assert!(queue.html.contains(&path) && queue.html.contains("disputed"));
    let page = open(&app, &path, &cookie).await;
    assert_eq!(page.status, 200);
    assert!(
        page.html.matches("&#60;script&#62;alert(1)").count() >= 3,
        "{}",
        page.html
    );
    assert!(page.html.contains("/claim") && !page.html.contains("/decide"));

    let form = format!("token={token}");
    let claimed = submit(&app, &format!("{path}/claim"), &cookie, &form).await;
    assert_eq!(
        (claimed.status.as_u16(), claimed.header("location")),
        (303, &*path)
    );
    let page = open(&app, &path, &cookie).await;
    assert!(page.html.contains("/decide") && page.html.contains("you until"));
    let other = named(&app, Role::Reviewer, "Otto").await;
    let (others, their_token) = sign_in(&app, &other).await;
    let their_form = format!("token={their_token}");
    let taken = submit(&app, &format!("{path}/claim"), &others, &their_form).await;
    assert_eq!(taken.status, 409);
    assert!(
        taken.html.contains("is looked at by &#60;script"),
        "{}",
        taken.html
    );

    let no_reason = format!("{form}&outcome=uphold&reason=");
    let refused = submit(&app, &format!("{path}/decide"), &cookie, &no_reason).await;
    assert_eq!(refused.status, 422);
    let decision =
        format!("{form}&outcome=uphold&reason=%3Cscript%3Ealert(1)%3C%2Fscript%3E%0D%0Aso");
    let decided = submit(&app, &format!("{path}/decide"), &cookie, &decision).await;
    assert_eq!(decided.status, 303, "{}", decided.html);
    let page = open(&app, &path, &others).await;
    assert!(page.html.contains("decide again") && page.html.contains("decided"));
    assert!(page.html.contains("&#60;/script&#62;\nso"), "{}", page.html);
    assert_eq!(open(&app, "/reviews/none", &cookie).await.status, 404);
}

#[tokio::test]
async fn a_brand_opens_its_own_checks_and_learns_nothing_of_the_seller() {
    let app = TestServer::with_reference().await;
    let id = disputed(&app).await;
    let own = key(&app.keys, Role::Brand, Some(&["acme"])).await;
    let other = key(&app.keys, Role::Brand, Some(&["bolt"])).await;
    let (cookie, _) = sign_in(&app, &own).await;
    let page = open(&app, &format!("/reviews/{id}"), &cookie).await;
    assert_eq!(page.status, 200);
    assert!(
        !page.html.contains("alert(1)") && !page.html.contains("Claim"),
        "{}",
        page.html
    );
    let (cookie, _) = sign_in(&app, &other).await;
    let hidden = open(&app, &format!("/reviews/{id}"), &cookie).await;
    let nothing = open(
        &app,
        "/reviews/0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10",
        &cookie,
    )
    .await;
    assert_eq!(
        (hidden.status.as_u16(), nothing.status.as_u16()),
        (404, 404)
    );
}
