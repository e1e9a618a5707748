//! Memory of two workers that run every model at once: `cargo bench --bench memory`, with
//! `-- detector` to find text in whole pictures too. Reads the kernel's own figures, so it needs
//! Linux.

#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::time::Instant;

use assay::{
    domain::{number::level, raster::Raster},
    engine::vision::Vision,
    imaging::{Intake, IntakeLimits},
    inference,
};

const WORKERS: usize = 2;
const ROUNDS: usize = 3;

/// Mebibytes of one line of the process's status.
fn status_mib(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(key));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}

fn picture(width: u32, height: u32) -> Raster {
    Raster::from_fn(width, height, |x, y| {
        let tile = (x / 13 * 7 + y / 11 * 5) % 9;
        [tile * 24, 230 - tile * 20, 60 + tile * 12].map(level)
    })
}

fn work(vision: &mut Vision, detector: bool) -> Result<(), assay::engine::vision::InferenceError> {
    // Several shapes, as scratch memory grows with each new one where it is kept.
    for (width, height) in [(960, 704), (640, 448), (448, 640), (704, 960)] {
        vision.local.extract(&picture(width, height), 1000)?;
    }
    let side = vision.embedder.side();
    vision.embedder.embed(&picture(side, side))?;
    for (width, height) in [(192, 64), (320, 96), (304, 432), (432, 432)] {
        let print = vision.comparator.encode(&picture(width, height))?;
        vision.comparator.compare(&print, &print)?;
    }
    vision
        .text
        .recognise(&[160, 236, 320].map(|width| picture(width, 48)))?;
    if detector {
        vision.text.read(&picture(736, 736))?;
    }
    Ok(())
}

fn main() {
    let detector = std::env::args().any(|argument| argument == "detector");
    let mut workers = Vec::new();
    for number in 1..=WORKERS {
        let start = Instant::now();
        let vision = inference::vision(None, Box::new(Intake::new(IntakeLimits::default())));
        // Kept until the end: what counts is what all of them hold together.
        workers.push(vision.unwrap_or_else(|e| panic!("{e}")));
        println!(
            "worker {number} loaded in {} ms: {:.0} MiB",
            start.elapsed().as_millis(),
            status_mib("VmRSS")
        );
    }
    // At once, for peaks that fall together are what a machine must hold.
    std::thread::scope(|scope| {
        for vision in &mut workers {
            scope.spawn(move || {
                (0..ROUNDS).for_each(|_| work(vision, detector).unwrap_or_else(|e| panic!("{e}")))
            });
        }
    });
    println!(
        "after {ROUNDS} rounds: {:.0} MiB, at the peak {:.0} MiB",
        status_mib("VmRSS"),
        status_mib("VmHWM")
    );
}
