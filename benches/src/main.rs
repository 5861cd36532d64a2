//! One table: our time and memory on the models M1 to M8, and the time of other checkers on the same models.
//!
//! Every run is a process of its own, on one core, measured by GNU time: processor seconds (user and system) and peak
//! memory. The peers are compiled into this program; compiling is not counted for them, nor starting for us.

mod models;
mod peers;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a run took.
struct Cost {
    seconds: f64,
    peak: f64,
    /// States (schedules, for a checker that keeps none) and transitions, as far as it says.
    states: u64,
    transitions: u64,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [peer, model, items, slots] = args.as_slice() {
        let number = |text: &str| text.parse().expect("a number");
        return peers::run(peer, model, number(items), number(slots));
    }
    let ours = args.first().map_or_else(|| PathBuf::from("target/release/flowrace"), PathBuf::from);
    assert!(ours.exists(), "{} is not built; give the path of the binary", ours.display());
    let folder = std::env::temp_dir().join(format!("flowrace-benches-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the models");
    println!("| model | items, at once | flags | cpu s | states | states/s | transitions/s | B/state | peak MiB | peers: cpu s (theirs / ours) |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for row in models::ROWS {
        print_row(&ours, &folder, row);
    }
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

fn print_row(ours: &Path, folder: &Path, row: &models::Row) {
    let file = folder.join(format!("{}.json", row.name));
    std::fs::write(&file, models::json(row).to_string()).expect("a model is written");
    let mut command = vec![ours.display().to_string(), "check".into(), file.display().to_string()];
    command.extend(row.flags.split_whitespace().map(str::to_owned));
    command.extend(["--threads", "1", "--format", "json"].map(str::to_owned));
    let Some(cost) = timed(&command) else {
        println!("| {} | {}, {} | {} | failed | | | | | | |", row.name, row.items, row.slots, row.flags);
        return;
    };
    let per_second = |n: u64| rate(n as f64 / cost.seconds.max(0.005));
    let each = cost.peak * 1_048_576.0 / cost.states.max(1) as f64;
    let each = if cost.states < 100_000 { "".into() } else { format!("{each:.0}") };
    let own = std::env::current_exe().expect("this program").display().to_string();
    let peers: Vec<String> = row
        .peers
        .iter()
        .map(|&(peer, items)| {
            let slots = row.slots.min(items);
            let run = [own.clone(), peer.into(), row.name.into(), items.to_string(), slots.to_string()];
            let size = if items == row.items { String::new() } else { format!(" at {items} items") };
            match timed(&run) {
                None => format!("{peer}{size}: out"),
                Some(theirs) if peer.starts_with("shuttle") => format!(
                    "{peer}{size}: {:.2} s, {} schedules/s",
                    theirs.seconds,
                    rate(theirs.states as f64 / theirs.seconds.max(0.005))
                ),
                Some(theirs) => format!(
                    "{peer}{size}: {:.2} s ({:.1}×), {} states",
                    theirs.seconds,
                    theirs.seconds / cost.seconds.max(0.005),
                    theirs.states
                ),
            }
        })
        .collect();
    println!(
        "| {} | {}, {} | {} | {:.2} | {} | {} | {} | {each} | {:.0} | {} |",
        row.name,
        row.items,
        row.slots,
        row.flags,
        cost.seconds,
        cost.states,
        per_second(cost.states),
        per_second(cost.transitions),
        cost.peak,
        peers.join("; ")
    );
}

fn rate(n: f64) -> String {
    if n < 1e6 { format!("{:.0} k", n / 1e3) } else { format!("{:.1} M", n / 1e6) }
}

/// Runs a command under GNU time, for at most two minutes.
fn timed(command: &[String]) -> Option<Cost> {
    let output = Command::new("/usr/bin/time")
        .args(["-q", "-f", "%U %S %M", "timeout", "120"])
        .args(command)
        .output()
        .expect("GNU time at /usr/bin/time");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut numbers = error.lines().last()?.split(' ').map(str::parse::<f64>);
    let (user, system, peak) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    // Our exit status of 1 is a finding.
    if output.status.code().is_none_or(|code| code > 3) {
        return None;
    }
    let report: Value = serde_json::from_slice(&output.stdout).ok()?;
    let stats = report.pointer("/flows/0/stats").unwrap_or(&report);
    let count = |key: &str| stats[key].as_u64().unwrap_or(0);
    Some(Cost {
        seconds: user + system,
        peak: peak / 1024.0,
        states: count("states"),
        transitions: count("transitions"),
    })
}
