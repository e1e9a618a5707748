//! A browser, driven by the protocol that all of them speak (W3C WebDriver).

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::{Client, Method};
use serde_json::{Value, json};

/// How long a page may take until what a test waits for is there.
const PATIENCE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(100);
/// What the protocol calls an element's id by.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A client of HTTP. With other features at work it needs a cryptography of its own, which nothing else
/// installs here.
pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

/// A window of a headless Chromium of its own.
pub(crate) struct Browser {
    driver: Child,
    client: Client,
    session: String,
}

impl Browser {
    /// Opens a window of that width and height in pixels.
    pub(crate) async fn open(width: u32, height: u32) -> Self {
        let port = free_port();
        // A group of its own, so that the browser goes with its driver.
        let mut command = Command::new("chromedriver");
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let driver = command
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: apt-get install chromium chromium-driver");
        let mut browser = Self {
            driver,
            client: client(),
            session: format!("http://127.0.0.1:{port}"),
        };
        browser.answers().await;
        let arguments = [
            "--headless=new",
            // Tests run as root in containers, where the sandbox cannot be set up.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            &format!("--window-size={width},{height}"),
        ];
        let options = json!({
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let wanted = json!({"capabilities": {"alwaysMatch": options}});
        let made = browser.ask(Method::POST, "/session", wanted).await;
        let id = made["sessionId"].as_str().expect("a session");
        browser.session = format!("{}/session/{id}", browser.session);
        browser.show_as(width, height, "light").await;
        browser
    }

    /// Waits until the driver listens.
    async fn answers(&self) {
        let url = format!("{}/status", self.session);
        let mut waited = Duration::ZERO;
        while self.client.get(&url).send().await.is_err() {
            assert!(waited < PATIENCE, "chromedriver does not answer");
            pause().await;
            waited += STEP;
        }
    }

    async fn try_ask(&self, method: Method, path: &str, body: Value) -> Result<Value, Value> {
        let request = self
            .client
            .request(method.clone(), format!("{}{path}", self.session));
        let request = match method {
            Method::POST => request.json(&body),
            _ => request,
        };
        let response = request.send().await.expect("the driver answers");
        let failed = !response.status().is_success();
        let mut answer: Value = response.json().await.expect("JSON");
        let value = answer["value"].take();
        if failed { Err(value) } else { Ok(value) }
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.try_ask(method, path, body).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Goes to an address and waits for its page.
    pub(crate) async fn go(&self, url: &str) {
        self.ask(Method::POST, "/url", json!({"url": url})).await;
    }

    /// The address of the page.
    pub(crate) async fn url(&self) -> String {
        let url = self.ask(Method::GET, "/url", Value::Null).await;
        url.as_str().unwrap().to_owned()
    }

    /// Runs a script in the page; what it returns.
    pub(crate) async fn run(&self, script: &str, arguments: Value) -> Value {
        let body = json!({"script": script, "args": arguments});
        self.ask(Method::POST, "/execute/sync", body).await
    }

    /// Runs a script in the page that calls its last argument when it is done; what it calls it with.
    pub(crate) async fn run_async(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        self.ask(Method::POST, "/execute/async", body).await
    }

    /// Id of the first element that a CSS selector finds; waits for it.
    async fn element(&self, css: &str) -> String {
        let by = json!({"using": "css selector", "value": css});
        let mut waited = Duration::ZERO;
        loop {
            match self.try_ask(Method::POST, "/element", by.clone()).await {
                Ok(found) => return found[ELEMENT].as_str().unwrap().to_owned(),
                Err(error) if waited >= PATIENCE => panic!("no `{css}`: {error}"),
                Err(_) => {
                    pause().await;
                    waited += STEP;
                }
            }
        }
    }

    /// How many elements a CSS selector finds now.
    pub(crate) async fn count(&self, css: &str) -> u64 {
        let found = "return document.querySelectorAll(arguments[0]).length";
        self.run(found, json!([css])).await.as_u64().unwrap()
    }

    /// The text of an element as it is shown.
    pub(crate) async fn text(&self, css: &str) -> String {
        // Another page may come between finding an element and reading it.
        for _ in 0..5 {
            let id = self.element(css).await;
            let path = format!("/element/{id}/text");
            match self.try_ask(Method::GET, &path, Value::Null).await {
                Ok(text) => return text.as_str().unwrap().to_owned(),
                Err(error) if error["error"] == "stale element reference" => {}
                Err(error) => panic!("{css}: {error}"),
            }
        }
        panic!("{css} is another element each time")
    }

    /// Clicks an element as a mouse would: something that covers it gets in the way.
    pub(crate) async fn click(&self, css: &str) {
        let id = self.element(css).await;
        self.ask(Method::POST, &format!("/element/{id}/click"), json!({}))
            .await;
    }

    /// Types into an element.
    pub(crate) async fn type_into(&self, css: &str, text: &str) {
        let id = self.element(css).await;
        let path = format!("/element/{id}/value");
        self.ask(Method::POST, &path, json!({"text": text})).await;
    }

    /// Presses keys wherever the page has its focus.
    pub(crate) async fn press(&self, keys: &str) {
        let each = keys.chars().flat_map(|key| {
            let key = key.to_string();
            [
                json!({"type": "keyDown", "value": key}),
                json!({"type": "keyUp", "value": key}),
            ]
        });
        let each: Vec<_> = each.collect();
        self.act(each).await;
    }

    /// Presses a key while another is held.
    pub(crate) async fn press_with(&self, held: char, key: char) {
        let (held, key) = (held.to_string(), key.to_string());
        self.act(vec![
            json!({"type": "keyDown", "value": held}),
            json!({"type": "keyDown", "value": key}),
            json!({"type": "keyUp", "value": key}),
            json!({"type": "keyUp", "value": held}),
        ])
        .await;
    }

    async fn act(&self, actions: Vec<Value>) {
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.ask(Method::POST, "/actions", json!({"actions": [keyboard]}))
            .await;
    }

    /// Waits until a script's value is true.
    pub(crate) async fn until(&self, script: &str) {
        let mut waited = Duration::ZERO;
        while self.run(&format!("return ({script})"), json!([])).await != true {
            assert!(waited < PATIENCE, "never: {script}\n{}", self.url().await);
            pause().await;
            waited += STEP;
        }
    }

    /// The window's size, and `light` or `dark`, as the reader's system would ask for it.
    pub(crate) async fn show_as(&self, width: u32, height: u32, scheme: &str) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        let command = |cmd: &str, params: Value| json!({"cmd": cmd, "params": params});
        let path = "/goog/cdp/execute";
        let sized = command("Emulation.setDeviceMetricsOverride", size);
        self.ask(Method::POST, path, sized).await;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        let themed = command("Emulation.setEmulatedMedia", features);
        self.ask(Method::POST, path, themed).await;
    }

    /// What the browser complained about since it was asked last: scripts and styles that the policy
    /// refused, errors of scripts. That an answer was an error is none of these.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self
            .ask(Method::POST, "/se/log", json!({"type": "browser"}))
            .await;
        let lines = log.as_array().unwrap().iter();
        let lines = lines.filter(|line| line["source"] != "network");
        lines
            .map(|line| line["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Whether a dialog is open, as `alert` opens one.
    pub(crate) async fn has_dialog(&self) -> bool {
        self.try_ask(Method::GET, "/alert/text", Value::Null)
            .await
            .is_ok()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The whole group: killed alone, the driver would leave its browser behind.
        let group = format!("-{}", self.driver.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.driver.wait();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a browser is asked again and again until it is ready"
)]
async fn pause() {
    tokio::time::sleep(STEP).await;
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
