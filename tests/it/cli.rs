//! The program as a person or script meets it: arguments in, text and exit code out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use assay::contract::answer::CheckAnswer;
use tempfile::TempDir;

/// The program in an empty folder of its own, free of the caller's settings.
fn assay(folder: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command
        .current_dir(folder)
        .args(args)
        // Set for the tests, not for a person.
        .env_remove("ORT_DISABLE_TELEMETRY")
        .env_remove("RUST_LOG");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ASSAY_")) {
        command.env_remove(name);
    }
    command
}

fn run(folder: &TempDir, args: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = assay(folder, args).output().unwrap();
    (
        status.code().unwrap(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

#[test]
fn without_arguments_it_prints_help() {
    let folder = TempDir::new().unwrap();
    let (code, out, err) = run(&folder, &[]);
    assert_eq!((code, out.as_str()), (2, ""));
    for command in ["demo", "enroll", "check", "serve", "Exit codes: 0"] {
        assert!(err.contains(command), "no `{command}` in:\n{err}");
    }
}

#[test]
fn every_command_teaches_by_its_help() {
    let folder = TempDir::new().unwrap();
    for (command, word) in [
        ("enroll", "brand,product,image,name,kind,text,x0,y0,x1,y1"),
        ("check", "Reading the answer:"),
        ("serve", "TLS"),
        ("key", "assay key create --role brand:acme"),
        ("serve", "loopback"),
        ("audit", "assay audit log --about brand/acme"),
        ("hold", "assay hold --release"),
        ("erase", "assay erase --seller shop-17"),
        ("serve", "--keep-cleared-photos"),
        ("evidence", "--out bundle.zip"),
        ("verify", "--public-key operator.pub"),
        ("statement", "--statements words --language de"),
        ("backup", "assay backup assay-2026-11-28.tar"),
        ("restore", "--into restored"),
        ("eval", "--self-test <BRAND>"),
        ("demo", "Exit codes: 0"),
    ] {
        let (code, out, _) = run(&folder, &[command, "--help"]);
        assert_eq!(code, 0);
        assert!(
            out.contains(word),
            "no `{word}` in the help of {command}:\n{out}"
        );
    }
}

#[test]
fn errors_name_the_place_and_the_remedy() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("flat")).unwrap();
    fs::write(folder.path().join("flat/a.jpg"), "x").unwrap();
    fs::write(folder.path().join("photo.jpg"), "x").unwrap();
    fs::write(folder.path().join("bad.csv"), "brand,path\nacme,a.jpg\n").unwrap();
    let cases: [(&[&str], &str); 15] = [
        (&["check", "nope.jpg"], "photo `nope.jpg` cannot be read"),
        (&["check", "photo.jpg", "--product", "oat"], "--brand"),
        (&["check"], "<PHOTO>"),
        (&["enroll", "nope"], "`nope` cannot be read"),
        (
            &["enroll", "flat"],
            "hint: lay the files out as BRAND/PRODUCT/*.jpg",
        ),
        (
            &["enroll", "photo.jpg"],
            "hint: give the folder that holds BRAND/PRODUCT/*.jpg",
        ),
        (
            &["enroll", "bad.csv"],
            "`bad.csv:1`: no column `product`; this line names `brand`, `path`, separated by `,`",
        ),
        (
            &[&["check"][..], &["photo.jpg"; 13]].concat(),
            "13 photos were given; a check takes at most 12",
        ),
        (
            &["check", "photo.jpg", "--data", "bad.csv"],
            "cannot use the data directory `bad.csv`, which --data names",
        ),
        (
            &["eval", "--self-test", "acme", "--rows", "x.csv"],
            "--rows",
        ),
        (&["eval", "--product", "oat"], "--self-test"),
        (&["eval", ".", "--listings", "5,13"], "from 1 to 12"),
        (&["eval", ".", "--fitting"], "--rows"),
        (&["eval", ".", "--calibration", "ours"], "own, shipped"),
        (
            &["demo", "--samples", "nope"],
            "hint: --samples names the folder",
        ),
    ];
    for (args, wanted) in cases {
        let (code, out, err) = run(&folder, args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(
            err.starts_with("error: ") && err.contains(wanted),
            "{args:?}: {err}"
        );
    }
    assert!(
        !folder.path().join("assay-data").exists(),
        "a mistake in the arguments must leave nothing behind"
    );
}

#[test]
fn missing_models_are_an_error_with_a_remedy() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("photo.jpg"), "x").unwrap();
    let (code, out, err) = run(&folder, &["check", "photo.jpg", "--models", "empty"]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(
        err.contains("error: ") && err.contains("hint: ") && err.contains("--models"),
        "{err}"
    );
}

#[test]
fn a_self_test_without_anything_to_edit_says_so() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("brands/acme/oat")).unwrap();
    fs::write(
        folder.path().join("brands/acme/oat/pack.jpg"),
        b"\xff\xd8\xff\xe0 cut off",
    )
    .unwrap();
    assert_eq!(
        run(&folder, &["enroll", "brands"]).0,
        2,
        "the brand is there, its only picture is not"
    );
    let cases: [(&[&str], &str); 3] = [
        (&["acme"], "brand `acme` has no reference"),
        (
            &["acme", "--product", "rice"],
            "brand `acme` has no such product",
        ),
        (&["nobody"], "brand `nobody` does not exist"),
    ];
    for (args, wanted) in cases {
        let (code, out, err) = run(&folder, &[&["eval", "--self-test"][..], args].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(
            err.contains(wanted) && err.contains("hint: "),
            "{args:?}: {err}"
        );
    }
}

/// The samples' look-alikes, siblings and genuine photos, through the program as a person uses it.
#[test]
fn references_are_enrolled_and_photos_checked() {
    let folder = TempDir::new().unwrap();
    let samples = samples();
    let brands = folder.path().join("brands");
    for product in ["halmora/oat-drink-original", "quillmere/earl-grey-20"] {
        fs::create_dir_all(brands.join(product)).unwrap();
        let from = samples.join("brands").join(product).join("pack.jpg");
        fs::copy(from, brands.join(product).join("pack.jpg")).unwrap();
    }
    fs::write(
        brands.join("quillmere/earl-grey-20/damaged.jpg"),
        b"\xff\xd8\xff\xe0 cut off",
    )
    .unwrap();

    let (code, out, err) = run(
        &folder,
        &[
            "enroll",
            "brands",
            "--marks",
            samples.join("marks.csv").to_str().unwrap(),
        ],
    );
    assert_eq!(code, 2, "a refused file is an error: {out}{err}");
    assert!(out.contains("halmora / oat-drink-original"), "{out}");
    assert!(
        out.contains("refused `brands/quillmere/earl-grey-20/damaged.jpg`"),
        "{out}"
    );
    assert!(out.contains("2 references added, 0 already there"), "{out}");

    fs::remove_file(brands.join("quillmere/earl-grey-20/damaged.jpg")).unwrap();
    let (code, out, err) = run(&folder, &["enroll", "brands", "--json"]);
    assert_eq!(code, 0, "{out}{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&report["added"], &report["already_there"]),
        (&0.into(), &2.into()),
        "{report}"
    );

    let photo = |name: &str| {
        samples
            .join("photos")
            .join(name)
            .to_str()
            .unwrap()
            .to_owned()
    };
    let claim = ["--brand", "halmora", "--product", "oat-drink-original"];
    let genuine = photo("genuine-oat-kitchen.jpg");
    let (code, out, err) = run(&folder, &[&["check", &genuine][..], &claim].concat());
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("consistent") && out.contains("similarity") && out.contains("wordmark"),
        "{out}"
    );

    let empty = photo("empty-desk.jpg");
    let args = [
        &["check", &genuine, &empty, "--json", "--evidence", "why.png"][..],
        &claim,
    ]
    .concat();
    let (code, out, err) = run(&folder, &args);
    let answer: CheckAnswer =
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
    let verdicts: Vec<_> = answer.photos.iter().map(|p| p.verdict.name()).collect();
    assert!(
        verdicts.len() == 2 && verdicts[0] == "consistent" && verdicts[1] != "consistent",
        "{verdicts:?}"
    );
    assert_eq!(code, i32::from(answer.verdict.name() != "consistent"));
    for name in ["why-1.png", "why-2.png"] {
        assert!(
            fs::read(folder.path().join(name))
                .unwrap()
                .starts_with(b"\x89PNG"),
            "{name}"
        );
    }

    let mut child = assay(&folder, &["check", &genuine])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(
        child.wait().unwrap().success(),
        "a reader that goes away is no error"
    );
}

#[cfg(unix)]
#[test]
fn the_server_says_where_it_listens_and_stops_on_a_signal() {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::TcpStream,
    };

    let folder = TempDir::new().unwrap();
    let mut child = assay(&folder, &["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.strip_prefix("assay listens on http://").unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    connection
        .write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_server_with_a_certificate_says_https_and_one_with_a_wrong_key_does_not_start() {
    use std::io::{BufRead, BufReader};

    let folder = TempDir::new().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls");
    let cert = fixtures.join("first.pem");
    let serve = |key: &str| {
        let mut command = assay(&folder, &["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--tls-cert").arg(&cert);
        command.env("ASSAY_TLS_KEY", fixtures.join(key));
        command
    };
    let refused = serve("second.key").output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    for word in ["--tls-cert", "first.pem", "second.key", "not belong"] {
        assert!(told.contains(word), "no `{word}` in:\n{told}");
    }
    let mut child = serve("first.key")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(first.starts_with("assay listens on https://127"), "{first}");
}

#[test]
fn the_readme_and_the_gate_run_the_same_two_commands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = readme();
    let gate = fs::read_to_string(root.join(".ci/run")).unwrap();
    for command in ["cargo test", "cargo run --release -- demo"] {
        assert!(
            readme.lines().any(|line| line == command),
            "README.md does not show `{command}` on a line of its own"
        );
        assert!(
            gate.lines()
                .any(|line| line == format!("newcomer {command}")),
            ".ci/run does not run `{command}`"
        );
    }
}
