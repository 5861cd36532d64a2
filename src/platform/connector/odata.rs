//! `$filter`: which columns have to equal what, and whether that is all it says.

use super::parameter::{MARK, marked, unmarked};
use super::predicate::Predicate;
use crate::definition::expression::Template;
use crate::model::expression::Expr;
use crate::model::statement::Order;
use serde_json::Value as Json;

/// A filter, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition {
    /// All of these hold.
    pub(super) equal: Vec<(String, Template)>,
    /// Whether there is more to it than that.
    pub(super) more: bool,
    /// All of it, if there is more and it can be read.
    pub(super) whole: Option<Predicate>,
}

/// Takes `a eq 'x' and b eq 1` apart; anything else is more.
pub(super) fn condition(template: &Template) -> Condition {
    let (text, holes) = marked(template);
    let mut found = Condition::default();
    for clause in clauses(&text) {
        let words: Vec<&str> = clause.splitn(3, ' ').map(str::trim).collect();
        match words.as_slice() {
            [column, op, value]
                if op.eq_ignore_ascii_case("eq") && name(column) && plain(value) =>
            {
                found.equal.push(((*column).to_owned(), literal(value, &holes)));
            }
            [] | [""] => {}
            _ => found.more = true,
        }
    }
    found.whole = found.more.then(|| Predicate::read(&text, &holes)).flatten();
    found
}

/// Split at `and`, outside quotes.
fn clauses(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quoted = false;
    for word in text.split(' ') {
        if !quoted && word.eq_ignore_ascii_case("and") {
            all.push(String::new());
            continue;
        }
        quoted ^= word.matches('\'').count() % 2 == 1;
        let last = all.last_mut().expect("it starts with one");
        if !last.is_empty() {
            last.push(' ');
        }
        last.push_str(word);
    }
    all
}

/// `$orderby`: `a desc, b`. What only the run knows orders nothing.
pub(super) fn order(template: Option<&Template>) -> Vec<Order> {
    let text = template.map(|t| marked(t).0).unwrap_or_default();
    let key = |clause: &str| {
        let mut words = clause.split_whitespace();
        let column = words.next().filter(|c| name(c))?;
        let descending = words.next().is_some_and(|d| d.eq_ignore_ascii_case("desc"));
        Some(Order { by: Expr::Column(column.into()), descending })
    };
    text.split(',').filter_map(key).collect()
}

fn name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '@'))
}

/// A number, a word, a quoted text or what the flow puts there, and nothing behind it.
fn plain(text: &str) -> bool {
    let inner = text.trim_matches('\'');
    (text.starts_with('\'') && text.ends_with('\'') && !inner.contains('\''))
        || !text.contains([' ', '(', ')', '\''])
}

fn literal(text: &str, holes: &[Template]) -> Template {
    let inner = text.trim_matches('\'');
    if inner.contains(MARK) || text.starts_with('\'') {
        return unmarked(inner, holes);
    }
    serde_json::from_str::<Json>(inner)
        .map_or_else(|_| Template::Text(inner.to_owned()), Template::Literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let found = condition(&Template::Text(text.to_owned()));
        let equal: Vec<String> = found.equal.iter().map(|(c, v)| format!("{c}={v:?}")).collect();
        format!("{}{}", equal.join(" "), if found.more { " and more" } else { "" })
    }

    #[test]
    fn equalities_and_more() {
        assert_eq!(said("Email eq 'a b'"), r#"Email=Text("a b")"#);
        assert_eq!(said("a eq 1 and b eq true"), "a=Literal(Number(1)) b=Literal(Bool(true))");
        assert_eq!(said("a eq 'x and y' and b ne 2"), r#"a=Text("x and y") and more"#);
        assert_eq!(said("a eq 1 or b eq 2"), " and more");
        assert_eq!(said("startswith(a,'x')"), " and more");
        assert_eq!(said(""), "");
    }
}
