//! The XML of solutions: which flows there are, what they are called, which connector a connection reference is of.
//! XML is refused before parsing where the parser would take minutes; DTDs are refused by the parser.

use super::problem;
use crate::definition::location::Location;
use crate::definition::problem::Problem;
use crate::definition::workflow::container::last_segment;
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeMap;

/// The largest XML file parsed, in bytes.
const MAX_BYTES: usize = 8 << 20;
/// The longest tag: the parser's time grows with the square of a tag's attributes.
const MAX_TAG: usize = 64 << 10;
/// The most nodes, which bounds memory.
const MAX_NODES: u32 = 2_000_000;
/// Dataverse's category of cloud flows.
const MODERN_FLOW: &str = "5";

/// What a solution's XML says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Solution {
    /// File name in lower case to what is said of it.
    pub(super) flows: BTreeMap<String, Entry>,
    /// Logical name of a connection reference to connector.
    pub(super) connectors: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entry {
    /// As the designers show it.
    pub(super) name: String,
    /// Whether it is a cloud flow.
    pub(super) modern: bool,
}

/// Reads `customizations.xml`, or the `.data.xml` beside one flow.
pub(super) fn parse(path: &str, text: &str) -> Result<Solution, Problem> {
    if text.len() > MAX_BYTES {
        return Err(problem(path.to_owned(), format!("XML larger than {} MB", MAX_BYTES >> 20)));
    }
    if let Some(start) = long_tag(text) {
        let (line, column) = place(&text[..start]);
        return Err(Problem {
            at: Location { path: path.to_owned(), line, column, ..Location::default() },
            message: format!("an XML tag longer than {} KB", MAX_TAG >> 10),
        });
    }
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| Problem {
        at: Location {
            path: path.to_owned(),
            line: error.pos().row,
            column: error.pos().col,
            ..Location::default()
        },
        message: format!("not readable as XML: {error}"),
    })?;
    let mut solution = Solution::default();
    for node in document.descendants().filter(Node::is_element) {
        match node.tag_name().name() {
            "Workflow" => {
                if let Some((file, entry)) = flow(node) {
                    solution.flows.insert(file, entry);
                }
            }
            "connectionreference" => {
                let name = node.attribute("connectionreferencelogicalname");
                if let (Some(name), Some(id)) = (name, child(node, "connectorid")) {
                    solution.connectors.insert(name.to_owned(), last_segment(id).to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(solution)
}

fn flow(node: Node<'_, '_>) -> Option<(String, Entry)> {
    let file = child(node, "JsonFileName")?.rsplit('/').next()?.to_lowercase();
    let name = node.attribute("Name").unwrap_or_default().to_owned();
    Some((file, Entry { name, modern: child(node, "Category").is_none_or(|c| c == MODERN_FLOW) }))
}

fn child<'d>(node: Node<'d, '_>, name: &str) -> Option<&'d str> {
    node.children().find(|child| child.tag_name().name() == name)?.text().map(str::trim)
}

/// Line and column behind a text.
fn place(before: &str) -> (u32, u32) {
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let last = before.rsplit('\n').next().unwrap_or_default();
    (narrow(before.matches('\n').count() + 1), narrow(last.chars().count() + 1))
}

/// Where a tag starts that is too long.
fn long_tag(text: &str) -> Option<usize> {
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let length = rest[open..].find('>').unwrap_or(rest.len() - open);
        if length > MAX_TAG && !rest[open..].starts_with("<![CDATA[") {
            return Some(text.len() - rest.len() + open);
        }
        rest = &rest[open + 1..];
        rest = &rest[length.saturating_sub(1).min(rest.len())..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(text: &str, expected: &str) {
        let said = match parse("c.xml", text) {
            Ok(solution) => format!("{solution:?}"),
            Err(problem) => problem.to_string(),
        };
        assert!(said.contains(expected), "{said}");
    }

    #[test]
    fn what_a_solution_says() {
        let text = r#"<ImportExportXml><Workflows><Workflow WorkflowId="{1}" Name="Count orders">
            <JsonFileName>/Workflows/Count-1.json</JsonFileName><Category>5</Category></Workflow></Workflows>
            <connectionreferences><connectionreference connectionreferencelogicalname="x_sp">
            <connectorid>/providers/Microsoft.PowerApps/apis/shared_sharepointonline</connectorid>
            </connectionreference></connectionreferences></ImportExportXml>"#;
        check(text, r#"{"count-1.json": Entry { name: "Count orders", modern: true }}"#);
        check(text, r#"{"x_sp": "shared_sharepointonline"}"#);
        check(&text.replace(">5<", ">6<"), "modern: false");
    }

    #[test]
    fn hostile_xml_is_refused_before_it_costs_anything() {
        let laughs = r#"<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>"#;
        check(laughs, "c.xml:1:1: not readable as XML");
        check(r#"<!DOCTYPE l [<!ENTITY a SYSTEM "file:///x">]><l>&a;</l>"#, "not readable as XML");
        check(
            &format!("<x{}/>", " a=\"\"".repeat(100_000)),
            "c.xml:1:1: an XML tag longer than 64 KB",
        );
        check(&"<x>".repeat(100_000), "not readable as XML");
        check(&format!("<x>{}</x>", "y".repeat(9 << 20)), "larger than 8 MB");
        check("<x", "not readable as XML");
    }
}
