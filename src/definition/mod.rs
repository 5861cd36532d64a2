//! What was written: syntax with positions; no meaning, no I/O.

mod after;
pub mod ast;
pub mod beside;
pub mod design;
pub mod expression;
pub mod inline;
pub mod json;
pub mod location;
mod node;
pub mod order;
pub mod problem;
pub mod secret;
pub mod suggest;
pub(crate) mod walk;
pub mod workflow;

use ast::Definition;
use beside::Beside;
use design::Load;
use json::Document;
use problem::Problem;

/// One flow of a document, or what is wrong with it.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// With problems it holds what could be read.
    pub definition: Option<Definition>,
    /// What is wrong, all of it.
    pub problems: Vec<Problem>,
}

/// Reads a text as a design model or an export, which may hold several flows. Empty: this is no flow at all. A text
/// that is no JSON may have meant to be one, so its problem is not to be passed over.
pub fn parse(path: &str, text: &str, beside: &Beside, load: &Load<'_>) -> Vec<Parsed> {
    let doc = match Document::tolerant(path, text) {
        Ok(doc) => doc,
        Err(problem) => return vec![Parsed { definition: None, problems: vec![problem] }],
    };
    if design::is_design(&doc.value) {
        let twice = doc.duplicates("");
        if !twice.is_empty() {
            return vec![Parsed { definition: None, problems: twice }];
        }
        let (definition, problems) = design::parse(&doc, load);
        return vec![Parsed { definition, problems }];
    }
    workflow::parse(&doc, beside)
}
