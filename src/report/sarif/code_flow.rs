//! The schedule, twice: as one thread flow in execution order, and as one thread flow for each process.

use super::super::race::{self, Race};
use super::{location, placed, plain};
use crate::finding::show;
use crate::finding::{Finding, FlowReport, TraceStep, Witness, outline};
use serde_json::{Map, Value as Json, json};

/// Longer schedules lose their middle: GitHub keeps 1,000 locations of a result, people far fewer.
const LONGEST: usize = 200;

pub(super) fn code_flows(
    flow: &FlowReport,
    finding: &Finding,
    witness: &Witness,
    root: Option<&str>,
) -> Vec<Json> {
    let race = race::race(finding, witness);
    let at = |(n, step): (usize, &TraceStep)| stop(flow, finding, race, n, step, root);
    let all: Vec<Json> = witness.steps.iter().enumerate().map(at).collect();
    let cut = witness.steps.len() - kept(witness.steps.len()).count();
    let mut whole: Vec<Json> = kept(all.len()).map(|n| all[n].clone()).collect();
    if cut > 0 {
        let mut gap = json!({ "location": location(&finding.location, root) });
        gap["location"]["message"] = json!({ "text": format!("… {cut} steps …") });
        gap["importance"] = json!("unimportant");
        whole.insert(LONGEST / 2, gap);
    }
    let mut flows = vec![json!({
        "message": { "text": "the schedule, all processes in the order in which they ran" },
        "threadFlows": [{ "id": "schedule", "locations": whole }],
    })];
    let processes = race::processes(witness);
    if processes.len() > 1 {
        let thread = |process: &&str| {
            let own = kept(all.len()).filter(|n| witness.steps[*n].process == *process);
            let own: Vec<Json> = own.map(|n| all[n].clone()).collect();
            json!({ "id": process, "message": { "text": plain(process) }, "locations": own })
        };
        let threads: Vec<Json> = processes.iter().map(thread).collect();
        let threads: Vec<Json> = threads
            .into_iter()
            .filter(|t| t["locations"].as_array().is_some_and(|l| !l.is_empty()))
            .collect();
        flows.push(json!({
            "message": { "text": "the same schedule, one thread for each process" },
            "threadFlows": threads,
        }));
    }
    flows
}

/// The positions that are shown.
fn kept(steps: usize) -> impl Iterator<Item = usize> {
    let half = LONGEST / 2;
    (0..steps).filter(move |n| steps <= LONGEST || *n < half || *n >= steps - half)
}

fn stop(
    flow: &FlowReport,
    finding: &Finding,
    race: Race,
    n: usize,
    step: &TraceStep,
    root: Option<&str>,
) -> Json {
    let own = outline::named(&flow.outline, &step.action);
    let designer = own.map_or_else(String::new, |own| outline::path(&flow.outline, own));
    let mut location = placed(own.map_or(&finding.location, |own| &own.at), &designer, root);
    let said = format!("{} · {} {}", step.process, step.action, race::effect(step));
    location["message"] = json!({ "text": plain(said.trim_end()) });
    let state: Map<String, Json> = step
        .cells
        .iter()
        .map(|(cell, value)| (cell.clone(), json!({ "text": plain(&show::text(value)) })))
        .collect();
    let importance = if race.has(n) { "essential" } else { "important" };
    json!({
        "location": location,
        "executionOrder": n + 1,
        "importance": importance,
        "state": state,
    })
}
