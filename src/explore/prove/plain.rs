//! Abstract states as they are, without numbers that stand for something: what a certificate lists, one line each, and
//! what the verifier steps.

use super::relative::{Cell, Sum, sum};
use super::state::{Count, Parts, Run, State, Tally};
use crate::model::block::{Block, NodeState, Phase};
use crate::model::content::{Content, Lease};
use crate::model::evaluate::json_text;
use crate::model::ids::ClassId;
use crate::model::program::Program;
use crate::model::value::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// An iteration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlainKid {
    /// Its loop.
    pub class: ClassId,
    /// Where it stands.
    pub block: Block,
    /// What it has done to relative cells.
    pub tally: Tally,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlainRun {
    /// Its flow.
    pub flow: u32,
    /// Where it stands.
    pub root: Block,
    /// What it has done itself.
    pub tally: Tally,
    /// How often its loops have ended.
    pub ended: Vec<u8>,
    /// Its variables.
    pub own: Vec<Arc<Content>>,
    /// Its iterations.
    pub kids: BTreeMap<PlainKid, Count>,
}

/// A state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plain {
    /// By resource; `None` for variables.
    pub shared: Vec<Option<Arc<Content>>>,
    /// Its runs.
    pub runs: BTreeMap<PlainRun, Count>,
}

/// One more of a kind.
pub fn join<K: Ord>(map: &mut BTreeMap<K, Count>, key: K, count: Count) {
    map.entry(key).and_modify(|c| *c = Count::Many).or_insert(count);
}

/// The state behind the numbers.
pub fn plain(program: &Program, parts: &Parts, state: &State) -> Plain {
    let shared = program.resources.iter().enumerate().map(|(index, r)| {
        r.owner.is_none().then(|| parts.contents[index].get(state.shared[index]).clone())
    });
    let runs =
        state.runs.iter().map(|&(id, count)| (run(program, parts, parts.runs.get(id)), count));
    Plain { shared: shared.collect(), runs: runs.collect() }
}

fn run(program: &Program, parts: &Parts, run: &Run) -> PlainRun {
    let plan = &program.flows[run.flow as usize];
    let own = plan.variables.iter().zip(&run.own);
    let kids = run.kids.iter().map(|(kid, count)| {
        let block = (**parts.block(kid.class, kid.block)).clone();
        let tally = (**parts.tallies.get(kid.tally)).clone();
        (PlainKid { class: kid.class, block, tally }, *count)
    });
    PlainRun {
        flow: run.flow,
        root: (**parts.block(plan.class, run.root)).clone(),
        tally: (**parts.tallies.get(run.tally)).clone(),
        ended: run.ended.clone(),
        own: own.map(|(v, &id)| parts.contents[v.index()].get(id).clone()).collect(),
        kids: kids.collect(),
    }
}

impl Plain {
    /// In one line, everything that tells it from others.
    pub fn line(&self, program: &Program) -> String {
        let mut out = String::new();
        for (resource, content) in program.resources.iter().zip(&self.shared) {
            if let Some(content) = content {
                _ = write!(out, "{}={} ", resource.name, content_text(program, content));
            }
        }
        for (run, count) in &self.runs {
            let plan = &program.flows[run.flow as usize];
            _ = write!(out, "{}{}{{", plan.name, times(*count));
            out.push_str(&block_text(program, plan.class, &run.root));
            _ = write!(out, "{} ended{:?}", tally_text(program, &run.tally), run.ended);
            for (variable, content) in plan.variables.iter().zip(&run.own) {
                let name = &program.resource(*variable).name;
                _ = write!(out, " {name}={}", content_text(program, content));
            }
            for (kid, count) in &run.kids {
                let name = program.class(kid.class).looped.map_or("", |l| &program.node(l).name);
                let block = block_text(program, kid.class, &kid.block);
                _ = write!(
                    out,
                    " {name}{}{{{block}{}}}",
                    times(*count),
                    tally_text(program, &kid.tally)
                );
            }
            out.push_str("} ");
        }
        out.trim_end().to_owned()
    }
}

fn times(count: Count) -> &'static str {
    match count {
        Count::One => "",
        Count::Many => "×many",
    }
}

fn block_text(program: &Program, class: ClassId, block: &Block) -> String {
    let mut parts = Vec::new();
    if block.item != Value::Null {
        parts.push(format!("item {}", value_text(program, &block.item)));
    }
    for (slot, state) in block.nodes.iter().enumerate() {
        if *state != NodeState::default() {
            let node = program.class(class).nodes[slot];
            parts.push(format!(
                "{}#{} {}",
                program.node(node).name,
                node.0,
                node_text(program, state)
            ));
        }
    }
    parts.extend(block.marks.iter().map(|(mark, memory)| format!("{mark:?}: {memory:?}")));
    parts.extend(block.ended.map(|s| s.text().to_owned()));
    parts.join("; ")
}

fn node_text(program: &Program, state: &NodeState) -> String {
    let mut text = match state.phase {
        Phase::Waiting => "waiting".to_owned(),
        Phase::Ready(step) => format!("ready {step}"),
        Phase::Running => "running".to_owned(),
        Phase::Done(status) => status.text().to_owned(),
    };
    for (name, value) in [("out", &state.output), ("over", &state.items)] {
        if *value != Value::Null {
            _ = write!(text, " {name} {}", value_text(program, value));
        }
    }
    if (state.count, state.started, state.flag) != (0, 0, false) {
        _ = write!(text, " {}/{}/{}", state.count, state.started, state.flag);
    }
    text
}

fn content_text(program: &Program, content: &Content) -> String {
    let rows = content.rows.iter().map(|row| {
        let Some(row) = row else { return "-".to_owned() };
        let columns = row.columns.iter().map(|(c, v)| format!("{c}: {}", value_text(program, v)));
        let marks = row.marks.iter().map(|(c, m)| format!("{c} by {m:?}"));
        columns.chain(marks).collect::<Vec<_>>().join(", ")
    });
    let lease = match content.lease {
        Lease::Available => String::new(),
        held => format!(" {held:?}"),
    };
    format!("[{}]{lease}", rows.collect::<Vec<_>>().join(" | "))
}

fn tally_text(program: &Program, tally: &Tally) -> String {
    let one = |(cell, (writes, sum)): (&Cell, &(u32, i64))| {
        format!(" {} written {writes} times, {sum:+} in all;", cell_text(program, cell))
    };
    tally.iter().map(one).collect()
}

fn cell_text(program: &Program, cell: &Cell) -> String {
    format!("{}[{}].{}", program.resource(cell.resource).name, cell.row, cell.column)
}

fn value_text(program: &Program, value: &Value) -> String {
    match value {
        Value::Token(t) => format!("{:?} {:?} of {}[{}]", t.standing, t.kind, t.resource, t.row),
        Value::Term(term) => {
            if let Some(Sum::Now(cell, k)) = sum(value) {
                return format!("now {}{k:+}", cell_text(program, &cell));
            }
            let args: Vec<String> = term.args.iter().map(|a| value_text(program, a)).collect();
            format!("{}({})", term.op, args.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|v| value_text(program, v)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(object) => {
            let pairs: Vec<String> =
                object.iter().map(|(k, v)| format!("{k}: {}", value_text(program, v))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        other => json_text(other),
    }
}
