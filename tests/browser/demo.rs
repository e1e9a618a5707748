//! The program as `assay demo --serve` leaves it: real models, the samples' checks, one dispute.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tempfile::TempDir;

/// A server of its own over the samples.
pub(crate) struct Demo {
    process: Child,
    /// Its address, as `http://127.0.0.1:1234`.
    pub(crate) base: String,
    /// Signs in as its reviewer.
    pub(crate) link: String,
    data: TempDir,
}

impl Demo {
    /// The one that other tests use at the same time: it takes a while to start.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Demo>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let demo = Arc::new(Self::start());
            *shared = Arc::downgrade(&demo);
            demo
        })
    }

    fn start() -> Self {
        let data = TempDir::new().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(["demo", "--serve", "--listen", "127.0.0.1:0", "--keep"])
            .arg(data.path().join("data"))
            .arg("--out")
            .arg(data.path().join("evidence"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let link = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix("sign in as a reviewer: ")?.to_owned()))
            .expect("the demo prints a link");
        // Read on: who writes to nobody stops.
        std::thread::spawn(move || lines.count());
        let base = link.split("/sign-in").next().unwrap().to_owned();
        Self {
            process,
            base,
            link,
            data,
        }
    }

    /// A new key.
    pub(crate) fn key(&self, role: &str, name: &str) -> String {
        let made = Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(["key", "create", "--role", role, "--name", name, "--data"])
            .arg(self.data.path().join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    /// An address that signs in with a key and goes on to a page.
    pub(crate) fn sign_in(&self, key: &str, page: &str) -> String {
        format!(
            "{}/sign-in?next={}#{key}",
            self.base,
            page.replace('/', "%2F")
        )
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
