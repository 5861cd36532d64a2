//! Witness files, read: whatever is wrong with one is told with its place.

use super::witness_file::{ALIAS, FileStep, Options, PLATFORMS, TORN, VERSION, WitnessFile};
use crate::definition::json::Document;
use crate::definition::problem::Problem;
use crate::model::fault::Fault;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// More steps than any finding has; what bounds a replay.
const MOST_STEPS: usize = 100_000;

impl WitnessFile {
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
        reader.known("/finding", finding, &["rule", "cell", "actions", "across", "message"])?;
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
            across: reader.text("/finding/across")?,
            message: reader.text("/finding/message")?,
            options: reader.options(root.contains_key("options"))?,
            answers,
            steps: reader.steps()?,
        })
    }
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
                    for (id, value) in self.object(&at)? {
                        let given = (id.as_str(), value.as_str().unwrap_or_default());
                        options.torn |= given == TORN;
                        options.alias |= given == ALIAS;
                        if ![TORN, ALIAS].contains(&given) {
                            return Err(self.problem(&at, format!("unknown assumption {id:?}")));
                        }
                    }
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
            self.known(&pointer, fields, &["process", "action", "after", "fault", "note"])?;
            let mut step = FileStep {
                process: self.text(&format!("{pointer}/process"))?,
                action: self.text(&format!("{pointer}/action"))?,
                ..FileStep::default()
            };
            if fields.contains_key("fault") {
                let pointer = format!("{pointer}/fault");
                let name = self.text(&pointer)?;
                step.fault = Fault::ALL.into_iter().find(|f| f.name() == name);
                if step.fault.is_none() {
                    return Err(self.problem(&pointer, format!("no fault is called {name:?}")));
                }
            }
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
