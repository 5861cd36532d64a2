//! Child flows: a call of a flow whose definition is at hand is replaced by what that flow does.
//!
//! A child runs its own actions on its own variables; the caller waits for its Response, not for its end (semantics
//! §2). So the actions up to the Response become a scope in the call's place, the rest a scope beside whatever follows
//! the call. Where that would not be what happens, the call stays one of which nothing is known, and a note says why
//! (`Work::child`).

mod child;

use super::ast::{Action, ActionKind, Call, Definition, Flow, RunAfter, Status};
use super::expression::{Expr, Template};
use super::location::Location;
use super::walk::{every_action, every_expr, parts};
use child::{refusal, split};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The deepest chain of calls that is followed.
const DEEPEST: usize = 8;
/// Stands between the name of a call and the name of an action of the flow that it calls.
const INSIDE: &str = " › ";

/// Whether an action of this name stands inside a call that was looked into.
pub fn is_inside(name: &str) -> bool {
    name.contains(INSIDE)
}

/// Flows that others may call, by name and, for solutions, by identifier.
#[derive(Debug, Default)]
pub struct Library<'d> {
    flows: BTreeMap<String, Option<&'d Definition>>,
}

impl<'d> Library<'d> {
    /// All these; a name that two of them have names none.
    pub fn new(definitions: impl Iterator<Item = &'d Definition>) -> Self {
        let mut flows: BTreeMap<String, Option<&'d Definition>> = BTreeMap::new();
        for definition in definitions.filter(|d| d.setup.state.is_empty() && d.flows.len() == 1) {
            let mut names = BTreeSet::from([definition.name.to_lowercase()]);
            names.insert(definition.flows[0].name.to_lowercase());
            names.extend(identifier(&definition.path));
            for name in names {
                flows.entry(name).and_modify(|other| *other = None).or_insert(Some(definition));
            }
        }
        Self { flows }
    }

    /// The flow that a call is of, if it is at hand.
    fn called(&self, call: &Call) -> Option<&'d Definition> {
        if call.connector != "workflow" {
            return None;
        }
        let host = call.parameters.get("host")?;
        let name = member(host, "workflowReferenceName")
            .or_else(|| member(member(host, "workflow")?, "id"))?;
        let Template::Text(name) = name else { return None };
        let last = name.trim_end_matches('/').rsplit('/').next().unwrap_or(name);
        *self.flows.get(&last.to_lowercase())?
    }
}

/// The identifier that a solution appends to a flow's file name.
fn identifier(path: &str) -> Option<String> {
    let stem = path.rsplit('/').next()?.strip_suffix(".json")?;
    let at = stem.len().checked_sub(36)?;
    let id = stem.get(at..)?;
    id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-').then(|| id.to_lowercase())
}

/// The definition with the calls of flows at hand replaced; `None` if there are none.
pub fn inline(definition: &Definition, library: &Library<'_>) -> Option<Definition> {
    let mut whole = definition.clone();
    let mut notes = Vec::new();
    for flow in &mut whole.flows {
        let Flow { actions, parameters, .. } = flow;
        let mut work = Work { library, notes: Vec::new(), parameters: std::mem::take(parameters) };
        work.expand(actions, &[definition], false);
        *parameters = work.parameters;
        notes.append(&mut work.notes);
    }
    if notes.is_empty() {
        return None;
    }
    whole.notes.append(&mut notes);
    Some(whole)
}

struct Work<'l, 'd> {
    library: &'l Library<'d>,
    notes: Vec<String>,
    parameters: BTreeMap<String, Template>,
}

impl Work<'_, '_> {
    /// Replaces the calls in a flow or a flow within it; `chain`: who calls whom, down to these actions.
    fn expand(&mut self, actions: &mut Vec<Action>, chain: &[&Definition], concurrent: bool) {
        let mut answers = Vec::new();
        self.container(actions, chain, (concurrent, true), &mut answers);
        every_expr(actions, &mut |expr| answers.iter().for_each(|a| ask(expr, a)));
    }

    /// `at`: whether a concurrent loop is around these actions, and whether they are a flow's own.
    fn container(
        &mut self,
        actions: &mut Vec<Action>,
        chain: &[&Definition],
        at: (bool, bool),
        answers: &mut Vec<Answer>,
    ) {
        let mut later = Vec::new();
        for action in actions.iter_mut() {
            if let ActionKind::Call(call) = &action.kind
                && let Some(child) = self.library.called(call)
            {
                let call = call.clone();
                match self.child(child, chain, at) {
                    Ok(found) => later.extend(self.replace(action, &call, found, answers)),
                    Err(why) => self.notes.push(format!(
                        "{} calls {}, which is not looked into: {why}",
                        action.name, child.name
                    )),
                }
                continue;
            }
            let loops = matches!(&action.kind, ActionKind::Foreach { concurrency, .. } if *concurrency != Some(1));
            for inner in parts(&mut action.kind).0 {
                self.container(inner, chain, (at.0 || loops, false), answers);
            }
        }
        actions.append(&mut later);
    }

    /// What a child does, with what its own children do, or why it cannot stand in the call's place.
    fn child<'c>(
        &mut self,
        child: &'c Definition,
        chain: &[&'c Definition],
        (concurrent, root): (bool, bool),
    ) -> Result<Child, &'static str> {
        let flow = &child.flows[0];
        if chain.len() >= DEEPEST || chain.iter().any(|d| std::ptr::eq(*d, child)) {
            return Err("flows call each other in a circle, or too deeply");
        }
        if flow.trigger.as_ref().is_some_and(|t| t.runs.is_some()) {
            return Err("it limits how many of its runs overlap");
        }
        let differs = |(name, value): (&String, &Template)| {
            !name.starts_with('$') && self.parameters.get(name).is_some_and(|own| own != value)
        };
        if flow.parameters.iter().any(differs) {
            return Err("a parameter of the same name has another value there");
        }
        let mut body = flow.actions.clone();
        if let Some(why) = refusal(&mut body) {
            return Err(why);
        }
        let chain: Vec<&Definition> = chain.iter().copied().chain([child]).collect();
        self.expand(&mut body, &chain, concurrent);
        if concurrent && !variables(&body).is_empty() {
            return Err("it has variables of its own, and is called from a concurrent loop");
        }
        let (first, rest) =
            split(body).ok_or("what it does beside or after its Response is tangled")?;
        if !root && !rest.is_empty() {
            return Err("it goes on after its Response, and the call stands in a container");
        }
        for (parameter, value) in &flow.parameters {
            self.parameters.entry(parameter.clone()).or_insert_with(|| value.clone());
        }
        Ok(Child { name: child.name.clone(), first, rest })
    }

    /// Puts the child in the call's place; what it does after its Response is given back.
    fn replace(
        &mut self,
        action: &mut Action,
        call: &Call,
        child: Child,
        answers: &mut Vec<Answer>,
    ) -> Option<Action> {
        let name = action.name.clone();
        let trigger = format!("{name}{INSIDE}trigger");
        let mut responses = Vec::new();
        let early = child.first.len();
        let mut body: Vec<Action> = child.first.into_iter().chain(child.rest).collect();
        rename(&mut body, &name, &trigger, &mut responses);
        let rest = body.split_off(early);
        let mut first = body;
        for root in first.iter_mut().filter(|a| a.run_after.is_empty()) {
            root.run_after.push(after(&trigger, &root.at));
        }
        let said = ["body", "headers", "queries"].into_iter();
        let said = said
            .filter_map(|k| Some((Template::Text(k.to_owned()), call.parameters.get(k)?.clone())));
        let kind = ActionKind::Compose { value: Template::Object(said.collect()) };
        let at = action.at.clone();
        let plain = |name: String, kind, run_after| Action {
            name,
            kind,
            run_after,
            at: at.clone(),
            takes: None,
            retry: None,
        };
        first.insert(0, plain(trigger, kind, Vec::new()));
        action.kind = ActionKind::Scope { actions: first, all_or_nothing: false };
        action.retry = None;
        self.notes.push(format!("{name} calls {}, which is looked into", child.name));
        let later = (!rest.is_empty()).then(|| {
            let kind = ActionKind::Scope { actions: rest, all_or_nothing: false };
            plain(format!("{name}{INSIDE}afterwards"), kind, vec![after(&name, &at)])
        });
        answers.push(Answer { call: name, responses });
        later
    }
}

/// A flow that is called: what it does until it has answered, and what it does then.
struct Child {
    name: String,
    first: Vec<Action>,
    rest: Vec<Action>,
}

/// What a call answers: what the first Response of the child that runs says.
struct Answer {
    call: String,
    /// The names of the child's Responses.
    responses: Vec<String>,
}

/// Lets an expression that asks for the call's answer ask for the child's Response.
fn ask(expr: &mut Expr, answer: &Answer) {
    let said = || {
        let said = answer.responses.iter().map(|r| reference("outputs", r));
        match said.collect::<Vec<_>>() {
            none if none.is_empty() => Expr::Literal(Json::Null),
            mut one if one.len() == 1 => one.remove(0),
            args => Expr::Call { name: "coalesce".into(), args },
        }
    };
    if refers(expr, "body", &answer.call) {
        *expr = said();
    } else if refers(expr, "outputs", &answer.call) {
        let text = |text: &str| Expr::Literal(Json::from(text));
        let empty = Expr::Call { name: "json".into(), args: vec![text("{}")] };
        let add = |to, key, value| Expr::Call {
            name: "addProperty".into(),
            args: vec![to, text(key), value],
        };
        let status = add(empty, "statusCode", Expr::Literal(Json::from(200)));
        *expr = add(status, "body", said());
    }
}

fn refers(expr: &Expr, function: &str, to: &str) -> bool {
    matches!(expr, Expr::Call { name, args } if name.eq_ignore_ascii_case(function)
        && matches!(args.as_slice(), [Expr::Literal(Json::String(n))] if n.eq_ignore_ascii_case(to)))
}

fn reference(function: &str, to: &str) -> Expr {
    Expr::Call { name: function.to_owned(), args: vec![Expr::Literal(Json::from(to))] }
}

/// Lets every name inside a child begin with the name of the call; notes its Responses.
fn rename(body: &mut [Action], call: &str, trigger: &str, responses: &mut Vec<String>) {
    let mut names = BTreeMap::new();
    let inside = |name: &str| format!("{call}{INSIDE}{name}");
    every_action(body, &mut |a| {
        names.insert(a.name.to_lowercase(), inside(&a.name));
    });
    let known = variables(body);
    every_action(body, &mut |action| {
        action.name = inside(&action.name);
        for before in &mut action.run_after {
            before.action = inside(&before.action);
        }
        match &mut action.kind {
            ActionKind::Initialize { variable, .. }
            | ActionKind::Set { variable, .. }
            | ActionKind::Increment { variable, .. }
            | ActionKind::Append { variable, .. } => *variable = inside(variable),
            ActionKind::Response { .. } => responses.push(action.name.clone()),
            _ => {}
        }
    });
    every_expr(body, &mut |expr| {
        let Expr::Call { name, args } = expr else { return };
        let function = name.to_ascii_lowercase();
        match (function.as_str(), args.as_mut_slice()) {
            ("triggerbody", []) => {
                let base = Box::new(reference("outputs", trigger));
                let key = Box::new(Expr::Literal(Json::from("body")));
                *expr = Expr::Index { base, key, safe: true };
            }
            ("triggeroutputs", []) => *expr = reference("outputs", trigger),
            ("variables", [Expr::Literal(Json::String(variable))])
                if known.contains(&variable.to_lowercase()) =>
            {
                *variable = inside(variable);
            }
            (
                "outputs" | "body" | "actions" | "actionoutputs" | "actionbody" | "result"
                | "items" | "iterationindexes",
                [Expr::Literal(Json::String(to)), ..],
            ) => {
                if let Some(renamed) = names.get(&to.to_lowercase()) {
                    to.clone_from(renamed);
                }
            }
            _ => {}
        }
    });
}

/// The variables that actions make, in lower case.
fn variables(actions: &[Action]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    every_action(&mut actions.to_vec(), &mut |action| {
        if let ActionKind::Initialize { variable, .. } = &action.kind {
            found.insert(variable.to_lowercase());
        }
    });
    found
}

fn after(name: &str, at: &Location) -> RunAfter {
    RunAfter { action: name.to_owned(), statuses: vec![Status::Succeeded], at: at.clone() }
}

fn member<'t>(template: &'t Template, name: &str) -> Option<&'t Template> {
    let Template::Object(pairs) = template else { return None };
    let is = |key: &Template| matches!(key, Template::Text(k) if k == name);
    pairs.iter().find(|(k, _)| is(k)).map(|(_, v)| v)
}
