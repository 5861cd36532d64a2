//! The flow as it was written: one tree for both front ends. Syntax only.

use super::expression::Template;
use super::location::Location;
use std::collections::BTreeMap;

/// One document: its flows and, for a design model, its setup.
#[derive(Clone, Debug)]
pub struct Definition {
    /// As shown to the user.
    pub name: String,
    /// Path as given, forward slashes.
    pub path: String,
    /// What the container says it runs on; `None`: infer.
    pub platform: Option<Platform>,
    /// At least one.
    pub flows: Vec<Flow>,
    /// State, scope, expectations. Empty for an export.
    pub setup: Setup,
    /// Remarks for the reader of the report.
    pub notes: Vec<String>,
    /// Findings accepted at their place.
    pub accepts: Vec<Acceptance>,
}

/// `flowrace: accept lost-update because …` in an action's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The action's name.
    pub action: String,
    /// As written.
    pub rule: String,
    /// As written; empty if there is none.
    pub reason: String,
    /// Where it is said.
    pub at: Location,
}

/// Where a flow runs; the defaults differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Foreach is sequential unless told.
    PowerAutomate,
    /// Foreach runs 20 at once unless told.
    LogicApps,
}

/// One flow.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Process names are `name[1]` when a model has several flows.
    pub name: String,
    /// Overlapping runs asked for by the model (`flows.X.runs`).
    pub runs: Option<u64>,
    /// Trigger, if the definition has one.
    pub trigger: Option<Trigger>,
    /// Parameter name to default value.
    pub parameters: BTreeMap<String, Template>,
    /// The root container.
    pub actions: Vec<Action>,
    /// Where it starts.
    pub at: Location,
}

/// How runs begin.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// `Request`, `Recurrence`, `OpenApiConnection`, …
    pub kind: String,
    /// `operationId` or empty.
    pub operation: String,
    /// Seconds between two runs of a recurrence.
    pub every: Option<u64>,
    /// Whether it can fire twice for one event: it polls, is called, or is told by a service.
    pub repeats: bool,
    /// Where its outputs name the event itself, or what the event has made: no two events have one of these alike.
    pub ids: Vec<String>,
    /// `runtimeConfiguration.concurrency.runs`; 1 for `SingleInstance`; `None`: unlimited.
    pub runs: Option<u64>,
}

/// One action of a container.
#[derive(Clone, Debug)]
pub struct Action {
    /// Unique in the document.
    pub name: String,
    /// What it does.
    pub kind: ActionKind,
    /// All must be met. Empty: starts with the container.
    pub run_after: Vec<RunAfter>,
    /// The action's value in the file.
    pub at: Location,
    /// `[min, max]` seconds, if stated.
    pub takes: Option<(u64, u64)>,
    /// Retry policy, if stated.
    pub retry: Option<Retry>,
}

/// One predecessor.
#[derive(Clone, Debug)]
pub struct RunAfter {
    /// Its name.
    pub action: String,
    /// Statuses accepted.
    pub statuses: Vec<Status>,
    /// Where the name stands.
    pub at: Location,
}

/// How an action can end. `TimedOut` and the like as `runAfter` knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It did its work.
    Succeeded,
    /// It did not.
    Failed,
    /// It never ran.
    Skipped,
    /// It ran out of time.
    TimedOut,
    /// The run was ended under it.
    Cancelled,
}

/// `retry` of a design step, `retryPolicy` of an action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retry {
    /// Further attempts after the first.
    pub count: u64,
    /// Seconds between attempts.
    pub interval: u64,
    /// `none`, `fixed`, `exponential`, `default`.
    pub kind: String,
    /// Seconds between attempts at least, `exponential` only.
    pub least: u64,
    /// Seconds between attempts at most, `exponential` only.
    pub most: Option<u64>,
}

/// When the time of an Until is up: looked at between rounds (semantics §4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeLimit {
    /// Never.
    #[default]
    Never,
    /// After so many seconds.
    After(u64),
    /// After so many rounds at the soonest.
    Rounds(u64),
}

impl TimeLimit {
    /// The round after which it can be up, where that is known already.
    pub fn rounds(self) -> Option<u64> {
        match self {
            Self::Rounds(round) => Some(round),
            Self::Never | Self::After(_) => None,
        }
    }
}

/// What an action is.
#[derive(Clone, Debug)]
pub enum ActionKind {
    /// A group.
    Scope {
        /// Contained, in file order.
        actions: Vec<Action>,
        /// Whether its effects belong together.
        all_or_nothing: bool,
    },
    /// The design model's `parallel`: lists side by side, named `Name.1`, `Name.2`.
    Parallel {
        /// Side by side.
        branches: Vec<Vec<Action>>,
    },
    /// Two sides.
    If {
        /// What is tested.
        condition: Template,
        /// If it holds.
        then: Vec<Action>,
        /// If not.
        otherwise: Vec<Action>,
    },
    /// Several sides.
    Switch {
        /// What is looked at.
        on: Template,
        /// Value and actions.
        cases: Vec<(Template, Vec<Action>)>,
        /// If no case fits.
        default: Vec<Action>,
    },
    /// A loop over items.
    Foreach {
        /// What it goes over.
        over: Over,
        /// As written.
        concurrency: Option<u64>,
        /// Contained, in file order.
        actions: Vec<Action>,
    },
    /// Body, then test.
    Until {
        /// What is tested.
        condition: Template,
        /// Rounds at most, if written.
        limit: Option<u64>,
        /// When its time is up.
        time: TimeLimit,
        /// Whether the limit fails it.
        fail_at_limit: bool,
        /// Contained, in file order.
        actions: Vec<Action>,
    },
    /// Ends the run with this status.
    Terminate {
        /// How the run ends.
        status: Status,
    },
    /// `InitializeVariable` (one a variable), with its value.
    Initialize {
        /// Its name.
        variable: String,
        /// What is stored.
        value: Template,
    },
    /// `SetVariable`.
    Set {
        /// Its name.
        variable: String,
        /// What is stored.
        value: Template,
    },
    /// `IncrementVariable`; decrement has `negative`.
    Increment {
        /// Its name.
        variable: String,
        /// How much.
        by: Template,
        /// Whether it is taken away.
        negative: bool,
    },
    /// `AppendToArrayVariable`, `AppendToStringVariable` (the variable's type decides).
    Append {
        /// Its name.
        variable: String,
        /// What is stored.
        value: Template,
    },
    /// Compose, `ParseJson` (its content), Expression: output is the value.
    Compose {
        /// What is stored.
        value: Template,
    },
    /// Response: whoever called the flow goes on with this as the answer's body.
    Response {
        /// What is answered.
        value: Template,
        /// Whether its status is sure to be a 2xx.
        good: bool,
    },
    /// Filter array.
    Query {
        /// The list.
        from: Template,
        /// What is tested.
        condition: Template,
    },
    /// Select.
    Select {
        /// The list.
        from: Template,
        /// What is made of each element.
        select: Template,
    },
    /// Join.
    Join {
        /// The list.
        from: Template,
        /// Between the elements.
        with: Template,
    },
    /// The design model's `wait`: goes on when the condition holds.
    Wait {
        /// What is tested.
        condition: Template,
    },
    /// Delay: takes time, nothing else.
    Delay,
    /// Anything that leaves the flow.
    Call(Call),
}

/// What a Foreach goes over.
#[derive(Clone, Debug)]
pub enum Over {
    /// The values 1 to N.
    Count(u64),
    /// An array, or an expression for one.
    Values(Template),
}

/// A call to a connector. Design steps use connector `cell` with operation `get`, `update`, `list`, `create`,
/// `upsert`, `delete`, `sql`, `acquireLease`, `renewLease`, `releaseLease`, `write`, `send`.
#[derive(Clone, Debug)]
pub struct Call {
    /// `cell`, `shared_sharepointonline`, `http`, …
    pub connector: String,
    /// `get`, `PatchItem`, …
    pub operation: String,
    /// By name. For `cell`: `target` (text, the group), `set`, `ifMatch`, `where`, `row`, `key`, `sql`, `seconds`,
    /// `value`, `lease`, `text`.
    pub parameters: BTreeMap<String, Template>,
}

/// The design model's own keys.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// `state`, in file order.
    pub state: Vec<(String, Group, Location)>,
    /// `scope.items`: loop name to count.
    pub items: BTreeMap<String, u64>,
    /// `scope.runs`.
    pub runs: Option<u64>,
    /// `scope.faults`.
    pub faults: Option<u64>,
    /// `observe`; empty: all.
    pub observe: Vec<(String, Location)>,
    /// `finally`: each must hold in the end.
    pub finally: Vec<(Template, Location)>,
    /// `expect`.
    pub expect: Option<Expect>,
    /// `takes`.
    pub takes: Option<(u64, u64)>,
    /// `assume`.
    pub assume: BTreeMap<String, String>,
}

/// One entry of `state`. Values are JSON constants as templates.
#[derive(Clone, Debug)]
pub enum Group {
    /// A flow variable.
    Variable {
        /// What is stored.
        value: Template,
    },
    /// One list item or row.
    Item {
        /// Column and value.
        fields: Vec<(String, Template)>,
    },
    /// Rows.
    Table {
        /// In file order.
        rows: Vec<Vec<(String, Template)>>,
        /// Columns of the business key.
        key: Vec<String>,
        /// Whether the store enforces it.
        unique: bool,
    },
    /// A blob, which can be leased.
    Blob {
        /// What is stored.
        value: Option<Template>,
    },
}

/// `expect`.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// `safe`, `unsafe`, `inconclusive`.
    pub verdict: Option<String>,
    /// Exactly these rule ids.
    pub rules: Option<Vec<String>>,
    /// Cell to expectation.
    pub outcomes: BTreeMap<String, ExpectOutcome>,
}

/// `[min, max]` or `{"exactly": […]}`.
#[derive(Clone, Debug)]
pub enum ExpectOutcome {
    /// Least and greatest outcome, both reached.
    Range(serde_json::Value, serde_json::Value),
    /// The whole set.
    Exactly(Vec<serde_json::Value>),
}
