//! The programs that a saved schedule can be meant for: the flow as a whole, or its slices (`sliced.rs`).

use super::capacity;
use crate::definition::ast::{Definition, Platform};
use crate::definition::problem::Problem;
use crate::finding::witness_file::WitnessFile;
use crate::model::fault::Fault;
use crate::model::identity::Alias;
use crate::platform::lower::{Lowered, lower, outline};
use crate::platform::scenario::{Redelivery, Scenario};
use crate::platform::slice::{Meeting, contested, slice};
use std::collections::BTreeSet;

/// Programs to try, and the names of all actions of the flow.
pub(super) struct Scenes {
    pub(super) programs: Vec<Lowered>,
    pub(super) names: BTreeSet<String>,
}

/// As the search saw it first; then with every access a step of its own, for what the search took as one or no longer
/// does.
pub(super) fn scenes(file: &WitnessFile, definition: &Definition) -> Result<Scenes, Vec<Problem>> {
    let whole = scenario(file, definition);
    let plain = |s: &Scenario| Scenario { merge: false, ..s.clone() };
    if !definition.setup.state.is_empty() {
        let programs = vec![lower(definition, &whole)?, lower(definition, &plain(&whole))?];
        let names = names(&programs[0]);
        return Ok(Scenes { programs, names });
    }
    let full = outline(definition, &Scenario { runs: Some(1), ..whole.clone() })?;
    let across = file.across == "runs";
    let meeting = if across { Meeting::Across } else { Meeting::Within };
    let (runs, rounds, items) = if across { (2, 2, 1) } else { (1, 3, 3) };
    let items = file.options.items.unwrap_or(items);
    let part = Scenario {
        runs: Some(file.options.runs.filter(|_| across).unwrap_or(runs)),
        unknown_items: items,
        most: Some(items),
        rounds: Some(rounds),
        ..whole
    };
    let mut cells = contested(&full.program, meeting);
    let named = |r: &_| file.cell.starts_with(&*full.program.resource(*r).name);
    cells.sort_by_key(|r| !named(r));
    let mut programs = Vec::new();
    for cell in cells {
        let slice = slice(definition, &full.program, cell, None);
        programs.push(lower(&slice, &part)?);
        programs.push(lower(&slice, &plain(&part))?);
        if part.alias == Alias::Keys {
            let same = Scenario { alias: Alias::Same, ..part.clone() };
            programs.push(lower(&slice, &same)?);
            programs.push(lower(&slice, &plain(&same))?);
        }
        if let Some(rows) = capacity::rows(&full.program, items) {
            programs.push(lower(&slice, &Scenario { rows: Some(rows), ..part.clone() })?);
        }
    }
    // A fault needs nobody else: then the flow is one run by itself.
    if part.faults > 0 {
        let alone =
            Scenario { runs: Some(1), unknown_items: 1, most: Some(1), rounds: Some(2), ..part };
        programs.push(lower(definition, &alone)?);
    }
    Ok(Scenes { programs, names: names(&full) })
}

fn names(lowered: &Lowered) -> BTreeSet<String> {
    lowered.program.nodes.iter().filter(|n| n.written).map(|n| n.name.to_string()).collect()
}

fn scenario(file: &WitnessFile, definition: &Definition) -> Scenario {
    let options = &file.options;
    let pin = |id: &str| definition.setup.assume.get(id).map(String::as_str);
    let budget = options.faults.or(definition.setup.faults).unwrap_or(0);
    // A schedule with faults needs them, whatever the flow allows now.
    let faults: Vec<Fault> =
        file.steps.iter().filter_map(|s| s.fault).filter(|f| !f.is_free()).collect();
    let (struck, again) = (faults.len(), faults.contains(&Fault::Redelivered));
    let alone =
        faults.iter().all(|f| *f == Fault::Redelivered) && definition.setup.state.is_empty();
    let redelivery = match (again, alone) {
        (false, _) => Redelivery::of(&definition.setup.assume),
        (true, false) => Redelivery::Too,
        (true, true) => Redelivery::Only,
    };
    let platform = options.platform.or(definition.platform).unwrap_or(Platform::PowerAutomate);
    Scenario {
        all_items: options.items,
        loop_items: options.loop_items.clone(),
        degree: options.degree,
        runs: options.runs,
        alias: if options.alias { Alias::Keys } else { Alias::Apart },
        torn: options.torn || pin("variable-actions") == Some("torn"),
        faults: u32::try_from(budget.max(struck as u64)).unwrap_or(u32::MAX),
        redelivery,
        cancellable: pin("run-cancellation") == Some("on"),
        late: Scenario::late(&definition.setup.assume),
        ..Scenario::new(platform)
    }
}
