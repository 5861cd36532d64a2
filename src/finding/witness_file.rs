//! Witness files: a finding's schedule as a small JSON document that survives edits of the flow. One step a line, so
//! that a review shows what changed.

use super::{Finding, FlowReport, Witness};
use crate::definition::ast::Platform;
use crate::explore::limits::Config;
use crate::model::fault::Fault;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The version of the format that is written, and the newest that is read.
pub const VERSION: u64 = 1;
/// A schedule kept by names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WitnessFile {
    /// Where the flow stands, as seen from the witness file.
    pub flow: String,
    /// The flow's name.
    pub name: String,
    /// Rule id.
    pub rule: String,
    /// The contested cell.
    pub cell: String,
    /// The actions that race.
    pub actions: Vec<String>,
    /// Whose processes met; empty if that is not known.
    pub across: String,
    /// The sentence.
    pub message: String,
    /// What the check was asked for beyond what the flow says.
    pub options: Options,
    /// Conditions that nobody knows, and what they were taken to be.
    pub answers: BTreeMap<String, bool>,
    /// In order.
    pub steps: Vec<FileStep>,
}

/// What the check was asked for beyond what the flow says; `None`: as the flow says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Items of every loop not named.
    pub items: Option<u64>,
    /// Items by loop.
    pub loop_items: BTreeMap<String, u64>,
    /// Concurrency of every concurrent loop.
    pub degree: Option<u64>,
    /// Overlapping runs.
    pub runs: Option<u64>,
    /// Fault budget.
    pub faults: Option<u64>,
    /// Where it runs.
    pub platform: Option<Platform>,
    /// Variable actions taken apart into load and store.
    pub torn: bool,
    /// Two items of a loop may have the same key.
    pub alias: bool,
}

/// One step by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileStep {
    /// `order[1]`.
    pub process: String,
    /// `Get_item`.
    pub action: String,
    /// What goes wrong with the call.
    pub fault: Option<Fault>,
    /// What it did when the file was written, for people.
    pub note: String,
    /// Earlier steps of other processes that must stay before it.
    pub after: Vec<usize>,
}

pub(super) const TORN: (&str, &str) = ("variable-actions", "torn");
pub(super) const ALIAS: (&str, &str) = ("shared-key", "possible");
pub(super) const PLATFORMS: [(&str, Platform); 2] =
    [("power-automate", Platform::PowerAutomate), ("logic-apps", Platform::LogicApps)];

impl WitnessFile {
    /// The file of a finding; `None` if it has no schedule.
    pub fn of(
        report: &FlowReport,
        finding: &Finding,
        config: &Config,
        flow: String,
    ) -> Option<Self> {
        let witness = finding.witness.as_ref()?;
        let rests = |on: &str| finding.assumptions.iter().any(|a| a == on);
        let options = Options {
            items: config.items,
            loop_items: config.loop_items.clone(),
            degree: config.degree,
            runs: config.runs,
            faults: config.faults,
            platform: PLATFORMS
                .iter()
                .find(|(name, _)| *name == report.platform)
                .filter(|_| config.platform.or(config.platform_unsaid).is_some())
                .map(|(_, platform)| *platform),
            torn: rests(TORN.0) || config.assume.get(TORN.0).is_some_and(|how| how == TORN.1),
            alias: rests("shared-key"),
        };
        Some(Self {
            flow,
            name: report.flow.clone(),
            rule: finding.rule.to_owned(),
            cell: finding.cell.clone(),
            actions: finding.actions.clone(),
            across: finding.across.map_or(String::new(), |a| a.id().to_owned()),
            message: finding.message.clone(),
            options,
            answers: witness.schedule.answers.clone(),
            steps: steps(witness),
        })
    }

    /// `racy-lost-update-0123abcd.json`: the same for the same finding of the same flow.
    pub fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let stem = self.flow.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
        let stem: String = stem.chars().take(40).map(plain).collect();
        let key = [&self.flow, &self.name, &self.rule, &self.cell, &self.actions.join("\n")];
        // FNV-1a (Fowler, Noll and Vo 1991), 32 bits.
        let hash = key
            .iter()
            .flat_map(|part| part.bytes().chain([0]))
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        format!("{}-{}-{hash:08x}.json", stem.trim_matches('-'), self.rule)
    }

    /// As text.
    pub fn to_text(&self) -> String {
        let mut head = json!({
            "flowrace_witness": VERSION,
            "flow": self.flow,
            "name": self.name,
            "finding": {
                "rule": self.rule, "cell": self.cell, "actions": self.actions, "across": self.across,
                "message": self.message,
            },
        });
        let options = self.options.to_json();
        if !options.is_empty() {
            head["options"] = Value::Object(options);
        }
        if !self.answers.is_empty() {
            head["answers"] = json!(self.answers);
        }
        let names = labels(&self.steps);
        let lines: Vec<String> =
            self.steps.iter().map(|step| format!("    {}", line(step, &names))).collect();
        let head = serde_json::to_string_pretty(&head).expect("JSON values can be written");
        let head = head.trim_end().trim_end_matches('}').trim_end();
        let lines =
            if lines.is_empty() { String::new() } else { format!("\n{}\n  ", lines.join(",\n")) };
        format!("{head},\n  \"steps\": [{lines}]\n}}\n")
    }
}

impl Options {
    fn to_json(&self) -> Map<String, Value> {
        let mut json = Map::new();
        let numbers = [
            ("items", self.items),
            ("degree", self.degree),
            ("runs", self.runs),
            ("faults", self.faults),
        ];
        for (key, number) in numbers {
            if let Some(number) = number {
                json.insert(key.into(), json!(number));
            }
        }
        if !self.loop_items.is_empty() {
            json.insert("loopItems".into(), json!(self.loop_items));
        }
        if let Some((name, _)) = PLATFORMS.iter().find(|(_, p)| Some(*p) == self.platform) {
            json.insert("platform".into(), json!(name));
        }
        let assumed = [(TORN, self.torn), (ALIAS, self.alias)];
        let assumed: Map<String, Value> = assumed
            .into_iter()
            .filter(|(_, is_so)| *is_so)
            .map(|((id, value), _)| (id.into(), json!(value)))
            .collect();
        if !assumed.is_empty() {
            json.insert("assume".into(), Value::Object(assumed));
        }
        json
    }
}

fn steps(witness: &Witness) -> Vec<FileStep> {
    let none = std::collections::BTreeSet::new();
    let step = |(at, step): (usize, &super::TraceStep)| FileStep {
        process: step.process.clone(),
        action: step.action.clone(),
        fault: witness.schedule.faults.get(at).copied().flatten(),
        note: step.effect.clone(),
        after: witness.schedule.after.get(at).unwrap_or(&none).iter().copied().collect(),
    };
    witness.steps.iter().enumerate().map(step).collect()
}

/// `order[2] Update_item`, and `order[2] Update_item #2` for the second time.
fn labels(steps: &[FileStep]) -> Vec<String> {
    let mut seen: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let label = |step: &'_ FileStep, n: u32| match n {
        1 => format!("{} {}", step.process, step.action),
        n => format!("{} {} #{n}", step.process, step.action),
    };
    let mut names = Vec::new();
    for step in steps {
        let n = seen.entry((&step.process, &step.action)).or_default();
        *n += 1;
        names.push(label(step, *n));
    }
    names
}

fn line(step: &FileStep, names: &[String]) -> String {
    let mut json = json!({ "process": step.process, "action": step.action });
    if !step.after.is_empty() {
        json["after"] = step.after.iter().map(|&at| json!(names[at])).collect();
    }
    if let Some(fault) = step.fault {
        json["fault"] = json!(fault.name());
    }
    json["note"] = json!(step.note);
    let fields: Vec<String> = json
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{}: {value}", Value::from(key.as_str())))
        .collect();
    format!("{{ {} }}", fields.join(", "))
}
