//! `dependsOn`: resources that wait for each other are never deployed, which is worth a remark.

use super::super::super::node::elide;
use std::collections::{BTreeMap, VecDeque};

/// A resource as `dependsOn` can name it.
pub(super) struct Resource {
    /// Its place in the list, or its symbolic name.
    pub(super) token: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) needs: Vec<String>,
}

/// The platform takes no more resources in a template, so that larger ones are not worth the time.
const MOST: usize = 800;

/// A remark for each resource on a circle, by token.
pub(super) fn circles(resources: &[Resource]) -> BTreeMap<String, String> {
    if resources.len() > MOST {
        return BTreeMap::new();
    }
    // By symbolic name, by name, or by the end of the identifier.
    let mut meant: BTreeMap<String, usize> = BTreeMap::new();
    for (n, resource) in resources.iter().enumerate() {
        let names =
            [&resource.token, &resource.name, &format!("{}/{}", resource.kind, resource.name)];
        for name in names.into_iter().filter(|_| !resource.name.is_empty()) {
            meant.entry(name.to_ascii_lowercase()).or_insert(n);
        }
    }
    let target = |named: &String| {
        let named = named.to_ascii_lowercase();
        meant.get(named.rsplit("/providers/").next()?).copied()
    };
    let edges: Vec<Vec<usize>> =
        resources.iter().map(|r| r.needs.iter().filter_map(target).collect()).collect();
    let circle = |start: usize| {
        let names: Vec<String> =
            round(&edges, start)?.iter().map(|n| elide(&resources[*n].name)).collect();
        let message = format!("never deployed: dependsOn goes round: {}", names.join(" → "));
        Some((resources[start].token.clone(), message))
    };
    (0..resources.len()).filter_map(circle).collect()
}

/// The shortest way along edges from a node back to it, both ends included.
fn round(edges: &[Vec<usize>], start: usize) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for next in &edges[node] {
            if *next == start {
                let mut way = vec![start, node];
                while let Some(before) = way.last().and_then(|last| came_from.get(last)) {
                    way.push(*before);
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(next) {
                came_from.insert(*next, node);
                open.push_back(*next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Resource, circles};

    fn check(resources: &[(&str, &[&str])], expected: &[&str]) {
        let resources: Vec<Resource> = resources
            .iter()
            .enumerate()
            .map(|(n, (name, needs))| Resource {
                token: n.to_string(),
                kind: "Microsoft.Logic/workflows".to_owned(),
                name: (*name).to_owned(),
                needs: needs.iter().map(|&need| need.to_owned()).collect(),
            })
            .collect();
        let said: Vec<String> = circles(&resources).into_values().collect();
        let expected: Vec<String> =
            expected.iter().map(|e| format!("never deployed: dependsOn goes round: {e}")).collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn only_what_goes_round_is_told() {
        check(&[("a", &["b"]), ("b", &[]), ("c", &["gone"])], &[]);
        check(&[("a", &["a"])], &["a → a"]);
        let id = "@{parameters('[resourceGroup().id]')}/providers/microsoft.logic/Workflows/A";
        check(&[("a", &["b"]), ("b", &[id]), ("c", &["a"])], &["a → b → a", "b → a → b"]);
        check(
            &[("a", &["b"]), ("b", &["c"]), ("c", &["a"])],
            &["a → b → c → a", "b → c → a → b", "c → a → b → c"],
        );
        // A connection of the same name is another resource.
        check(&[("a", &["/providers/Microsoft.Web/connections/a"])], &[]);
    }
}
