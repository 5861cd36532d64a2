//! Scenario: how many runs, items and at what degree; what is assumed.

use crate::definition::ast::{Flow, Over, Platform, Setup};
use crate::model::identity::Alias;
use crate::model::program::Program;
use std::collections::BTreeMap;

/// The scope of one check.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of one scenario, each named where it is set"
)]
pub struct Scenario {
    /// The defaults differ.
    pub platform: Platform,
    /// `--items N`.
    pub all_items: Option<u64>,
    /// `--items LOOP=N`.
    pub loop_items: BTreeMap<String, u64>,
    /// `--degree N`.
    pub degree: Option<u64>,
    /// `--runs N`.
    pub runs: Option<u64>,
    /// Items of a loop over an array that nobody knows.
    pub unknown_items: u64,
    /// Rows that a query finds, if they are not as many as that.
    pub rows: Option<u64>,
    /// Which values that differ may be about the same.
    pub alias: Alias,
    /// Whether variable actions load and store in two steps.
    pub torn: bool,
    /// How many faults may strike in one schedule.
    pub faults: u32,
    /// Whether a run may be cancelled between any two steps (`assume`, `run-cancellation`).
    pub cancellable: bool,
    /// Whether an effect may come later than its call gives up (`assume`, `late-effects`).
    pub late: bool,
    /// Whether one event may start two runs, at the cost of a fault (`assume`, `trigger-delivery`).
    pub redelivery: Redelivery,
    /// Whether steps that nobody else can notice are merged.
    pub merge: bool,
    /// Rounds of an Until at most.
    pub rounds: Option<u64>,
    /// Items and degree at most, for a second look that only has to find whether something can happen.
    pub most: Option<u64>,
}

/// Whether one event may start two runs (semantics §4.3, *duplicates at the trigger*).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redelivery {
    /// It starts one.
    #[default]
    Never,
    /// That is one of the faults.
    Too,
    /// That is the only fault.
    Only,
}

impl Redelivery {
    /// As a model pins it; else never.
    pub fn of(assume: &BTreeMap<String, String>) -> Self {
        let pinned = assume.get("trigger-delivery");
        if pinned.is_some_and(|v| v == "at-least-once") { Self::Too } else { Self::Never }
    }
}

impl Scenario {
    /// As the model says, without faults.
    pub fn new(platform: Platform) -> Self {
        Self {
            platform,
            all_items: None,
            loop_items: BTreeMap::new(),
            degree: None,
            runs: None,
            unknown_items: 2,
            rows: None,
            alias: Alias::Apart,
            torn: false,
            faults: 0,
            cancellable: false,
            late: true,
            redelivery: Redelivery::Never,
            merge: true,
            rounds: None,
            most: None,
        }
    }

    /// Whether effects may come late: unless a model says that they never do.
    pub fn late(assume: &BTreeMap<String, String>) -> bool {
        assume.get("late-effects").is_none_or(|v| v != "never")
    }

    /// What the program has to know of the assumptions.
    pub fn pin(&self, program: &mut Program) {
        program.torn = self.torn;
        program.alias = self.alias;
        program.unknown_rows = self.rows.unwrap_or(self.unknown_items);
    }

    /// Overlapping runs of a flow: flag, then the flow's own number, then `scope.runs`, then 1.
    pub fn runs(&self, flow: &Flow, setup: &Setup) -> u32 {
        let runs = self.runs.or(flow.runs).or(setup.runs).unwrap_or(1);
        let limit = flow.trigger.as_ref().and_then(|t| t.runs).unwrap_or(u64::MAX);
        u32::try_from(runs.min(limit).max(1)).unwrap_or(u32::MAX)
    }

    /// Runs that start only if the trigger fires once more for an event: one for each event, if the trigger can do
    /// that. A model without a trigger says so itself.
    pub fn again(&self, flow: &Flow, runs: u32) -> u32 {
        let can = flow.trigger.as_ref().is_none_or(|t| t.repeats);
        let may = self.faults > 0 && self.redelivery != Redelivery::Never;
        if can && may { runs } else { 0 }
    }

    /// Items of a loop, where it is known: flags, then `scope.items`, then what is written.
    pub fn items(&self, name: &str, over: &Over, setup: &Setup) -> Option<u64> {
        let own = self
            .loop_items
            .get(name)
            .copied()
            .or(self.all_items)
            .or(setup.items.get(name).copied());
        let found = own.or(match over {
            Over::Count(n) => Some(*n),
            Over::Values(template) => match template {
                crate::definition::expression::Template::Array(items) => {
                    u64::try_from(items.len()).ok()
                }
                _ => None,
            },
        });
        found.map(|n| self.most.map_or(n, |most| n.min(most)))
    }

    /// Iterations at once of the outermost loop around.
    pub fn degree(&self, asked: u64) -> u64 {
        let degree = if asked > 1 { self.degree.unwrap_or(asked) } else { asked };
        self.most.map_or(degree, |most| degree.min(most))
    }
}
