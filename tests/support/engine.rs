//! The engine as the tests see it: a design model in, the flow's part of the JSON report out, or the compiled program.

use flowrace::definition::ast::Platform;
use flowrace::definition::beside::Beside;
use flowrace::definition::{Parsed, parse};
use flowrace::model::program::Program;
use flowrace::platform::lower::lower;
use flowrace::platform::scenario::Scenario;
use serde_json::Value;

/// The report on the one flow of the model, under `none`, `symmetry` or `all`.
pub(crate) fn check(model: &Value, reduction: &str) -> Value {
    let reduction = match reduction {
        "none" => flowrace::check::Reduction::None,
        "symmetry" => flowrace::check::Reduction::Symmetry,
        _ => flowrace::check::Reduction::All,
    };
    checked(model, &flowrace::check::Config { reduction, ..flowrace::check::Config::default() })
}

/// The report on the one flow of the model.
pub(crate) fn checked(model: &Value, config: &flowrace::check::Config) -> Value {
    let mut model = model.clone();
    // The second opinion knows variable actions as one step each.
    if model.get("assume").is_none() {
        model["assume"] = serde_json::json!({ "variable-actions": "atomic" });
    }
    let text = serde_json::to_string_pretty(&model).expect("a value is text");
    let report = flowrace::check_text("model.json", &text, config);
    assert!(report.problems.is_empty(), "{:?}\n{text}", report.problems);
    let report = flowrace::report::to_json(&report);
    assert_eq!(report["flows"].as_array().map_or(0, Vec::len), 1, "one model, one flow:\n{text}");
    report["flows"][0].clone()
}

/// Whether `m.N` can be written when the lease of blob `b` that was taken for it has run out.
pub(crate) fn writes_too_late(mut model: Value) -> bool {
    model["state"]["b"] = serde_json::json!({ "kind": "blob" });
    let flow = check(&model, "all");
    let findings = flow["findings"].as_array().expect("findings");
    findings.iter().any(|f| f["rule"] == "lease-misuse" && f["cell"] == "m.N")
}

/// The model compiled with a budget of faults; `None` if it cannot be.
pub(crate) fn program(model: &Value, faults: u32) -> Option<Program> {
    let text = serde_json::to_string(model).expect("a value is text");
    let beside = Beside::default();
    let parsed = parse("model.json", &text, &beside, &|_| unreachable!("no imports"));
    let [Parsed { definition: Some(definition), problems }] = parsed.as_slice() else {
        panic!("one flow: {text}")
    };
    assert!(problems.is_empty(), "{problems:?}");
    let scenario = Scenario { faults, ..Scenario::new(Platform::PowerAutomate) };
    lower(definition, &scenario).ok().map(|lowered| lowered.program)
}

/// Whether this is the engine, and not what stands in for it.
pub(crate) const REAL: bool = true;
