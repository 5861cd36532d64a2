//! `$filter` as a condition over a row (`OData` 4.01, part 2, §5.1.1): comparisons, `and`, `or`, `not`, brackets, and the
//! functions on texts that makers use. What is not read here is no condition at all.

use super::describe::is_guid;
use super::parameter::{MARK, unmarked};
use crate::definition::expression::Template;
use crate::definition::problem::Problem;
use crate::model::expression::Expr;
use crate::model::external::folded;
use crate::model::function::Function;

/// A condition, or a part of one.
#[derive(Clone, Debug)]
pub(super) enum Predicate {
    /// A column of the row.
    Column(String),
    /// What the filter says or the flow puts there.
    Value(Template),
    /// A function of the expression language.
    Call(&'static str, Vec<Predicate>),
}

/// Comparisons, and the functions that say the same.
const COMPARISONS: [(&str, &str); 6] = [
    ("eq", "equals"),
    ("ne", "equals"),
    ("gt", "greater"),
    ("ge", "greaterOrEquals"),
    ("lt", "less"),
    ("le", "lessOrEquals"),
];

/// Functions on texts; the last has its arguments the other way round.
const TESTS: [(&str, &str); 4] = [
    ("startswith", "startsWith"),
    ("endswith", "endsWith"),
    ("contains", "contains"),
    ("substringof", "contains"),
];

impl Predicate {
    /// Reads a filter; `holes` are what the flow puts where the text is marked.
    pub(super) fn read(text: &str, holes: &[Template]) -> Option<Self> {
        let mut parser = Parser { words: words(text)?, at: 0, holes };
        let read = parser.any()?;
        (parser.at == parser.words.len()).then_some(read)
    }

    /// The same over the model's row. Services compare texts whatever their case.
    pub(super) fn lower(
        &self,
        value: &mut dyn FnMut(&Template) -> Result<Expr, Problem>,
    ) -> Result<Expr, Problem> {
        Ok(match self {
            Self::Column(column) => Expr::Column(column.as_str().into()),
            Self::Value(template) => match value(template)? {
                Expr::Const(constant) => Expr::Const(folded(&constant)),
                other => other,
            },
            Self::Call(name, args) => {
                let args = args.iter().map(|a| a.lower(value)).collect::<Result<_, _>>()?;
                let function = Function::lookup(name).expect("internal error: no such function");
                Expr::Call(function, args)
            }
        })
    }
}

/// Names, numbers, quoted texts with their quotes, and signs.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut word = c.to_string();
        match c {
            ' ' => continue,
            '(' | ')' | ',' => {}
            '\'' => loop {
                let next = chars.next()?;
                word.push(next);
                // Two quotes are one inside.
                if next == '\'' && chars.next_if_eq(&'\'').is_none() {
                    break;
                }
            },
            _ => {
                while let Some(c) = chars.next_if(|c| !" (),'".contains(*c)) {
                    word.push(c);
                }
            }
        }
        words.push(word);
    }
    Some(words)
}

struct Parser<'a> {
    words: Vec<String>,
    at: usize,
    holes: &'a [Template],
}

impl Parser<'_> {
    fn take(&mut self, word: &str) -> bool {
        let is = self.words.get(self.at).is_some_and(|w| w.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn any(&mut self) -> Option<Predicate> {
        let mut parts = vec![self.all()?];
        while self.take("or") {
            parts.push(self.all()?);
        }
        Some(joined("or", parts))
    }

    fn all(&mut self) -> Option<Predicate> {
        let mut parts = vec![self.one()?];
        while self.take("and") {
            parts.push(self.one()?);
        }
        Some(joined("and", parts))
    }

    fn one(&mut self) -> Option<Predicate> {
        if self.take("not") {
            return Some(Predicate::Call("not", vec![self.one()?]));
        }
        let left = self.operand()?;
        let Some((name, function)) = COMPARISONS.iter().find(|(name, _)| self.take(name)) else {
            // A function is a condition, and so is what stands in brackets.
            return matches!(left, Predicate::Call(..)).then_some(left);
        };
        let compared = Predicate::Call(function, vec![left, self.operand()?]);
        Some(if *name == "ne" { Predicate::Call("not", vec![compared]) } else { compared })
    }

    fn operand(&mut self) -> Option<Predicate> {
        if self.take("(") {
            let inner = self.any()?;
            return self.take(")").then_some(inner);
        }
        let word = self.words.get(self.at)?.clone();
        self.at += 1;
        if let Some((name, function)) =
            TESTS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name))
            && self.take("(")
        {
            let first = self.operand()?;
            let second = self.take(",").then(|| self.operand())??;
            let args =
                if *name == "substringof" { vec![second, first] } else { vec![first, second] };
            return self.take(")").then_some(Predicate::Call(function, args));
        }
        if let Some(inner) = word.strip_prefix('\'').and_then(|w| w.strip_suffix('\'')) {
            return Some(Predicate::Value(unmarked(&inner.replace("''", "'"), self.holes)));
        }
        if word.contains(MARK) {
            return Some(Predicate::Value(unmarked(&word, self.holes)));
        }
        if let Ok(value) = serde_json::from_str(&word) {
            return Some(Predicate::Value(Template::Literal(value)));
        }
        // A moment or a guid needs no quotes.
        if word.starts_with(|c: char| c.is_ascii_digit()) || is_guid(&word) {
            return Some(Predicate::Value(Template::Text(word)));
        }
        let named = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '@');
        word.chars().all(named).then_some(Predicate::Column(word))
    }
}

fn joined(function: &'static str, mut parts: Vec<Predicate>) -> Predicate {
    if parts.len() == 1 { parts.remove(0) } else { Predicate::Call(function, parts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        Predicate::read(text, &[]).map_or("no condition".to_owned(), |p| told(&p))
    }

    fn told(predicate: &Predicate) -> String {
        match predicate {
            Predicate::Column(column) => column.clone(),
            Predicate::Value(Template::Text(text)) => format!("'{text}'"),
            Predicate::Value(Template::Literal(value)) => value.to_string(),
            Predicate::Value(other) => format!("{other:?}"),
            Predicate::Call(name, args) => {
                format!("{name}({})", args.iter().map(told).collect::<Vec<_>>().join(" "))
            }
        }
    }

    #[test]
    fn every_form() {
        assert_eq!(said("Status ne 'Done'"), "not(equals(Status 'Done'))");
        assert_eq!(
            said("a eq 1 or b gt 2 and c eq null"),
            "or(equals(a 1) and(greater(b 2) equals(c null)))"
        );
        assert_eq!(
            said("(a eq 1 or b eq 2) and not c le 3.5"),
            "and(or(equals(a 1) equals(b 2)) not(lessOrEquals(c 3.5)))"
        );
        assert_eq!(said("startswith(Title,'It''s (a), b')"), "startsWith(Title 'It's (a), b')");
        assert_eq!(said("substringof('x', Title) eq true"), "equals(contains(Title 'x') true)");
        for unread in
            ["", "Status", "a eq", "(a eq 1", "a eq 1)", "a eq 'x", "year(a) eq 1", "a eq 1 b eq 2"]
        {
            assert_eq!(said(unread), "no condition", "{unread}");
        }
    }
}
