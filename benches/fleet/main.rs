//! How long a scan takes and how much memory, beside what else reads the same objects of the same server: a paged raw list of
//! their kinds, and `kubectl diff --server-side`.
//!
//! `make bench`; with `KUBEWITNESS_BENCH_OBJECTS=1000,10000,50000` at other sizes than 1,000 and 10,000. Each number is the
//! best of several runs, process start included where there is a process; the first run of each is not counted.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

mod harness;
mod measure;
mod objects;
mod server;

use std::time::Duration;

use harness::keys::{self, ALICE};
use measure::{Measured, Scan, best};
use objects::{Fleet, KINDS};
use server::Server;

const SIZES: [usize; 2] = [1_000, 10_000];
/// How many objects `kubectl diff` is given; its time is scaled from there.
const SAMPLE: usize = 200;

fn main() {
    // `cargo bench` adds --bench, which says nothing here.
    let asked = std::env::var("KUBEWITNESS_BENCH_OBJECTS").ok();
    let sizes: Vec<usize> = asked.map_or(SIZES.to_vec(), |sizes| sizes.split(',').map(|size| size.trim().parse().unwrap()).collect());
    let server = Server::start();
    let mut fleet = Fleet::new();
    println!("| objects | what | seconds | × raw list | peak MB | |\n|---|---|---|---|---|---|");
    for size in sizes {
        fleet.grow(size, &server);
        server.wait_until_quiet();
        measure_all(&fleet, &server);
    }
}

fn measure_all(fleet: &Fleet, server: &Server) {
    let runs = if fleet.size() > 20_000 { 2 } else { 4 };
    let raw = (0..runs).map(|_| server.list_raw(&KINDS)).min_by_key(|list| list.took).unwrap();
    let tell = |what: &str, took: Duration, memory: Option<u64>, rest: &str| {
        let times = took.as_secs_f64() / raw.took.as_secs_f64();
        let memory = memory.map_or(String::new(), |bytes| format!("{:.0}", mega(bytes)));
        println!("| {} | {what} | {:.3} | {times:.2} | {memory} | {rest} |", fleet.size(), took.as_secs_f64());
    };
    let rest = format!("{} requests, {:.1} MB, {} objects", raw.requests, mega(raw.bytes), raw.objects);
    tell("raw list", raw.took, None, &rest);

    let of = |scan: &Scan<'_>| best(runs, || scan.run());
    let folder = Scan { server, folder: fleet.folder(), keys: None };
    let compared = of(&folder);
    tell("scan of a plain folder", compared.took, Some(compared.memory), &told(&compared));

    let keys = keys::openpgp_file(&[ALICE.openpgp()]);
    let attributed = Scan { server, folder: fleet.repository(), keys: Some(&keys) };
    let cold = attributed.run();
    tell("scan with attribution, cold", cold.took, Some(cold.memory), &told(&cold));
    let warm = of(&attributed);
    tell("scan with attribution, warm", warm.took, Some(warm.memory), &told(&warm));

    let (took, lines) = fleet.kubectl_diff(SAMPLE, server);
    let scaled = took.mul_f64(fleet.size() as f64 / SAMPLE as f64);
    let rest = format!(
        "{SAMPLE} objects in {:.1} s, scaled; {lines} lines of differences; {:.0} × the scan",
        took.as_secs_f64(),
        scaled.as_secs_f64() / compared.took.as_secs_f64()
    );
    tell("kubectl diff --server-side", scaled, None, &rest);
}

fn told(measured: &Measured) -> String {
    format!(
        "record {:.1} MB, {} evaluated, {} findings, exit {}",
        mega(measured.record_size),
        measured.evaluated,
        measured.findings,
        measured.status
    )
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
