//! The program as a process of its own, serving.

use std::{
    io::{BufRead, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use reqwest::{
    Client,
    header::{AUTHORIZATION, HeaderMap},
};

/// Makes clients of HTTP work that can speak TLS, as all can with the feature `cluster`: they bring
/// no cryptography of their own.
pub fn install_cryptography() {
    // Another test may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client that sends the administrator's key that the first start left in one of these folders.
pub fn client(data: &[&Path]) -> Client {
    let keys = data.iter().map(|data| data.join("admin.key"));
    let key = keys
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .next();
    let key = key.expect("one of them made a key");
    let bearer = format!("Bearer {}", key.trim()).parse().unwrap();
    let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
    install_cryptography();
    // Without connections that outlive a server.
    let client = Client::builder().pool_max_idle_per_host(0);
    client.default_headers(headers).build().unwrap()
}

/// Runs the program in a folder, free of the caller's settings and without a terminal: its exit code, and
/// what it wrote to stdout and stderr.
pub fn run(args: &[&str], place: &Path) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(args).current_dir(place);
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ASSAY_")) {
        command.env_remove(name);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A server in a process of its own.
pub struct Server {
    process: Child,
    /// Its address, as `http://127.0.0.1:1234`.
    pub base: String,
    /// Kept open: who writes to nobody may stop.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// Starts the program over a data folder, with settings by environment variables; returns once it
    /// answers.
    pub fn start(data: &Path, settings: &[(&str, String)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_assay"))
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--workers",
                "2",
                "--data",
            ])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = lines.next().expect("it starts").unwrap();
        let address = first.strip_prefix("assay listens on ").unwrap();
        Self {
            base: address.to_owned(),
            process,
            _output: lines,
        }
    }

    /// Ends it as a power failure would.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Here, so that a test that failed leaves none behind either.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
