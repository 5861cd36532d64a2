//! Certificates: a proof as a file, and its check.

use super::load;
use crate::definition::ast::Platform;
use crate::explore::limits::Config;
use crate::explore::prove::counted::safe;
use crate::explore::prove::plain::plain;
use crate::explore::prove::relative::Relative;
use crate::explore::prove::verify::verify as verify_states;
use crate::explore::prove::{Reach, eligible, prove, reach};
use crate::explore::ranking::drop_counters;
use crate::model::program::Program;
use crate::platform::lower::lower;
use crate::platform::scenario::{Redelivery, Scenario};
use crate::source;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const SCHEMA: &str = "flowrace.certificate/1";

/// The certificate of the one flow in a file, or why there is none.
pub fn certificate(path: &str, config: &Config) -> Result<String, String> {
    let program = program(path, config)?;
    let proof = prove(&program).map_err(|coarse| format!("no proof: {}", coarse.0))?;
    let Some(reach) = safe(&proof) else {
        return Err("no proof: a rule may fire, or it can end in several ways".into());
    };
    let parts = &proof.all.stepper.parts;
    let mut lines: Vec<String> =
        proof.all.states.iter().map(|s| plain(&program, parts, s).line(&program)).collect();
    lines.sort();
    let certificate = json!({
        "schema": SCHEMA,
        "model": path,
        "scope": scope(config),
        "claim": claim(reach),
        "growing": growing(&program, &proof.all.stepper.relative),
        "states": lines,
    });
    serde_json::to_string_pretty(&certificate).map(|t| t + "\n").map_err(|e| e.to_string())
}

/// Checks a certificate: what it claims and on how many states that rests, or why it does not hold. The outer error
/// is for a text that is no certificate.
pub fn verify(name: &str, text: &str) -> Result<Result<(String, usize), String>, String> {
    let bad = |what: &str| {
        format!("{name}: {what}; expected a certificate written by check --certificate")
    };
    let value: Value = serde_json::from_str(text).map_err(|_| bad("no JSON"))?;
    if value["schema"] != SCHEMA {
        return Err(bad("no certificate of this version"));
    }
    let (Some(path), Some(claimed)) = (value["model"].as_str(), value["claim"].as_str()) else {
        return Err(bad("it names no model or claims nothing"));
    };
    let config = unscope(&value["scope"]).ok_or_else(|| bad("its scope cannot be read"))?;
    let strings = |key: &str| -> Option<BTreeSet<String>> {
        value[key].as_array()?.iter().map(|v| v.as_str().map(str::to_owned)).collect()
    };
    let (Some(grows), Some(states)) = (strings("growing"), strings("states")) else {
        return Err(bad("it lists no states"));
    };
    Ok(holds(path, &config, claimed, &grows, &states).map(|()| (claimed.to_owned(), states.len())))
}

fn holds(
    path: &str,
    config: &Config,
    claimed: &str,
    grows: &BTreeSet<String>,
    states: &BTreeSet<String>,
) -> Result<(), String> {
    let program = program(path, config)?;
    let relative = eligible::relative(&program).map_err(|coarse| coarse.0)?;
    if growing(&program, &relative) != *grows {
        return Err("it names other growing cells than the flow has".into());
    }
    if claim(reach(&program)) != claimed {
        return Err(format!(
            "it claims {claimed}, but {} is all that can follow",
            claim(reach(&program))
        ));
    }
    verify_states(&program, &relative, states)
}

fn claim(reach: Reach) -> String {
    match reach {
        Reach::Any => "any number of items".into(),
        Reach::UpTo(most) => format!("up to {most} items"),
        Reach::Scope => "the items of the scope".into(),
    }
}

fn growing(program: &Program, relative: &Relative) -> BTreeSet<String> {
    relative.iter().map(|(r, c)| format!("{}.{c}", program.resource(*r).name)).collect()
}

/// The program of the one flow in a file, as `check` proves it.
fn program(path: &str, config: &Config) -> Result<Program, String> {
    let source = source::read_one(path).map_err(|p| p.message)?;
    let mut parsed = load(&source);
    let (Some(flow), true) = (parsed.pop(), parsed.is_empty()) else {
        return Err(format!("{path}: expected a file with one flow"));
    };
    if let Some(problem) = flow.problems.first() {
        return Err(format!("{path}: {}", problem.message));
    }
    let definition = flow.definition.ok_or_else(|| format!("{path}: not a flow"))?;
    if definition.setup.state.is_empty() {
        return Err(
            "no proof: the flow's cells are not described, so it is checked in slices".into()
        );
    }
    let pinned = definition.setup.assume.get("variable-actions");
    let torn = pinned.is_some_and(|value| value == "torn");
    let whole = super::scenario(&definition, config, torn);
    let scenario = Scenario { redelivery: Redelivery::Never, ..whole };
    let lowered = lower(&definition, &scenario);
    let mut lowered =
        lowered.map_err(|p| p.first().map_or(String::new(), |p| p.message.clone()))?;
    drop_counters(&mut lowered.program);
    Ok(lowered.program)
}

fn scope(config: &Config) -> Value {
    let loops: Map<String, Value> =
        config.loop_items.iter().map(|(name, n)| (name.clone(), json!(n))).collect();
    let platform = config.platform.map(|p| match p {
        Platform::PowerAutomate => "power-automate",
        Platform::LogicApps => "logic-apps",
    });
    json!({ "items": config.items, "loops": loops, "degree": config.degree, "runs": config.runs,
        "platform": platform })
}

fn unscope(scope: &Value) -> Option<Config> {
    let number = |key: &str| match &scope[key] {
        Value::Null => Some(None),
        value => value.as_u64().map(Some),
    };
    let loops = scope["loops"].as_object()?.iter();
    let loop_items: Option<BTreeMap<String, u64>> =
        loops.map(|(name, n)| Some((name.clone(), n.as_u64()?))).collect();
    let platform = match scope["platform"].as_str() {
        None if scope["platform"].is_null() => None,
        Some("power-automate") => Some(Platform::PowerAutomate),
        Some("logic-apps") => Some(Platform::LogicApps),
        _ => return None,
    };
    Some(Config {
        items: number("items")?,
        degree: number("degree")?,
        runs: number("runs")?,
        loop_items: loop_items?,
        platform,
        ..Config::default()
    })
}
