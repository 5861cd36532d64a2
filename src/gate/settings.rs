//! `flowrace.toml`: what a project has decided once for all its flows. Every unknown key is an error with its place.

use super::Threshold;
use crate::definition::ast::Platform;
use crate::definition::location::Location;
use crate::definition::problem::Problem;
use crate::definition::suggest::nearest;
use crate::explore::limits::Config;
use crate::finding::Severity;
use crate::property;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What the file says; `None` where it says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Platform, scope, assumptions and excluded files, as far as given.
    pub config: Config,
    /// `fail-on`.
    pub fail_on: Option<Threshold>,
    /// Path of the baseline, relative to the file.
    pub baseline: Option<String>,
    /// Rule to level; `None` is `off`.
    pub levels: BTreeMap<String, Option<Severity>>,
}

type Entry<'t> = (&'t str, Range<usize>, &'t Spanned<DeValue<'t>>);

/// Reads the text of a `flowrace.toml`.
pub fn parse(path: &str, text: &str) -> Result<Settings, Vec<Problem>> {
    let mut reading = Reading { path, text, settings: Settings::default(), problems: Vec::new() };
    match DeTable::parse(text) {
        Ok(table) => reading.root(table.get_ref()),
        Err(error) => {
            let message = format!("not valid TOML: {}", error.message().replace('\n', ", "));
            reading.fail(&error.span().unwrap_or_default(), message);
        }
    }
    if reading.problems.is_empty() { Ok(reading.settings) } else { Err(reading.problems) }
}

struct Reading<'t> {
    path: &'t str,
    text: &'t str,
    settings: Settings,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn fail(&mut self, span: &Range<usize>, message: String) {
        let start = (0..=span.start).rev().find(|at| self.text.is_char_boundary(*at));
        let before = &self.text[..start.unwrap_or_default()];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let at = Location {
            path: self.path.to_owned(),
            line: narrow(line),
            column: narrow(column),
            ..Location::default()
        };
        self.problems.push(Problem { at, message });
    }

    fn root(&mut self, table: &DeTable<'_>) {
        for (key, span, value) in entries(table) {
            match key {
                "platform" => {
                    let platforms = [
                        ("power-automate", Platform::PowerAutomate),
                        ("logic-apps", Platform::LogicApps),
                    ];
                    self.settings.config.platform = self.one_of(value, &platforms);
                }
                "fail-on" => {
                    let levels = levels("never")
                        .map(|(name, level)| (name, level.map_or(Threshold::Never, Threshold::At)));
                    self.settings.fail_on = self.one_of(value, &levels);
                }
                "baseline" => self.settings.baseline = self.text(value),
                "scope" => self.table(value, Self::scope),
                "assume" => self.table(value, Self::assume),
                "rules" => self.table(value, Self::rule),
                "files" => self.table(value, Self::files),
                _ => {
                    let known =
                        ["platform", "fail-on", "baseline", "scope", "assume", "rules", "files"];
                    self.unknown(key, &span, &known);
                }
            }
        }
    }

    fn table(&mut self, value: &Spanned<DeValue<'_>>, each: fn(&mut Self, Entry<'_>)) {
        match value.get_ref() {
            DeValue::Table(table) => entries(table).into_iter().for_each(|entry| each(self, entry)),
            _ => self.fail(&value.span(), "expected a table".to_owned()),
        }
    }

    fn scope(&mut self, (key, span, value): Entry<'_>) {
        match (key, value.get_ref()) {
            ("items", DeValue::Table(loops)) => {
                for (name, _, count) in entries(loops) {
                    if let Some(count) = self.number(count, 1, u64::MAX) {
                        self.settings.config.loop_items.insert(name.to_owned(), count);
                    }
                }
            }
            ("items", _) => self.settings.config.items = self.number(value, 1, u64::MAX),
            ("degree", _) => self.settings.config.degree = self.number(value, 1, 50),
            ("runs", _) => self.settings.config.runs = self.number(value, 1, u64::MAX),
            ("faults", _) => self.settings.config.faults = self.number(value, 0, u64::MAX),
            ("max-states", _) => self.settings.config.max_states = self.number(value, 1, u64::MAX),
            _ => self.unknown(key, &span, &["items", "degree", "runs", "faults", "max-states"]),
        }
    }

    fn assume(&mut self, (key, span, value): Entry<'_>) {
        let values = match key {
            "variable-actions" => [("atomic", "atomic"), ("torn", "torn")],
            "trigger-delivery" => [("once", "once"), ("at-least-once", "at-least-once")],
            _ => return self.unknown(key, &span, &["variable-actions", "trigger-delivery"]),
        };
        if let Some(chosen) = self.one_of(value, &values) {
            self.settings.config.assume.insert(key.to_owned(), chosen.to_owned());
        }
    }

    fn rule(&mut self, (key, span, value): Entry<'_>) {
        if property::rule(key).is_none() {
            let near = nearest(key, property::RULES.iter().map(|meta| meta.id));
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            return self.fail(&span, format!("there is no rule \"{key}\"{near}"));
        }
        if let Some(level) = self.one_of(value, &levels("off")) {
            self.settings.levels.insert(key.to_owned(), level);
        }
    }

    fn files(&mut self, (key, span, value): Entry<'_>) {
        if key != "exclude" {
            return self.unknown(key, &span, &["exclude"]);
        }
        let DeValue::Array(patterns) = value.get_ref() else {
            return self.fail(&value.span(), "expected a list of patterns".to_owned());
        };
        for pattern in patterns {
            let pattern = self.text(pattern);
            self.settings.config.exclude.extend(pattern);
        }
    }

    fn text(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(text.to_string());
        }
        self.fail(&value.span(), "expected a text".to_owned());
        None
    }

    fn number(&mut self, value: &Spanned<DeValue<'_>>, least: u64, most: u64) -> Option<u64> {
        let found = match value.get_ref() {
            DeValue::Integer(integer) => {
                u64::from_str_radix(integer.as_str(), integer.radix()).ok()
            }
            _ => None,
        };
        let found = found.filter(|number| (least..=most).contains(number));
        if found.is_none() {
            let range = if most == u64::MAX { "up".to_owned() } else { format!("to {most}") };
            self.fail(&value.span(), format!("expected a whole number from {least} {range}"));
        }
        found
    }

    fn one_of<T: Copy>(&mut self, value: &Spanned<DeValue<'_>>, known: &[(&str, T)]) -> Option<T> {
        let text = self.text(value)?;
        let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let near = suggestion(&text, &names);
            let message = format!("\"{text}\"; expected one of {}{near}", names.join(", "));
            self.fail(&value.span(), message);
        }
        found
    }

    fn unknown(&mut self, key: &str, span: &Range<usize>, known: &[&str]) {
        let near = suggestion(key, known);
        self.fail(
            span,
            format!("unknown key \"{key}\"; expected one of {}{near}", known.join(", ")),
        );
    }
}

fn suggestion(word: &str, known: &[&str]) -> String {
    let near = nearest(word, known.iter().copied());
    near.map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

fn levels(none: &str) -> [(&str, Option<Severity>); 4] {
    [
        ("error", Some(Severity::Error)),
        ("warning", Some(Severity::Warning)),
        ("note", Some(Severity::Note)),
        (none, None),
    ]
}

/// The members of a table in file order.
fn entries<'t>(table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
    let mut found: Vec<Entry<'t>> =
        table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value)).collect();
    found.sort_by_key(|(_, span, _)| span.start);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let said: Vec<String> = match parse("flowrace.toml", text) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(said, expected, "{text}");
    }

    #[test]
    fn everything_it_can_say() {
        let text = "platform = \"logic-apps\"\nfail-on = \"never\"\nbaseline = \"b.json\"\n\
            [scope]\nitems = { Loop = 4 }\ndegree = 5\nruns = 2\nfaults = 0\n[assume]\nvariable-actions = \"torn\"\n\
            [rules]\nlast-writer-wins = \"note\"\nstale-guard = \"off\"\n[files]\nexclude = [\"vendor/**\"]\n";
        let settings = parse("flowrace.toml", text).unwrap();
        assert_eq!(settings.config.platform, Some(Platform::LogicApps));
        assert_eq!(settings.config.loop_items.get("Loop"), Some(&4));
        assert_eq!((settings.config.degree, settings.config.runs), (Some(5), Some(2)));
        assert_eq!(
            settings.config.assume.get("variable-actions").map(String::as_str),
            Some("torn")
        );
        assert_eq!(settings.config.exclude, ["vendor/**"]);
        assert_eq!(
            (settings.fail_on, settings.baseline.as_deref()),
            (Some(Threshold::Never), Some("b.json"))
        );
        assert_eq!(settings.levels.get("stale-guard"), Some(&None));
        assert_eq!(settings.levels.get("last-writer-wins"), Some(&Some(Severity::Note)));
        check("", &[]);
    }

    #[test]
    fn what_is_wrong_is_told_all_at_once() {
        check(
            "platfrom = 1\nplatform = \"la\"\n[scope]\n  degree = 51\n  runs = \"2\"\n[rules]\nlost-updat = \"error\"\nstuck = \"of\"\n[files]\nexclude = 1",
            &[
                "flowrace.toml:1:1: unknown key \"platfrom\"; expected one of platform, fail-on, baseline, scope, assume, rules, files; did you mean platform?",
                "flowrace.toml:2:12: \"la\"; expected one of power-automate, logic-apps",
                "flowrace.toml:4:12: expected a whole number from 1 to 50",
                "flowrace.toml:5:10: expected a whole number from 1 up",
                "flowrace.toml:7:1: there is no rule \"lost-updat\"; did you mean lost-update?",
                "flowrace.toml:8:9: \"of\"; expected one of error, warning, note, off; did you mean off?",
                "flowrace.toml:10:11: expected a list of patterns",
            ],
        );
        assert!(
            parse("flowrace.toml", "a = [")
                .is_err_and(|p| p[0].message.starts_with("not valid TOML"))
        );
    }
}
