//! What follows from a program before it is run: who can notice which step, whose outputs live how long, which
//! writes are blind, which conditions an effect depends on.

use super::expression::Expr;
use super::ids::{NodeId, ResourceId};
use super::program::{Access, Adding, Filter, Guard, Kind, Over, Program, Shape, Step, Visibility};
use super::support::{readers, support};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One way in which an action touches a resource.
#[derive(Clone, Debug)]
struct Touch {
    node: NodeId,
    resource: ResourceId,
    /// `None`: all.
    columns: Option<BTreeSet<Arc<str>>>,
    how: How,
    /// Rows, if selected by equal columns.
    rows: Vec<(Arc<str>, Expr)>,
    /// Whether it makes or removes rows (or must see that).
    existence: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Read,
    Write,
    /// Increments and appends among themselves come to the same in any order.
    Add,
    /// New rows among themselves do, too, as long as nobody lists them.
    Make,
}

/// Fills in the derived fields of all nodes. Without `merge`, every access of something that anybody writes is a step
/// of its own, whether or not another process can notice it.
pub fn analyse(program: &mut Program, merge: bool) {
    let all: Vec<NodeId> =
        (0..program.nodes.len()).map(|n| NodeId(u32::try_from(n).unwrap_or(u32::MAX))).collect();
    let touches: Vec<Touch> = all.iter().flat_map(|&n| touches(program, n)).collect();
    for &node in &all {
        let guards = guards(program, node, &touches);
        program.nodes[node.index()].guards = guards;
        let blind = blind(program, node);
        program.nodes[node.index()].blind = blind;
    }
    program.tracked = tracked(program, &touches);
    for &node in &all {
        let mut visibility = visibility(program, node, &touches);
        if !merge
            && touches.iter().any(|t| {
                t.node == node
                    && touches.iter().any(|o| o.resource == t.resource && o.how != How::Read)
            })
        {
            visibility = Visibility::Visible;
        }
        program.nodes[node.index()].visibility = visibility;
        let exhaustible = exhaustible(program, node, &all);
        program.nodes[node.index()].exhaustible = exhaustible;
    }
    collected(program, &all);
    consumers(program, &all);
    for &node in &all {
        let used = used(program, node);
        program.nodes[node.index()].used = used;
        let keeps = keeps(program, node, &all);
        program.nodes[node.index()].keeps = keeps;
    }
    for class in 0..program.classes.len() {
        let looped = program.classes[class].looped;
        let uses = looped.is_some_and(|l| mentions_item(program, l, &all));
        program.classes[class].uses_item = uses;
        program.classes[class].indexed =
            looped.is_some_and(|l| !program.node(l).collected.is_empty());
    }
}

/// The steps of a node, if it has any.
fn steps(program: &Program, node: NodeId) -> &[Step] {
    match &program.node(node).kind {
        Kind::Leaf(steps) => steps,
        _ => &[],
    }
}

/// Every expression that a node evaluates.
pub fn expressions(program: &Program, node: NodeId) -> Vec<&Expr> {
    match &program.node(node).kind {
        Kind::If(e) | Kind::Until { condition: e, .. } => vec![e],
        Kind::Switch(e, cases) => std::iter::once(e).chain(cases).collect(),
        Kind::Loop { over: Over::Values(e, _), .. } => vec![e],
        Kind::Loop { over: Over::Count(_), .. }
        | Kind::Group
        | Kind::Parallel
        | Kind::Terminate(_) => Vec::new(),
        Kind::Leaf(steps) => steps
            .iter()
            .flat_map(|s| match s {
                Step::Compute(e) | Step::Wait(e) | Step::Send(e) => vec![e],
                Step::Access(_, access) => access.expressions(),
                Step::Opaque(_, args) => args.iter().collect(),
            })
            .collect(),
    }
}

fn touches(program: &Program, node: NodeId) -> Vec<Touch> {
    let mut all = Vec::new();
    let touch = |resource, how, columns, rows: &Filter, existence| Touch {
        node,
        resource,
        columns,
        how,
        rows: if rows.rest.is_none() { rows.equal.clone() } else { Vec::new() },
        existence,
    };
    for expr in expressions(program, node) {
        expr.visit(&mut |e| {
            if let Expr::Variable(v) = e {
                all.push(touch(*v, How::Read, None, &Filter::default(), false));
            }
        });
    }
    for step in steps(program, node) {
        let Step::Access(r, access) = step else { continue };
        let none = Filter::default();
        match access {
            Access::Get | Access::Load => {
                // An etag changes with every column.
                let columns = used(program, node)
                    .filter(|u| !u.contains("etag"))
                    .map(|u| u.into_iter().filter(|c| &**c != "statusCode").collect());
                all.push(touch(*r, How::Read, columns, &none, false));
            }
            Access::List(f) | Access::Select(f, _) | Access::Probe(f) => {
                all.push(touch(*r, How::Read, None, f, true));
            }
            Access::Update { filter, set, if_match, sql } => {
                let columns: BTreeSet<Arc<str>> = set.iter().map(|(c, _)| c.clone()).collect();
                let plain =
                    if_match.is_none() && *sql && set.iter().all(|(c, e)| is_increment(c, e));
                let how = if plain { How::Add } else { How::Write };
                all.push(touch(*r, how, Some(columns), filter, false));
                if if_match.is_some() {
                    all.push(touch(*r, How::Read, None, filter, false));
                }
            }
            Access::Add { .. } => all.push(touch(*r, How::Add, None, &none, false)),
            Access::Store { .. } | Access::Write { .. } => {
                all.push(touch(*r, How::Write, None, &none, false));
            }
            Access::Create(row) => {
                let made = Filter { equal: constant_columns(row), rest: None };
                all.push(touch(*r, How::Make, None, &made, true));
            }
            Access::CreateIfNone { unless, .. } => {
                all.push(touch(*r, How::Write, None, unless, true));
            }
            Access::Upsert { key, .. } => {
                let rows = Filter { equal: key.clone(), rest: None };
                all.push(touch(*r, How::Write, None, &rows, true));
            }
            Access::Delete(f, _) => all.push(touch(*r, How::Write, None, f, true)),
            Access::Acquire { .. } | Access::Renew(_) | Access::Release(_) => {
                all.push(touch(
                    *r,
                    How::Write,
                    Some(BTreeSet::from(["#lease".into()])),
                    &none,
                    false,
                ));
            }
        }
        if let Access::Write { .. } = access {
            all.push(touch(*r, How::Read, Some(BTreeSet::from(["#lease".into()])), &none, false));
        }
    }
    all
}

/// `c = c + k` or `c = c - k` over the row, with a constant `k`.
fn is_increment(column: &str, expr: &Expr) -> bool {
    let Expr::Call(function, args) = expr else { return false };
    let name = function.name();
    match args.as_slice() {
        [Expr::Column(c), Expr::Const(_)] => &**c == column && (name == "add" || name == "sub"),
        [Expr::Const(_), Expr::Column(c)] => &**c == column && name == "add",
        _ => false,
    }
}

fn constant_columns(row: &[(Arc<str>, Expr)]) -> Vec<(Arc<str>, Expr)> {
    row.to_vec()
}

/// Whether the two, in unordered processes, can notice each other's order. The selectors are what would keep their
/// rows apart.
fn conflict(program: &Program, a: &Touch, b: &Touch) -> Option<Vec<(NodeId, Expr)>> {
    if a.resource != b.resource || (a.how == How::Read && b.how == How::Read) {
        return None;
    }
    let resource = program.resource(a.resource);
    if a.how == How::Add && b.how == How::Add {
        let ordered = resource.shape == Shape::Variable && is_array_read(program, a.resource);
        return ordered.then(Vec::new);
    }
    if a.how == How::Make
        && b.how == How::Make
        && resource.key.is_empty()
        && !is_listed(program, a.resource)
    {
        return None;
    }
    let structure = a.existence && b.existence;
    if let (Some(x), Some(y)) = (&a.columns, &b.columns)
        && x.is_disjoint(y)
        && !structure
    {
        return None;
    }
    Some(selectors(program, a, b))
}

/// Whether anybody looks at the order of what was appended.
fn is_array_read(program: &Program, variable: ResourceId) -> bool {
    (0..program.nodes.len()).any(|n| {
        let node = NodeId(u32::try_from(n).unwrap_or(u32::MAX));
        steps(program, node)
            .iter()
            .any(|s| matches!(s, Step::Access(r, Access::Add { how: Adding::Append, .. }) if *r == variable))
    }) && (0..program.nodes.len()).any(|n| {
        let node = NodeId(u32::try_from(n).unwrap_or(u32::MAX));
        let mut reads = false;
        for e in expressions(program, node) {
            e.visit(&mut |e| reads |= *e == Expr::Variable(variable));
        }
        reads || program.reads(node) == Some(variable)
    })
}

fn is_listed(program: &Program, table: ResourceId) -> bool {
    (0..program.nodes.len()).any(|n| {
        let node = NodeId(u32::try_from(n).unwrap_or(u32::MAX));
        program.reads(node) == Some(table)
    }) || program.resource(table).unique
}

/// Selections by the same expression over the items of one concurrent loop, on a column that is never changed.
fn selectors(program: &Program, a: &Touch, b: &Touch) -> Vec<(NodeId, Expr)> {
    let Some(looped) = program.concurrent_loop(a.node) else { return Vec::new() };
    if program.concurrent_loop(b.node) != Some(looped)
        || program.overlap_across_runs(a.node, b.node, a.resource)
    {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (column, expr) in &a.rows {
        let same = b.rows.iter().any(|(c, e)| c == column && e == expr);
        if same && only_item(expr, looped) && !program.changes(a.resource, column) {
            found.push((looped, expr.clone()));
        }
    }
    found
}

/// Whether an expression depends on the loop's item and nothing else.
fn only_item(expr: &Expr, looped: NodeId) -> bool {
    let (mut item, mut other) = (false, false);
    expr.visit(&mut |e| match e {
        Expr::Item(l) if *l == looped => item = true,
        Expr::Const(_) | Expr::Index { .. } | Expr::Call(..) | Expr::Concat(_) => {}
        _ => other = true,
    });
    item && !other
}

fn visibility(program: &Program, node: NodeId, touches: &[Touch]) -> Visibility {
    let mut keep_apart: Vec<(NodeId, Expr)> = Vec::new();
    let overlaps = |other: NodeId, resource: ResourceId| overlaps(program, node, other, resource);
    for mine in touches.iter().filter(|t| t.node == node) {
        for other in touches.iter().filter(|t| overlaps(t.node, t.resource)) {
            match conflict(program, mine, other) {
                None => {}
                Some(selectors) if selectors.is_empty() => return Visibility::Visible,
                Some(selectors) => keep_apart.push(selectors[0].clone()),
            }
        }
    }
    if is_effect(program, node)
        && effect_support(program, node).into_iter().any(|r| written(node, r, program, touches))
    {
        return Visibility::Visible;
    }
    if let Kind::Leaf(steps) = &program.node(node).kind
        && steps.iter().any(|s| matches!(s, Step::Wait(_)))
    {
        return if touches.iter().any(|t| t.node == node) {
            Visibility::Visible
        } else {
            Visibility::Local
        };
    }
    keep_apart.dedup();
    if keep_apart.is_empty() { Visibility::Local } else { Visibility::Unless(keep_apart) }
}

fn overlaps(program: &Program, a: NodeId, b: NodeId, resource: ResourceId) -> bool {
    if program.resource(resource).owner.is_some() {
        program.flow_of(a) == program.flow_of(b) && program.overlap_in_run(a, b)
    } else {
        program.overlap(a, b)
    }
}

/// Whether a process unordered with this action may write the resource.
fn written(node: NodeId, resource: ResourceId, program: &Program, touches: &[Touch]) -> bool {
    touches.iter().any(|t| {
        t.resource == resource && t.how != How::Read && overlaps(program, node, t.node, resource)
    })
}

/// Whether an action does anything that stays.
fn is_effect(program: &Program, node: NodeId) -> bool {
    steps(program, node).iter().any(|s| match s {
        Step::Send(_) => true,
        Step::Access(_, a) => !matches!(
            a,
            Access::Get | Access::List(_) | Access::Select(..) | Access::Probe(_) | Access::Load
        ),
        Step::Compute(_) | Step::Wait(_) | Step::Opaque(..) => false,
    })
}

/// The resources that an effect's value and conditions come from.
fn effect_support(program: &Program, node: NodeId) -> BTreeSet<ResourceId> {
    let mut all = BTreeSet::new();
    for expr in expressions(program, node) {
        all.extend(support(program, expr));
    }
    for guard in &program.node(node).guards {
        all.extend(guard_exprs(program, guard).into_iter().flat_map(|e| support(program, e)));
    }
    all
}

/// The expressions of a guard.
pub fn guard_exprs<'p>(program: &'p Program, guard: &Guard) -> Vec<&'p Expr> {
    let (Guard::Side(n, _) | Guard::Case(n, _) | Guard::Again(n) | Guard::Left(n)) = guard;
    expressions(program, *n)
}

/// The conditions that an effect depends on and that another process can turn.
fn guards(program: &Program, node: NodeId, touches: &[Touch]) -> Vec<Guard> {
    if !is_effect(program, node) {
        return Vec::new();
    }
    let mut guards = Vec::new();
    let mut inner = node;
    for outer in program.ancestors(node).skip(1) {
        let position = program.node(outer).children.iter().position(|&c| c == inner);
        match (&program.node(outer).kind, position) {
            (Kind::If(_), Some(side)) => guards.push(Guard::Side(outer, side == 0)),
            (Kind::Switch(_, cases), Some(at)) => {
                guards.push(Guard::Case(outer, (at < cases.len()).then_some(at)));
            }
            (Kind::Until { .. }, _) => guards.push(Guard::Again(outer)),
            (Kind::Group, _) => {
                for &sibling in &program.node(outer).children {
                    if matches!(program.node(sibling).kind, Kind::Until { .. })
                        && program.precedes(sibling, inner)
                    {
                        guards.push(Guard::Left(sibling));
                    }
                }
            }
            _ => {}
        }
        inner = outer;
    }
    let turned = |guard: &Guard| {
        let resources = guard_exprs(program, guard).into_iter().flat_map(|e| support(program, e));
        resources.into_iter().any(|r| written(node, r, program, touches))
    };
    guards.retain(turned);
    guards
}

/// Columns that the action writes without having looked at them: neither value nor conditions read them, no
/// increment, no etag.
fn blind(program: &Program, node: NodeId) -> BTreeSet<Arc<str>> {
    let mut blind = BTreeSet::new();
    for step in steps(program, node) {
        let Step::Access(r, access) = step else { continue };
        let (columns, etag): (Vec<Arc<str>>, Option<&Expr>) = match access {
            Access::Update { set, if_match, .. } => {
                (set.iter().map(|(c, _)| c.clone()).collect(), if_match.as_ref())
            }
            Access::Write { if_match, .. } => (vec!["value".into()], if_match.as_ref()),
            Access::Upsert { row, .. } => (row.iter().map(|(c, _)| c.clone()).collect(), None),
            _ => continue,
        };
        if etag.is_some_and(|e| *e != Expr::Const(super::value::Value::text("*"))) {
            continue;
        }
        let mut all: BTreeSet<ResourceId> =
            expressions(program, node).into_iter().flat_map(|e| support(program, e)).collect();
        for guard in &program.node(node).guards {
            all.extend(guard_exprs(program, guard).into_iter().flat_map(|e| support(program, e)));
        }
        for column in columns {
            let over_itself = match access {
                Access::Update { set, .. } => set.iter().any(|(c, e)| {
                    let mut own = false;
                    e.visit(&mut |x| own |= matches!(x, Expr::Column(k) if *k == column));
                    *c == column && own
                }),
                _ => false,
            };
            let reads = all.contains(r) && column_read(program, node, *r, &column);
            if !reads && !over_itself {
                blind.insert(column);
            }
        }
    }
    blind
}

/// Whether the action's values or conditions look at this column (of an item; any column of a table).
fn column_read(program: &Program, node: NodeId, resource: ResourceId, column: &str) -> bool {
    if program.resource(resource).shape != Shape::Item {
        return true;
    }
    let mut exprs: Vec<&Expr> = expressions(program, node);
    for guard in &program.node(node).guards {
        exprs.extend(guard_exprs(program, guard));
    }
    let mut nodes = BTreeSet::new();
    for e in &exprs {
        nodes.extend(readers(program, e));
    }
    let own = exprs.iter().copied();
    let through = nodes.iter().flat_map(|&n| expressions(program, n));
    let mut found = false;
    for expr in own.chain(through) {
        let mut indexed = BTreeSet::new();
        expr.visit(&mut |e| {
            if let Expr::Index { base, key, .. } = e
                && let Expr::Output(n) | Expr::Body(n) = &**base
            {
                indexed.insert(*n);
                let is_get = program.reads(*n) == Some(resource);
                found |= is_get
                    && match &**key {
                        Expr::Const(super::value::Value::String(c)) => &**c == column,
                        _ => true,
                    };
            }
        });
        expr.visit(&mut |e| {
            if let Expr::Output(n) | Expr::Body(n) = e {
                found |= program.reads(*n) == Some(resource) && !indexed.contains(n);
            }
        });
    }
    found
}

/// Cells whose last writer a rule asks for: unordered blind writes, variables read back, rows with a business key.
fn tracked(program: &Program, touches: &[Touch]) -> BTreeSet<(ResourceId, Arc<str>)> {
    let mut tracked = BTreeSet::new();
    for touch in touches.iter().filter(|t| t.how == How::Write) {
        for column in &program.node(touch.node).blind {
            let rival = |t: &&Touch| {
                t.resource == touch.resource
                    && program.node(t.node).blind.contains(column)
                    && overlaps(program, touch.node, t.node, touch.resource)
            };
            if touches.iter().any(|t| rival(&t)) {
                tracked.insert((touch.resource, column.clone()));
            }
        }
    }
    for (index, resource) in program.resources.iter().enumerate() {
        let id = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
        let writers = || touches.iter().filter(move |t| t.resource == id && t.how != How::Read);
        if resource.shape == Shape::Variable {
            let read_back = touches.iter().any(|t| t.resource == id && t.how == How::Read);
            let raced = writers().any(|a| writers().any(|b| overlaps(program, a.node, b.node, id)));
            let computed = writers().any(|a| {
                expressions(program, a.node)
                    .into_iter()
                    .any(|e| support(program, e).into_iter().any(|r| r != id))
            });
            if read_back && (raced || computed) {
                tracked.insert((id, "value".into()));
            }
        }
        if !resource.key.is_empty() {
            let makes = || {
                touches
                    .iter()
                    .filter(move |t| t.resource == id && t.existence && t.how != How::Read)
            };
            if makes().any(|a| makes().any(|b| overlaps(program, a.node, b.node, id))) {
                tracked.insert((id, "".into()));
            }
        }
    }
    tracked
}

/// Whether waiting for a lease can be used up: only if count × interval is shorter than the worst-case sections of
/// the other holders together (design.md §4).
fn exhaustible(program: &Program, node: NodeId, all: &[NodeId]) -> bool {
    let own = steps(program, node).iter().find_map(|s| match s {
        Step::Access(r, Access::Acquire { retry, .. }) => Some((*r, retry.unwrap_or((0, 0)))),
        _ => None,
    });
    let Some((lease, (count, interval))) = own else { return false };
    let patience = count.saturating_mul(interval);
    let mut others = 0u64;
    for &other in all {
        let acquires = steps(program, other)
            .iter()
            .any(|s| matches!(s, Step::Access(r, Access::Acquire { .. }) if *r == lease));
        if !acquires {
            continue;
        }
        let section: u64 = all
            .iter()
            .filter(|&&n| {
                program.precedes(other, n) && !released_before(program, other, n, lease, all)
            })
            .map(|&n| program.node(n).takes)
            .fold(0, u64::saturating_add);
        others = others.saturating_add(section.saturating_mul(instances(program, other, node)));
    }
    patience < others
}

fn released_before(
    program: &Program,
    acquire: NodeId,
    node: NodeId,
    lease: ResourceId,
    all: &[NodeId],
) -> bool {
    all.iter().any(|&r| {
        steps(program, r)
            .iter()
            .any(|s| matches!(s, Step::Access(l, Access::Release(_)) if *l == lease))
            && program.precedes(acquire, r)
            && program.precedes(r, node)
    })
}

/// How many other processes run `other` beside one that runs `node`.
fn instances(program: &Program, other: NodeId, node: NodeId) -> u64 {
    let flow = program.flow_of(other) as usize;
    let runs = u64::from(program.flows[flow].runs);
    let items = program.concurrent_loop(other).map_or(1, |l| match &program.node(l).kind {
        Kind::Loop { over: Over::Count(n) | Over::Values(_, n), .. } => *n,
        _ => 1,
    });
    let all = runs.saturating_mul(items);
    if other == node { all.saturating_sub(1) } else { all }
}

fn collected(program: &mut Program, all: &[NodeId]) {
    for &reader in all {
        let mut wanted = Vec::new();
        for expr in expressions(program, reader) {
            expr.visit(&mut |e| {
                if let Expr::Output(n) | Expr::Body(n) | Expr::Action(n) = e {
                    wanted.push(*n);
                }
                if let Expr::Result(n) = e {
                    wanted.extend(program.subtree(*n));
                }
            });
        }
        for node in wanted {
            let loops: Vec<NodeId> = program
                .ancestors(node)
                .skip(1)
                .filter(|&l| {
                    matches!(program.node(l).kind, Kind::Loop { .. }) && !program.inside(reader, l)
                })
                .collect();
            for looped in loops {
                let list = &mut program.nodes[looped.index()].collected;
                if !list.contains(&node) {
                    list.push(node);
                    list.sort();
                }
            }
        }
    }
}

/// For each node, those of its class that may still ask for its output, directly or by a re-evaluation.
fn consumers(program: &mut Program, all: &[NodeId]) {
    let mut pairs: BTreeSet<(NodeId, NodeId)> = BTreeSet::new();
    for &reader in all {
        let mut wanted = BTreeSet::new();
        let mut exprs = expressions(program, reader);
        let effect = is_effect(program, reader);
        if effect {
            for guard in &program.node(reader).guards {
                exprs.extend(guard_exprs(program, guard));
            }
        }
        for expr in exprs {
            direct(program, expr, &mut wanted);
            if effect {
                let mut more: BTreeSet<NodeId> = readers(program, expr);
                for &n in &more.clone() {
                    for e in expressions(program, n) {
                        direct(program, e, &mut more);
                    }
                }
                wanted.extend(more);
            }
        }
        for node in wanted {
            pairs.insert((node, reader));
            for looped in program.ancestors(node).skip(1) {
                if program.node(looped).collected.contains(&node) {
                    pairs.insert((looped, reader));
                    pairs.insert((node, looped));
                }
            }
        }
    }
    for (node, reader) in pairs {
        if let Some(seen) = seen_from(program, node, reader) {
            let list = &mut program.nodes[node.index()].consumers;
            if !list.contains(&seen) {
                list.push(seen);
            }
        }
    }
}

fn direct(program: &Program, expr: &Expr, wanted: &mut BTreeSet<NodeId>) {
    expr.visit(&mut |e| match e {
        Expr::Output(n) | Expr::Body(n) | Expr::Action(n) => {
            wanted.insert(*n);
        }
        Expr::Result(n) => wanted.extend(program.subtree(*n)),
        _ => {}
    });
}

/// The node of the producer's class that stands for the reader: the reader itself, or the outermost loop around it
/// that the producer is not in (a loop may run it again).
fn seen_from(program: &Program, node: NodeId, reader: NodeId) -> Option<NodeId> {
    let class = program.node(node).class;
    let mut seen = None;
    for n in program.ancestors(reader) {
        if program.inside(node, n) && n != reader {
            break;
        }
        if program.node(n).class == class {
            let again = matches!(program.node(n).kind, Kind::Loop { .. } | Kind::Until { .. });
            if seen.is_none() || (again && n != node) {
                seen = Some(n);
            }
        }
    }
    seen
}

/// The properties of a node's output that anybody reads; `None` if somebody wants all of it.
fn used(program: &Program, node: NodeId) -> Option<BTreeSet<Arc<str>>> {
    let mut columns = BTreeSet::new();
    let mut whole = false;
    for index in 0..program.nodes.len() {
        let reader = NodeId(u32::try_from(index).unwrap_or(u32::MAX));
        for expr in expressions(program, reader) {
            use_of(expr, node, &mut columns, &mut whole);
            expr.visit(&mut |e| {
                if let Expr::Result(n) = e {
                    whole |= program.inside(node, *n);
                }
                whole |= matches!(e, Expr::Action(n) if *n == node);
            });
        }
    }
    (!whole).then_some(columns)
}

fn use_of(expr: &Expr, node: NodeId, columns: &mut BTreeSet<Arc<str>>, whole: &mut bool) {
    let mut bare = 0usize;
    let mut indexed = 0usize;
    expr.visit(&mut |e| match e {
        Expr::Output(n) | Expr::Body(n) if *n == node => bare += 1,
        Expr::Index { base, key, .. } => {
            if let (Expr::Output(n) | Expr::Body(n), Expr::Const(super::value::Value::String(k))) =
                (&**base, &**key)
                && *n == node
            {
                indexed += 1;
                columns.insert(k.clone());
            }
        }
        _ => {}
    });
    *whole |= bare > indexed;
}

/// Reads of the resources this action writes, whose answers later effects of the process still use.
fn keeps(program: &Program, node: NodeId, all: &[NodeId]) -> Vec<NodeId> {
    let mut kept = Vec::new();
    for step in steps(program, node) {
        let Step::Access(r, access) = step else { continue };
        if matches!(access, Access::Get | Access::List(_) | Access::Select(..)) {
            continue;
        }
        for &reader in all {
            let reads = program.reads(reader) == Some(*r)
                || expressions(program, reader).into_iter().any(|e| {
                    let mut found = false;
                    e.visit(&mut |x| found |= *x == Expr::Variable(*r));
                    found
                });
            let around = program.precedes(reader, node);
            // A loop around the write, but not around the read, brings the effects before it round again.
            let again = program.ancestors(node).skip(1).any(|l| {
                let serial =
                    matches!(program.node(l).kind, Kind::Loop { degree, .. } if degree <= 1);
                let until = matches!(program.node(l).kind, Kind::Until { .. });
                (serial || until) && !program.inside(reader, l)
            });
            let later = all.iter().any(|&e| {
                (again || (e != node && !program.precedes(e, node)))
                    && is_effect(program, e)
                    && program.precedes(reader, e)
                    && expressions(program, e)
                        .into_iter()
                        .chain(program.node(e).guards.iter().flat_map(|g| guard_exprs(program, g)))
                        .any(|x| readers(program, x).contains(&reader))
            });
            if reads && around && later && reader != node {
                kept.push(reader);
            }
        }
    }
    kept
}

fn mentions_item(program: &Program, looped: NodeId, all: &[NodeId]) -> bool {
    all.iter().any(|&n| {
        program.inside(n, looped)
            && (expressions(program, n).into_iter().any(|e| {
                let mut found = false;
                e.visit(&mut |x| found |= *x == Expr::Item(looped));
                found
            }) || steps(program, n).iter().any(|s| matches!(s, Step::Opaque(..))))
    })
}

impl Program {
    /// Whether two runs can meet at this resource.
    pub fn overlap_across_runs(&self, a: NodeId, b: NodeId, resource: ResourceId) -> bool {
        self.resource(resource).owner.is_none()
            && (self.flow_of(a) != self.flow_of(b) || self.flows[self.flow_of(a) as usize].runs > 1)
    }
}
