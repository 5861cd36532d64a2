//! What was written: syntax with positions; no meaning, no I/O.

mod after;
pub mod ast;
pub mod design;
pub mod expression;
pub mod json;
pub mod location;
mod node;
pub mod order;
pub mod problem;
pub mod suggest;
pub mod workflow;

use ast::Definition;
use design::Load;
use json::Document;
use problem::Problem;

/// Reads a text as a design model or an export. The last answer: whether this is a flow at all; a text that is no
/// JSON may have meant to be one, so its problem is not to be passed over.
pub fn parse(path: &str, text: &str, load: &Load<'_>) -> (Option<Definition>, Vec<Problem>, bool) {
    let doc = match Document::parse(path, text) {
        Ok(doc) => doc,
        Err(problem) => return (None, vec![problem], true),
    };
    if design::is_design(&doc.value) {
        let (definition, problems) = design::parse(&doc, load);
        return (definition, problems, true);
    }
    match workflow::parse(&doc) {
        Some((definition, problems)) => (definition, problems, true),
        None => (None, Vec::new(), false),
    }
}
