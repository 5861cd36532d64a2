//! Witness files: a finding's schedule as a small JSON document that survives edits of the flow. One step a line, so
//! that a review shows what changed.

use super::{Finding, FlowReport, Witness};
use crate::definition::ast::Platform;
use crate::definition::json::Document;
use crate::definition::problem::Problem;
use crate::explore::limits::Config;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The version of the format that is written, and the newest that is read.
pub const VERSION: u64 = 1;
/// More steps than any finding has; what bounds a replay.
const MOST_STEPS: usize = 100_000;

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
}

/// One step by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileStep {
    /// `order[1]`.
    pub process: String,
    /// `Get_item`.
    pub action: String,
    /// What it did when the file was written, for people.
    pub note: String,
    /// Earlier steps of other processes that must stay before it.
    pub after: Vec<usize>,
}

const PLATFORMS: [(&str, Platform); 2] =
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
        let options = Options {
            items: config.items,
            loop_items: config.loop_items.clone(),
            degree: config.degree,
            runs: config.runs,
            faults: config.faults,
            platform: config.platform,
            torn: finding.assumptions.iter().any(|a| a == "variable-actions"),
        };
        Some(Self {
            flow,
            name: report.flow.clone(),
            rule: finding.rule.to_owned(),
            cell: finding.cell.clone(),
            actions: finding.actions.clone(),
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
                "rule": self.rule, "cell": self.cell, "actions": self.actions, "message": self.message,
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

    /// Reads a file; what is wrong with it, with the place.
    pub fn parse(path: &str, text: &str) -> Result<Self, Problem> {
        let document = Document::parse(path, text)?;
        let reader = Reader { document: &document };
        let root = reader.object("")?;
        match root.get("flowrace_witness").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => {
                let message = format!(
                    "version {newer} of the witness format; this flowrace reads up to {VERSION}: take a newer one"
                );
                return Err(reader.problem("/flowrace_witness", message));
            }
            Some(_) | None => {
                let message =
                    format!("not a witness file; expected \"flowrace_witness\": {VERSION}");
                return Err(reader.problem("/flowrace_witness", message));
            }
        }
        reader.known(
            "",
            root,
            &["flowrace_witness", "flow", "name", "finding", "options", "answers", "steps"],
        )?;
        let finding = reader.object("/finding")?;
        reader.known("/finding", finding, &["rule", "cell", "actions", "message"])?;
        let actions = reader.list("/finding/actions")?;
        let actions = (0..actions.len()).map(|i| reader.text(&format!("/finding/actions/{i}")));
        let mut answers = BTreeMap::new();
        if root.contains_key("answers") {
            for (question, answer) in reader.object("/answers")? {
                let Some(answer) = answer.as_bool() else {
                    return Err(reader
                        .problem("/answers", format!("expected true or false for {question:?}")));
                };
                answers.insert(question.clone(), answer);
            }
        }
        Ok(Self {
            flow: reader.text("/flow")?,
            name: reader.text("/name")?,
            rule: reader.rule()?,
            cell: reader.text("/finding/cell")?,
            actions: actions.collect::<Result<_, _>>()?,
            message: reader.text("/finding/message")?,
            options: reader.options(root.contains_key("options"))?,
            answers,
            steps: reader.steps()?,
        })
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
        if self.torn {
            json.insert("assume".into(), json!({ "variable-actions": "torn" }));
        }
        json
    }
}

fn steps(witness: &Witness) -> Vec<FileStep> {
    let none = std::collections::BTreeSet::new();
    let step = |(at, step): (usize, &super::TraceStep)| FileStep {
        process: step.process.clone(),
        action: step.action.clone(),
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
    json["note"] = json!(step.note);
    let fields: Vec<String> = json
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{}: {value}", Value::from(key.as_str())))
        .collect();
    format!("{{ {} }}", fields.join(", "))
}

struct Reader<'d> {
    document: &'d Document,
}

impl<'d> Reader<'d> {
    fn problem(&self, pointer: &str, message: String) -> Problem {
        Problem { at: self.document.at(pointer), message }
    }

    fn get(&self, pointer: &str) -> Result<&'d Value, Problem> {
        self.document.value.pointer(pointer).ok_or_else(|| {
            let key = pointer.rsplit('/').next().unwrap_or_default();
            self.problem(pointer, format!("the witness is damaged: \"{key}\" is missing"))
        })
    }

    fn wrong(&self, pointer: &str, expected: &str) -> Problem {
        self.problem(pointer, format!("the witness is damaged: expected {expected}"))
    }

    fn object(&self, pointer: &str) -> Result<&'d Map<String, Value>, Problem> {
        self.get(pointer)?.as_object().ok_or_else(|| self.wrong(pointer, "an object"))
    }

    fn list(&self, pointer: &str) -> Result<&'d Vec<Value>, Problem> {
        self.get(pointer)?.as_array().ok_or_else(|| self.wrong(pointer, "a list"))
    }

    fn text(&self, pointer: &str) -> Result<String, Problem> {
        let text = self.get(pointer)?.as_str();
        text.map(str::to_owned).ok_or_else(|| self.wrong(pointer, "a text"))
    }

    fn number(&self, pointer: &str) -> Result<u64, Problem> {
        self.get(pointer)?.as_u64().ok_or_else(|| self.wrong(pointer, "a number of 0 or more"))
    }

    fn known(&self, at: &str, map: &Map<String, Value>, keys: &[&str]) -> Result<(), Problem> {
        match map.keys().find(|key| !keys.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                let expected = format!("unknown key {key:?}; expected one of {}", keys.join(", "));
                Err(self.problem(&pointer, expected))
            }
        }
    }

    fn rule(&self) -> Result<String, Problem> {
        let rule = self.text("/finding/rule")?;
        if crate::property::rule(&rule).is_none() {
            return Err(self.problem("/finding/rule", format!("no rule is called {rule:?}")));
        }
        Ok(rule)
    }

    fn options(&self, given: bool) -> Result<Options, Problem> {
        let mut options = Options::default();
        if !given {
            return Ok(options);
        }
        for (key, value) in self.object("/options")? {
            let at = format!("/options/{key}");
            match key.as_str() {
                "items" => options.items = Some(self.number(&at)?),
                "degree" => options.degree = Some(self.number(&at)?),
                "runs" => options.runs = Some(self.number(&at)?),
                "faults" => options.faults = Some(self.number(&at)?),
                "loopItems" => {
                    for (name, items) in self.object(&at)? {
                        let items = items.as_u64().ok_or_else(|| self.wrong(&at, "numbers"))?;
                        options.loop_items.insert(name.clone(), items);
                    }
                }
                "platform" => {
                    let found = PLATFORMS.iter().find(|(name, _)| value.as_str() == Some(name));
                    let found =
                        found.ok_or_else(|| self.wrong(&at, "power-automate or logic-apps"))?;
                    options.platform = Some(found.1);
                }
                "assume" => {
                    if *value != json!({ "variable-actions": "torn" }) {
                        return Err(self.wrong(&at, "{ \"variable-actions\": \"torn\" }"));
                    }
                    options.torn = true;
                }
                _ => return Err(self.problem(&at, format!("unknown key {key:?}"))),
            }
        }
        Ok(options)
    }

    fn steps(&self) -> Result<Vec<FileStep>, Problem> {
        let list = self.list("/steps")?;
        if list.len() > MOST_STEPS {
            return Err(self.wrong("/steps", &format!("at most {MOST_STEPS} steps")));
        }
        let mut steps: Vec<FileStep> = Vec::new();
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let mut times: BTreeMap<String, u32> = BTreeMap::new();
        for at in 0..list.len() {
            let pointer = format!("/steps/{at}");
            let fields = self.object(&pointer)?;
            self.known(&pointer, fields, &["process", "action", "after", "note"])?;
            let mut step = FileStep {
                process: self.text(&format!("{pointer}/process"))?,
                action: self.text(&format!("{pointer}/action"))?,
                ..FileStep::default()
            };
            if fields.contains_key("note") {
                step.note = self.text(&format!("{pointer}/note"))?;
            }
            if fields.contains_key("after") {
                for i in 0..self.list(&format!("{pointer}/after"))?.len() {
                    let pointer = format!("{pointer}/after/{i}");
                    let name = self.text(&pointer)?;
                    let Some(&before) = numbers.get(&name) else {
                        return Err(self.problem(&pointer, format!("no earlier step is {name:?}")));
                    };
                    step.after.push(before);
                }
            }
            let name = format!("{} {}", step.process, step.action);
            let n = times.entry(name.clone()).or_default();
            *n += 1;
            numbers.insert(if *n == 1 { name } else { format!("{name} #{n}") }, at);
            steps.push(step);
        }
        Ok(steps)
    }
}
