//! One table: our time and memory on the models M1 to M8, and the time of other checkers on the same models.
//!
//! Every run is a process of its own, on one core, measured by GNU time: processor seconds (user and system) and peak
//! memory. Short runs are repeated and averaged. The peers are compiled into this program, SPIN's models by
//! it; compiling is not counted for them, nor starting for us.

mod models;
mod peers;
mod spin;

use models::Row;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Random schedules of a row.
const SCHEDULES: u64 = 300_000;

/// What a run took.
struct Cost {
    seconds: f64,
    peak: f64,
    /// States (schedules, for a checker that keeps none) and transitions, as far as it says.
    states: u64,
    transitions: u64,
    verdict: String,
}

impl Cost {
    /// For rates and ratios: nothing takes no time.
    fn at_least(&self) -> f64 {
        self.seconds.max(0.001)
    }
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
    if let Some(why) = spin::absent() {
        println!("SPIN is left out: {why}.\n");
    }
    println!(
        "| model | items, at once | flowrace | cpu s | goal | verdict | states | states/s | transitions/s | B/state | peak MiB | peers: cpu s (theirs / ours) |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for row in models::ROWS {
        print_row(&ours, &folder, row);
    }
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

fn print_row(ours: &Path, folder: &Path, row: &Row) {
    let file = folder.join(format!("{}.json", row.name));
    std::fs::write(&file, models::json(row).to_string()).expect("a model is written");
    let mut words = row.command.split_whitespace().map(str::to_owned);
    let mut command = vec![ours.display().to_string()];
    command.extend(words.next());
    command.push(file.display().to_string());
    command.extend(words);
    let fuzz = row.command.starts_with("fuzz");
    if fuzz {
        command.extend(["--schedules".into(), SCHEDULES.to_string()]);
    }
    command.extend(["--threads", "1", "--format", "json"].map(str::to_owned));
    let size = format!("{} | {}, {} | {}", row.name, row.items, row.slots, row.command);
    let Some(cost) = repeated(&command, report) else {
        println!("| {size} | failed | | | | | | | | |");
        return;
    };
    let per_second = |n: u64| rate(n as f64 / cost.at_least());
    let each = cost.peak * 1_048_576.0 / cost.states.max(1) as f64;
    let each = if cost.states < 100_000 || fuzz { "".into() } else { format!("{each:.0}") };
    let peers: Vec<String> =
        row.peers.iter().map(|&(name, items)| peer(folder, row, name, items, &cost)).collect();
    println!(
        "| {size} | {} | {} | {} | {} | {} | {} | {each} | {:.0} | {} |",
        digits(cost.seconds),
        goal(row, &cost, fuzz),
        cost.verdict,
        if fuzz { format!("{SCHEDULES} schedules") } else { cost.states.to_string() },
        if fuzz { format!("{} schedules", per_second(SCHEDULES)) } else { per_second(cost.states) },
        per_second(cost.transitions),
        cost.peak,
        peers.join("; ")
    );
}

fn goal(row: &Row, cost: &Cost, fuzz: bool) -> String {
    let Some(goal) = row.goal else { return String::new() };
    let met = |yes: bool| if yes { "met" } else { "missed" };
    if fuzz {
        return format!("{}/s: {}", rate(goal), met(SCHEDULES as f64 / cost.at_least() >= goal));
    }
    format!("{goal}: {}", met(cost.seconds <= goal))
}

fn peer(folder: &Path, row: &Row, name: &str, items: u64, ours: &Cost) -> String {
    let slots = row.slots.min(items);
    let size = if items == row.items { String::new() } else { format!(" at {items} items") };
    let cost = if name == "spin" {
        if spin::absent().is_some() {
            return "spin: not here".into();
        }
        let pan = spin::compile(folder, row.name, items, slots);
        pan.and_then(|pan| {
            repeated(&[pan, "-w22".into(), "-n".into(), "-m1000000".into()], of_spin)
        })
    } else {
        let own = std::env::current_exe().expect("this program").display().to_string();
        repeated(
            &[own, name.into(), row.name.into(), items.to_string(), slots.to_string()],
            of_peer,
        )
    };
    let Some(theirs) = cost else { return format!("{name}{size}: out") };
    let seconds = digits(theirs.seconds);
    if name.starts_with("shuttle") {
        let per_second = rate(theirs.states as f64 / theirs.at_least());
        return format!("{name}{size}: {seconds} s, {per_second} schedules/s");
    }
    let ratio = if size.is_empty() {
        format!(" ({:.1}×)", theirs.at_least() / ours.at_least())
    } else {
        String::new()
    };
    format!("{name}{size}: {seconds} s{ratio}, {} states, {:.0} MiB", theirs.states, theirs.peak)
}

fn digits(seconds: f64) -> String {
    if seconds < 0.1 { format!("{seconds:.4}") } else { format!("{seconds:.2}") }
}

fn rate(n: f64) -> String {
    if n < 1e6 { format!("{:.0} k", n / 1e3) } else { format!("{:.1} M", n / 1e6) }
}

/// What a run reports: states, transitions, verdict.
type Reader = fn(&str) -> Option<(u64, u64, String)>;

fn report(text: &str) -> Option<(u64, u64, String)> {
    let report: Value = serde_json::from_str(text).ok()?;
    let flow = report.pointer("/flows/0")?;
    let count = |key: &str| flow["stats"][key].as_u64().unwrap_or(0);
    let verdict = flow["verdict"].as_str()?.to_owned();
    let reach = if flow["any_number"] == true { " for any number" } else { "" };
    Some((count("states"), count("transitions"), verdict + reach))
}

fn of_peer(text: &str) -> Option<(u64, u64, String)> {
    let report: Value = serde_json::from_str(text).ok()?;
    Some((report["states"].as_u64()?, report["transitions"].as_u64()?, String::new()))
}

fn of_spin(text: &str) -> Option<(u64, u64, String)> {
    spin::counts(text).map(|(states, transitions)| (states, transitions, String::new()))
}

/// What is too short for the clock of GNU time, in hundredths of a second, is run many times.
fn repeated(command: &[String], read: Reader) -> Option<Cost> {
    const TIMES: u32 = 20;
    let first = timed(command, read)?;
    if first.seconds > 0.5 {
        return Some(first);
    }
    let again = format!("for i in $(seq {TIMES}); do \"$@\" >\"$0\"; done; cat \"$0\"");
    let kept = std::env::temp_dir().join(format!("flowrace-benches-{}.out", std::process::id()));
    let shell = ["sh".to_owned(), "-c".into(), again, kept.display().to_string()];
    let all: Vec<String> = shell.iter().chain(command).cloned().collect();
    let cost = timed(&all, read);
    std::fs::remove_file(kept).ok();
    let cost = cost?;
    Some(Cost { seconds: cost.seconds / f64::from(TIMES), ..cost })
}

/// Runs a command under GNU time, for at most two minutes.
fn timed(command: &[String], read: Reader) -> Option<Cost> {
    let output = Command::new("/usr/bin/time")
        .args(["-q", "-f", "%U %S %M", "timeout", "120"])
        .args(command)
        .output()
        .expect("GNU time at /usr/bin/time");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut numbers = error.lines().last()?.split(' ').map(str::parse::<f64>);
    let (user, system, peak) =
        (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    // Our exit status of 1 is a finding.
    if output.status.code().is_none_or(|code| code > 3) {
        return None;
    }
    let (states, transitions, verdict) = read(&String::from_utf8_lossy(&output.stdout))?;
    Some(Cost { seconds: user + system, peak: peak / 1024.0, states, transitions, verdict })
}
