//! Expr: an expression with its names resolved, ready to be evaluated against an [`Env`].

use super::function::Function;
use super::identity::Alias;
use super::ids::{NodeId, ResourceId};
use super::value::Value;
use std::sync::Arc;

/// A resolved expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// Known when the flow was read.
    Const(Value),
    /// `@{…}` interpolation: the parts as one text.
    Concat(Vec<Expr>),
    /// A list literal in a body.
    Array(Vec<Expr>),
    /// An object literal in a body; keys may be expressions.
    Object(Vec<(Expr, Expr)>),
    /// A function of its arguments alone.
    Call(Function, Vec<Expr>),
    /// A function nobody knows: its value depends on all its arguments.
    Opaque(Arc<str>, Vec<Expr>),
    /// `base[key]` or `base?[key]`.
    Index {
        /// What is looked into.
        base: Box<Expr>,
        /// Property name or position.
        key: Box<Expr>,
        /// Whether null is passed on instead of failing.
        safe: bool,
    },
    /// `outputs('X')`.
    Output(NodeId),
    /// `body('X')`.
    Body(NodeId),
    /// `actions('X')`.
    Action(NodeId),
    /// `result('X')`.
    Result(NodeId),
    /// `variables('v')`.
    Variable(ResourceId),
    /// `items('loop')`.
    Item(NodeId),
    /// `item()` inside Query and Select.
    Element,
    /// `iterationIndexes('until')`.
    Round(NodeId),
    /// A column of the row at hand, in SQL.
    Column(Arc<str>),
    /// Filter array: those elements for which the condition over [`Expr::Element`] holds.
    Filter(Box<Expr>, Box<Expr>),
    /// Select: each element turned into this.
    Map(Box<Expr>, Box<Expr>),
    /// A resource's content in a `finally` expression.
    State(ResourceId),
    /// Which run this is, where runs are told apart.
    Run,
}

/// Where an expression finds what is not in it.
pub trait Env {
    /// `outputs('X')`.
    fn output(&mut self, node: NodeId) -> Result<Value, Failure>;
    /// `body('X')`.
    fn body(&mut self, node: NodeId) -> Result<Value, Failure>;
    /// `actions('X')`.
    fn action(&mut self, node: NodeId) -> Result<Value, Failure>;
    /// `result('X')`.
    fn result(&mut self, node: NodeId) -> Result<Value, Failure>;
    /// `variables('v')`.
    fn variable(&mut self, variable: ResourceId) -> Result<Value, Failure>;
    /// `items('loop')`.
    fn item(&mut self, node: NodeId) -> Result<Value, Failure>;
    /// `iterationIndexes('until')`.
    fn round(&mut self, node: NodeId) -> Result<Value, Failure>;
    /// A column of the row at hand.
    fn column(&mut self, name: &str) -> Result<Value, Failure>;
    /// The content of a resource, in `finally`.
    fn state(&mut self, resource: ResourceId) -> Result<Value, Failure>;
    /// The element at hand inside Query and Select.
    fn element(&mut self) -> Result<Value, Failure>;
    /// Which run this is; null where runs are alike.
    fn run(&mut self) -> Value {
        Value::Null
    }
    /// Whether items may share a business key ([`super::identity::identity`]).
    fn alias(&self) -> Alias {
        Alias::default()
    }
}

/// Why an expression has no value: its action fails, the check goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);
