//! Etags that are kept in a store. In an answer that a process remembers, an etag ages when its row is written
//! (`hear.rs`). A variable or a column hears of nothing; so where one may hold an etag, the rows that it may be of
//! count their writes, and the etag remembers the count. So do the ids of leases, and the blob counts how often it was
//! leased.

use super::access::{Act, LeaseEvent};
use super::analysis::expressions;
use super::block::{Block, Mark, Memory};
use super::content::Content;
use super::expression::Expr;
use super::ids::{NodeId, ResourceId};
use super::program::{Access, Kind, Over, Program, Shape, Step};
use super::value::{Standing, Token, TokenKind, Value};
use std::collections::BTreeSet;

impl Content {
    /// How an etag of this resource stands.
    pub fn standing(&self, token: &Token) -> Standing {
        let now = self.rows.get(token.row as usize).and_then(Option::as_ref).map(|r| r.version);
        match (token.standing, token.version) {
            (Standing::Current, Some(then)) if now != Some(then) => Standing::Stale,
            (standing, _) => standing,
        }
    }
}

impl Block {
    /// Where an etag that was kept in a store is spent: the process itself has written the row since.
    pub(super) fn spent(&self, token: &Token) -> bool {
        let mark = Mark::Version(ResourceId(token.resource), token.row);
        matches!((self.marks.get(&mark), token.version),
            (Some(Memory::Value(Value::Int(own))), Some(then)) if *own > i64::from(then))
    }

    /// The process has written rows that count their writes.
    pub(super) fn note_versions(&mut self, rid: ResourceId, after: &Content, done: &Act) {
        for (row, _) in &done.wrote {
            let version = after.rows.get(*row as usize).and_then(Option::as_ref).map(|r| r.version);
            let version = Value::Int(i64::from(version.unwrap_or(u32::MAX)));
            self.marks.insert(Mark::Version(rid, *row), Memory::Value(version));
        }
    }
}

/// Counts the writes, and writes the counts into the etags of the answer.
pub(super) fn count(rid: ResourceId, before: &Content, done: &mut Act) {
    if let Some(after) = &mut done.after {
        for row in done.wrote.iter().map(|(row, _)| *row as usize).collect::<BTreeSet<_>>() {
            let old = before.rows.get(row).and_then(Option::as_ref).map_or(0, |r| r.version);
            if let Some(Some(row)) = after.rows.get_mut(row) {
                row.version = old + 1;
            }
        }
    }
    if let (Some(LeaseEvent::Acquired(_)), Some(after)) = (done.lease, &mut done.after) {
        after.leases += 1;
    }
    let now = done.after.as_ref().unwrap_or(before);
    done.output = counted(&done.output, rid, now);
}

fn counted(value: &Value, rid: ResourceId, now: &Content) -> Value {
    match value {
        Value::Token(t) if t.kind == TokenKind::Etag && t.resource == rid.0 => {
            let row = now.rows.get(t.row as usize).and_then(Option::as_ref);
            Value::Token(Token { version: row.map(|r| r.version), ..*t })
        }
        Value::Token(t) if t.resource == rid.0 && t.version.is_none() => {
            Value::Token(Token { version: Some(now.leases), ..*t })
        }
        Value::Array(items) => Value::array(items.iter().map(|v| counted(v, rid, now)).collect()),
        Value::Object(o) => {
            let pairs = o.iter().map(|(k, v)| (k.clone(), counted(v, rid, now)));
            Value::Object(std::sync::Arc::new(pairs.collect()))
        }
        other => other.clone(),
    }
}

/// The resources of whose etags and lease ids one may be kept in a store.
pub(super) fn kept(program: &Program) -> BTreeSet<ResourceId> {
    let mut work = Work { program, seen: BTreeSet::new(), found: BTreeSet::new() };
    for node in program.ids() {
        let Kind::Leaf(steps) = &program.node(node).kind else { continue };
        for step in steps {
            let Step::Access(_, access) = step else { continue };
            match access {
                Access::Update { set: row, .. }
                | Access::Create(row)
                | Access::CreateIfNone { row, .. }
                | Access::Upsert { row, .. } => row.iter().for_each(|(_, e)| work.holds(e)),
                Access::Add { value, .. }
                | Access::Store { value, .. }
                | Access::Write { value, .. } => {
                    work.holds(value);
                }
                _ => {}
            }
        }
    }
    work.found
}

struct Work<'p> {
    program: &'p Program,
    seen: BTreeSet<NodeId>,
    found: BTreeSet<ResourceId>,
}

impl Work<'_> {
    /// Adds whose etags the value of an expression may hold.
    fn holds(&mut self, expr: &Expr) {
        /// Properties that are an etag or that one may be in.
        const INSIDE: [&str; 8] =
            ["body", "headers", "value", "d", "results", "__metadata", "fields", "rows"];
        /// Functions whose value holds nothing of what they are told.
        const NEW: [&str; 24] = [
            "add",
            "sub",
            "mul",
            "div",
            "mod",
            "min",
            "max",
            "rand",
            "length",
            "empty",
            "equals",
            "less",
            "lessOrEquals",
            "greater",
            "greaterOrEquals",
            "not",
            "and",
            "or",
            "contains",
            "startsWith",
            "endsWith",
            "int",
            "float",
            "bool",
        ];
        match expr {
            Expr::Index { base, key, .. } => match &**key {
                Expr::Const(Value::String(key)) => {
                    if INSIDE.contains(&&**key) || names_token(key) {
                        self.holds(base);
                    }
                }
                _ => self.holds(base),
            },
            Expr::Call(f, _) if NEW.contains(&f.name()) => {}
            Expr::Call(f, args) if f.name() == "if" => {
                args.iter().skip(1).for_each(|a| self.holds(a));
            }
            Expr::Call(_, args)
            | Expr::Opaque(_, args)
            | Expr::Array(args)
            | Expr::Concat(args) => {
                args.iter().for_each(|a| self.holds(a));
            }
            Expr::Object(pairs) => pairs.iter().for_each(|(_, v)| self.holds(v)),
            Expr::Filter(from, _) => self.holds(from),
            Expr::Map(from, each) => {
                let mut looks = false;
                each.visit(&mut |e| looks |= *e == Expr::Element);
                if looks {
                    self.holds(from);
                }
                self.holds(each);
            }
            Expr::Output(n) | Expr::Body(n) | Expr::Action(n) | Expr::Result(n) | Expr::Item(n) => {
                for n in self.program.subtree(*n) {
                    self.answer(n);
                }
            }
            // What is there already was looked at where it was put there.
            Expr::Const(_)
            | Expr::Variable(_)
            | Expr::Element
            | Expr::Round(_)
            | Expr::Column(_)
            | Expr::State(_)
            | Expr::Run => {}
        }
    }

    fn answer(&mut self, node: NodeId) {
        let program = self.program;
        if !self.seen.insert(node) {
            return;
        }
        match &program.node(node).kind {
            Kind::Loop { over: Over::Values(over, _), .. } => self.holds(over),
            Kind::Leaf(steps) => {
                for step in steps {
                    match step {
                        Step::Access(r, _) if program.resource(*r).shape != Shape::Variable => {
                            self.found.insert(*r);
                        }
                        Step::Compute(_) | Step::Opaque { .. } => {
                            expressions(program, node).into_iter().for_each(|e| self.holds(e));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

fn names_token(property: &str) -> bool {
    let name = property.to_lowercase();
    name.contains("etag") || ["leaseid", "x-ms-lease-id"].contains(&&*name)
}
