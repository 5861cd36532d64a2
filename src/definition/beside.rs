//! What stood beside a definition: in its package, its solution or its project.

use serde_json::Value;
use std::collections::BTreeMap;

/// Facts from the files around one definition. Empty for a file that stands alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// The name the designers show.
    pub name: Option<String>,
    /// Whether the container says that this is no cloud flow (a classic workflow, a desktop flow).
    pub foreign: bool,
    /// Connection or connection reference to connector.
    pub connectors: BTreeMap<String, String>,
    /// Values of parameters, by name.
    pub parameters: BTreeMap<String, Value>,
    /// Iterations at once of a Foreach that says nothing (`host.json`).
    pub degree: Option<u64>,
    /// The workflow settings of a Logic Apps Standard project (`host.json`), if it is one.
    pub host: Option<BTreeMap<String, String>>,
    /// Whether the file is UTF-16, which programs that made it may not have meant.
    pub wide: bool,
    /// Remarks for the reader of the report.
    pub notes: Vec<String>,
}
