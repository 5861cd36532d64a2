//! What an action sees: the outputs, variables and items within its reach.

use super::answers::Answers;
use super::attempt::input_key;
use super::block::{Block, NodeState, Phase};
use super::content::Content;
use super::expression::{Env, Failure};
use super::identity::Alias;
use super::ids::{ClassId, NodeId, ResourceId};
use super::program::{Kind, Program, Status};
use super::value::Value;
use std::sync::Arc;

/// Where the contents of resources are: packed numbers for search, persistent maps for replay.
pub trait Store {
    /// What a resource holds now.
    fn read(&mut self, resource: ResourceId) -> Arc<Content>;
    /// Replaces it.
    fn write(&mut self, resource: ResourceId, content: Content);
}

/// The view of one action at one moment.
#[allow(missing_debug_implementations, reason = "a short-lived borrow of other things")]
pub struct View<'a> {
    /// The program.
    pub program: &'a Program,
    /// The class of the block.
    pub class: ClassId,
    /// The block the action is in.
    pub block: &'a Block,
    /// The block around, for an iteration.
    pub parent: Option<&'a Block>,
    /// The resources.
    pub store: &'a mut dyn Store,
    /// The action that looks.
    pub reader: NodeId,
    /// What the first step of this action left for the second.
    pub element: Value,
    /// Choices made.
    pub world: &'a Answers<'a>,
}

impl View<'_> {
    /// The state of a node in this block or the one around.
    pub fn of(&self, node: NodeId) -> Option<&NodeState> {
        let at = self.program.node(node);
        let block = if at.class == self.class { Some(self.block) } else { self.parent };
        block.and_then(|b| b.nodes.get(at.slot as usize))
    }

    /// How an action has ended, as far as it has.
    pub fn status(&self, node: NodeId) -> Option<Status> {
        for (depth, n) in self.program.ancestors(node).enumerate() {
            let class = self.program.node(n).class;
            if class != self.class && self.parent.is_none() {
                return None;
            }
            if let Some(Phase::Done(status)) = self.of(n).map(|s| s.phase) {
                return Some(if depth == 0 { status } else { Status::Skipped });
            }
        }
        None
    }

    /// The outermost loop around `node` that the reader is outside of: it has kept an array.
    fn collector(&self, node: NodeId) -> Option<NodeId> {
        self.program
            .ancestors(node)
            .skip(1)
            .take_while(|&n| !self.program.inside(self.reader, n))
            .filter(|&n| matches!(self.program.node(n).kind, Kind::Loop { .. }))
            .last()
    }
}

/// The key under which a loop keeps what its iterations' `node` answered.
pub fn collected_key(node: NodeId) -> String {
    format!("#{}", node.0)
}

impl Env for View<'_> {
    fn output(&mut self, node: NodeId) -> Result<Value, Failure> {
        if let Some(collector) = self.collector(node) {
            let kept =
                self.of(collector).map_or(Value::Null, |s| s.output.get(&collected_key(node)));
            return Ok(unindexed(&kept));
        }
        Ok(self.of(node).map_or(Value::Null, |s| s.output.clone()))
    }

    fn body(&mut self, node: NodeId) -> Result<Value, Failure> {
        self.output(node)
    }

    fn action(&mut self, node: NodeId) -> Result<Value, Failure> {
        let name = Value::String(self.program.node(node).name.clone());
        let status = self.status(node).map_or(Value::Null, |s| Value::text(s.text()));
        let outputs = self.output(node)?;
        let code = outputs.get("statusCode");
        Ok(Value::object([
            ("name", name),
            ("status", status),
            ("code", code),
            ("outputs", outputs),
        ]))
    }

    fn result(&mut self, node: NodeId) -> Result<Value, Failure> {
        let inner = match self.program.node(node).kind {
            Kind::Loop { .. } | Kind::Until { .. } => {
                self.program.node(node).children.first().copied()
            }
            _ => Some(node),
        };
        let children = inner.map_or(Vec::new(), |n| self.program.node(n).children.clone());
        let mut entries = Vec::new();
        for child in children {
            entries.push(self.action(child)?);
        }
        Ok(Value::array(entries))
    }

    fn variable(&mut self, variable: ResourceId) -> Result<Value, Failure> {
        if let Some(Value::Object(inputs)) = self.of(self.reader).map(|s| &s.items)
            && let Some(sent) = inputs.get(input_key(variable).as_str())
        {
            return Ok(sent.clone());
        }
        Ok(self.store.read(variable).single("value"))
    }

    fn item(&mut self, node: NodeId) -> Result<Value, Failure> {
        let body = self.program.node(node).children.first().copied();
        if body.is_some_and(|b| {
            self.program.node(b).class == self.class && self.program.node(node).class != self.class
        }) {
            return Ok(self.block.item.clone());
        }
        let Some(state) = self.of(node) else { return Ok(Value::Null) };
        match &state.items {
            Value::Array(items) => {
                Ok(items.get(state.count as usize).cloned().unwrap_or(Value::Null))
            }
            Value::Int(_) => Ok(Value::Int(i64::from(state.count) + 1)),
            _ => Ok(Value::Null),
        }
    }

    fn round(&mut self, node: NodeId) -> Result<Value, Failure> {
        Ok(self.of(node).map_or(Value::Null, |s| Value::Int(i64::from(s.count))))
    }

    fn column(&mut self, name: &str) -> Result<Value, Failure> {
        Err(Failure(format!("column {name} has no row here")))
    }

    fn state(&mut self, resource: ResourceId) -> Result<Value, Failure> {
        let content = self.store.read(resource);
        Ok(shown(self.program, resource, &content))
    }

    fn run(&mut self) -> Value {
        let runs = self.program.class(self.class).looped.is_none();
        if runs {
            self.block.item.clone()
        } else {
            self.parent.map_or(Value::Null, |p| p.item.clone())
        }
    }

    fn element(&mut self) -> Result<Value, Failure> {
        Ok(self.element.clone())
    }

    fn alias(&self) -> Alias {
        self.program.alias
    }
}

/// The content of a resource as `state('x')` shows it.
pub fn shown(program: &Program, resource: ResourceId, content: &Content) -> Value {
    use super::program::Shape;
    let row = |r: &super::content::Row| Value::Object(Arc::new(r.columns.clone()));
    match program.resource(resource).shape {
        Shape::Variable | Shape::Blob => content.single("value"),
        Shape::Item => content.live().next().map_or(Value::Null, |(_, r)| row(r)),
        Shape::Table | Shape::External => {
            Value::array(content.live().map(|(_, r)| row(r)).collect())
        }
    }
}

/// Sorts `[index, value]` pairs by index and drops the index.
fn unindexed(kept: &Value) -> Value {
    let Value::Array(pairs) = kept else { return Value::array(Vec::new()) };
    let mut pairs = pairs.to_vec();
    pairs.sort();
    let second = |p: &Value| match p {
        Value::Array(pair) => pair.get(1).cloned().unwrap_or(Value::Null),
        other => other.clone(),
    };
    Value::array(pairs.iter().map(second).collect())
}
