//! Expressions over a row, as SQL has them, or over an element of a list.

use super::content::Row;
use super::evaluate::evaluate;
use super::expression::{Env, Expr, Failure};
use super::identity::Alias;
use super::ids::{NodeId, ResourceId};
use super::value::Value;

/// An environment with something at hand that the one around does not have.
pub(super) struct Within<'a> {
    inner: &'a mut dyn Env,
    here: Here<'a>,
}

enum Here<'a> {
    /// `Column(c)` is a column of it.
    Row(&'a Row),
    /// `Element` is this.
    Element(Value),
}

impl<'a> Within<'a> {
    pub(super) fn element(inner: &'a mut dyn Env, element: Value) -> Self {
        Self { inner, here: Here::Element(element) }
    }
}

impl Env for Within<'_> {
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
        match &self.here {
            Here::Row(row) => Ok(row.get(name)),
            Here::Element(_) => self.inner.column(name),
        }
    }
    fn state(&mut self, resource: ResourceId) -> Result<Value, Failure> {
        self.inner.state(resource)
    }
    fn run(&mut self) -> Value {
        self.inner.run()
    }
    fn element(&mut self) -> Result<Value, Failure> {
        match &self.here {
            Here::Element(element) => Ok(element.clone()),
            Here::Row(_) => self.inner.element(),
        }
    }
    fn alias(&self) -> Alias {
        self.inner.alias()
    }
}

pub(super) fn over_row(expr: &Expr, row: &Row, env: &mut dyn Env) -> Result<Value, Failure> {
    evaluate(expr, &mut Within { inner: env, here: Here::Row(row) })
}
