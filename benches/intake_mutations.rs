//! Ten thousand damaged pictures through intake: counts by answer, decoder panics caught, the
//! slowest decode and the most memory held. Run with `cargo bench --bench intake_mutations`;
//! another count may follow after `--`.

#![expect(clippy::print_stdout, reason = "a bench says what it measured")]
#![expect(
    clippy::cast_possible_truncation,
    unreachable_pub,
    reason = "the damage is shared with the tests, and low bytes are drawn on purpose"
)]

#[path = "../tests/support/mutation.rs"]
mod mutation;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use assay::{
    engine::vision::Imaging,
    imaging::{Intake, IntakeLimits},
};
use mutation::{Mutator, originals};

const DEFAULT_COUNT: usize = 10_000;

/// A run without `--bench`, as tests of all targets do, only shows that it works.
const SMOKE_COUNT: usize = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let default = if arguments.iter().any(|a| a == "--bench") {
        DEFAULT_COUNT
    } else {
        SMOKE_COUNT
    };
    let count = arguments
        .iter()
        .find_map(|a| a.parse().ok())
        .unwrap_or(default);

    static PANICS: AtomicUsize = AtomicUsize::new(0);
    // Caught panics are what is counted: the default hook would print a trace for each.
    std::panic::set_hook(Box::new(|info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        eprintln!("caught: {info}");
    }));

    let limits = IntakeLimits::default();
    let mut intake = Intake::new(limits.clone());
    // Another seed than that of the tests, so that both together see more.
    let (originals, mut mutator) = (originals(), Mutator::new(2));
    let mut answers = BTreeMap::<&str, usize>::new();
    let (mut slowest, started) = (Duration::ZERO, Instant::now());
    for _ in 0..count {
        let bytes = mutator.mutated(&originals);
        let start = Instant::now();
        let answer = match intake.decode(&bytes) {
            Ok(photo) => {
                let pixels = u64::from(photo.raster.width()) * u64::from(photo.raster.height());
                // What passes must hold the limits too, whatever its headers said.
                assert!(pixels <= limits.max_pixels && photo.raster.long_side() <= limits.max_side);
                photo.format
            }
            Err(e) => e.kind(),
        };
        slowest = slowest.max(start.elapsed());
        *answers.entry(answer).or_default() += 1;
    }
    println!(
        "{count} damaged pictures in {:.1} s",
        started.elapsed().as_secs_f64()
    );
    answers
        .iter()
        .for_each(|(answer, n)| println!("  {answer:26} {n:6}"));
    println!(
        "  decoder panics caught      {:6}",
        PANICS.load(Ordering::Relaxed)
    );
    println!(
        "slowest {:.0} ms, limit {} ms",
        slowest.as_secs_f64() * 1e3,
        limits.decode_time.as_millis()
    );
    println!(
        "most memory held {}, limit of one decode {} kB",
        peak_memory(),
        limits.memory / 1024
    );
}

/// The process's peak resident memory, where the system tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |l| l.trim().to_owned())
}
