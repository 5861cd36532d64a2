//! Expressions over a row, as SQL has them.

use super::content::Row;
use super::evaluate::evaluate;
use super::expression::{Env, Expr, Failure};
use super::identity::Alias;
use super::ids::{NodeId, ResourceId};
use super::value::Value;

/// Evaluates over a row: `Column(c)` is a column of it.
struct RowEnv<'a> {
    inner: &'a mut dyn Env,
    row: &'a Row,
}

impl Env for RowEnv<'_> {
    fn output(&mut self, node: NodeId) -> Result<Value, Failure> {
        self.inner.output(node)
    }
    fn body(&mut self, node: NodeId) -> Result<Value, Failure> {
        self.inner.body(node)
    }
    fn action(&mut self, node: NodeId) -> Result<Value, Failure> {
        self.inner.action(node)
    }
    fn result(&mut self, node: NodeId) -> Result<Value, Failure> {
        self.inner.result(node)
    }
    fn variable(&mut self, variable: ResourceId) -> Result<Value, Failure> {
        self.inner.variable(variable)
    }
    fn item(&mut self, node: NodeId) -> Result<Value, Failure> {
        self.inner.item(node)
    }
    fn round(&mut self, node: NodeId) -> Result<Value, Failure> {
        self.inner.round(node)
    }
    fn column(&mut self, name: &str) -> Result<Value, Failure> {
        Ok(self.row.get(name))
    }
    fn state(&mut self, resource: ResourceId) -> Result<Value, Failure> {
        self.inner.state(resource)
    }
    fn run(&mut self) -> Value {
        self.inner.run()
    }
    fn element(&mut self) -> Result<Value, Failure> {
        self.inner.element()
    }
    fn alias(&self) -> Alias {
        self.inner.alias()
    }
}

pub(super) fn over_row(expr: &Expr, row: &Row, env: &mut dyn Env) -> Result<Value, Failure> {
    evaluate(expr, &mut RowEnv { inner: env, row })
}
