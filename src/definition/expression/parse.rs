//! Lexer and parser in one: six kinds of token, no operators but call, `.` and `[]`.

use super::{Expr, Part, Template};
use crate::definition::location::Location;
use crate::definition::problem::Problem;
use serde_json::Value as Json;

/// Calls and brackets inside each other at most.
const DEEPEST: usize = 100;

/// How the problems of expressions begin.
pub const FAULT: &str = "in the expression: ";

/// Gives the place of a pointer inside a value, or of a byte of the text that stands there.
pub type Places<'p> = dyn FnMut(&str, Option<(&str, usize)>) -> Location + 'p;

/// Why a text cannot be read, and at which of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Into the text.
    pub offset: usize,
    /// Without its place.
    pub message: String,
}

impl Fault {
    /// The same as a problem of the definition.
    pub(super) fn problem(self, at: Location) -> Problem {
        Problem { at, message: format!("{FAULT}{}", self.message) }
    }
}

/// A JSON value with its expressions parsed.
pub fn parse_template(json: &Json, at: &mut Places<'_>, problems: &mut Vec<Problem>) -> Template {
    inside(json, "", at, problems)
}

fn inside(
    json: &Json,
    pointer: &str,
    at: &mut Places<'_>,
    problems: &mut Vec<Problem>,
) -> Template {
    match json {
        Json::String(text) if !text.contains('@') => Template::Text(text.clone()),
        Json::String(text) => {
            let place = at(pointer, None);
            parse_text(text, &place).unwrap_or_else(|fault| {
                let spot = at(pointer, Some((text, fault.offset)));
                problems.push(fault.problem(spot));
                unreadable(&place)
            })
        }
        Json::Array(items) => {
            let one = |(n, item)| inside(item, &format!("{pointer}/{n}"), at, problems);
            Template::Array(items.iter().enumerate().map(one).collect())
        }
        Json::Object(object) => {
            let mut pairs = Vec::new();
            for (key, value) in object {
                let below = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                let name = if key.contains('@') {
                    // Odd property names such as `@odata.type` are no expressions.
                    parse_text(key, &at(&below, None))
                        .unwrap_or_else(|_| Template::Text(key.clone()))
                } else {
                    Template::Text(key.clone())
                };
                pairs.push((name, inside(value, &below, at, problems)));
            }
            Template::Object(pairs)
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => Template::Literal(json.clone()),
    }
}

/// What stands for an expression that cannot be read: a value that nobody knows, of its own at each place.
pub fn unreadable(at: &Location) -> Template {
    let place = Expr::Literal(Json::String(at.pointer.clone()));
    Template::Expr(Expr::Call { name: "unreadable".to_owned(), args: vec![place] }, at.clone())
}

/// A text that may be, or contain, expressions.
pub fn parse_text(text: &str, at: &Location) -> Result<Template, Fault> {
    if let Some(rest) = text.strip_prefix("@@") {
        return Ok(Template::Text(format!("@{rest}")));
    }
    // A lone `@` starts nothing.
    if text == "@" {
        return Ok(Template::Text(text.to_owned()));
    }
    if text.starts_with('@') && !text.starts_with("@{") {
        let mut parser = Parser::new(&text[1..], 1);
        let expr = parser.expr(0).and_then(|e| parser.end().map(|()| e))?;
        return Ok(Template::Expr(expr, at.clone()));
    }
    if !text.contains("@{") {
        return Ok(Template::Text(text.to_owned()));
    }
    let parts = interpolated(text)?;
    match parts.as_slice() {
        [] => Ok(Template::Text(String::new())),
        [Part::Text(only)] => Ok(Template::Text(only.clone())),
        _ => Ok(Template::Concat(parts, at.clone())),
    }
}

fn interpolated(text: &str) -> Result<Vec<Part>, Fault> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(next) = rest.find("@{") {
        if rest[..next].ends_with('@') {
            literal.push_str(&rest[..next - 1]);
            literal.push_str("@{");
            rest = &rest[next + 2..];
            continue;
        }
        literal.push_str(&rest[..next]);
        let mut parser = Parser::new(&rest[next + 2..], text.len() - rest.len() + next + 2);
        let expr = parser.expr(0)?;
        parser.blanks();
        if parser.peek() != Some('}') {
            return Err(parser.found("\"}\" at the end of \"@{\""));
        }
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        parts.push(Part::Expr(expr));
        rest = &rest[next + 2 + parser.at + 1..];
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(parts)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    /// Where the text starts in the one that was written.
    start: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, start: usize) -> Self {
        Self { text, at: 0, start }
    }

    /// What is wrong at a byte of the text.
    fn fault(&self, at: usize, message: String) -> Fault {
        Fault { offset: self.start + at, message }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn found(&self, expected: &str) -> Fault {
        let what = self.peek().map_or_else(|| "its end".to_owned(), |c| format!("\"{c}\""));
        let character = self.text[..self.at].chars().count() + 1;
        let message = format!("found {what} at character {character}; expected {expected}");
        self.fault(self.at, message)
    }

    fn end(&mut self) -> Result<(), Fault> {
        self.blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(self.found("nothing more")) }
    }

    fn expr(&mut self, depth: usize) -> Result<Expr, Fault> {
        if depth > DEEPEST {
            return Err(self.fault(self.at, format!("nested deeper than {DEEPEST}")));
        }
        self.blanks();
        // Old exports have an `@` inside; the platform lets it pass (semantics §12.1).
        self.eat('@');
        let mut expr = match self.peek() {
            Some('\'') => Expr::Literal(Json::String(self.quoted()?)),
            Some(c) if c.is_ascii_digit() || c == '-' || c == '+' => self.number()?,
            Some('"') => return Err(self.found("text in single quotes")),
            _ => self.named(depth)?,
        };
        while let Some((key, safe)) = self.dereference(depth)? {
            expr = Expr::Index { base: Box::new(expr), key: Box::new(key), safe };
        }
        Ok(expr)
    }

    fn quoted(&mut self) -> Result<String, Fault> {
        let start = self.at;
        self.eat('\'');
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(end) = rest.find('\'') else {
                return Err(self.fault(start, "text without its closing quote".to_owned()));
            };
            out.push_str(&rest[..end]);
            self.at += end + 1;
            if !self.eat('\'') {
                return Ok(out);
            }
            out.push('\'');
        }
    }

    fn number(&mut self) -> Result<Expr, Fault> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'))
        {
            self.at += 1;
        }
        let text = self.text[start..self.at].trim_start_matches('+');
        let number = text.parse::<i64>().map(Json::from).ok().or_else(|| {
            text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Json::Number)
        });
        number
            .map(Expr::Literal)
            .ok_or_else(|| self.fault(start, format!("\"{text}\" is no number")))
    }

    fn name(&mut self) -> &'t str {
        let rest = &self.text[self.at..];
        let ends = |c: char| c.is_whitespace() || ".,(){}@[]?'\"".contains(c);
        let end = rest.find(ends).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn named(&mut self, depth: usize) -> Result<Expr, Fault> {
        let name = self.name();
        match name.to_ascii_lowercase().as_str() {
            "" => return Err(self.found("a function, a text in single quotes or a number")),
            "true" => return Ok(Expr::Literal(Json::Bool(true))),
            "false" => return Ok(Expr::Literal(Json::Bool(false))),
            "null" => return Ok(Expr::Literal(Json::Null)),
            _ => {}
        }
        self.blanks();
        if !self.eat('(') {
            return Err(self.found(&format!("\"(\" after \"{name}\"")));
        }
        let mut args = Vec::new();
        self.blanks();
        if self.eat(')') {
            return Ok(Expr::Call { name: name.to_owned(), args });
        }
        loop {
            args.push(self.expr(depth + 1)?);
            self.blanks();
            if self.eat(')') {
                return Ok(Expr::Call { name: name.to_owned(), args });
            }
            if !self.eat(',') {
                return Err(self.found("\",\" or \")\""));
            }
        }
    }

    fn dereference(&mut self, depth: usize) -> Result<Option<(Expr, bool)>, Fault> {
        let start = self.at;
        self.blanks();
        let safe = self.eat('?');
        if self.eat('.') {
            let name = self.name();
            if name.is_empty() {
                return Err(self.found("a property name"));
            }
            return Ok(Some((Expr::Literal(Json::String(name.to_owned())), safe)));
        }
        if self.eat('[') {
            let key = self.expr(depth + 1)?;
            self.blanks();
            if !self.eat(']') {
                return Err(self.found("\"]\""));
            }
            return Ok(Some((key, safe)));
        }
        if safe {
            return Err(self.found("\".\" or \"[\" after \"?\""));
        }
        self.at = start;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::{Location, parse_text};

    fn check(text: &str, expected: &str) {
        let shown = match parse_text(text, &Location::default()) {
            Ok(template) => format!("{template:?}"),
            Err(fault) => format!("{}: {}", fault.offset, fault.message),
        };
        assert!(shown.contains(expected), "{text}: {shown}");
    }

    #[test]
    fn grammar() {
        check("plain", "Text(\"plain\")");
        check("@@literal", "Text(\"@literal\")");
        check("a @@{b}", "Text(\"a @{b}\")");
        check(" @add(1,2)", "Text(\" @add(1,2)\")");
        check(
            "@add(1, -2.5)",
            "Call { name: \"add\", args: [Literal(Number(1)), Literal(Number(-2.5))] }",
        );
        check("@{add(1,2)} of", "Concat([Expr(Call");
        check("@outputs('X')?['a']", "safe: true");
        check("@a().b", "safe: false");
        check("@concat('it''s')", "String(\"it's\")");
        check("@not(@equals(1,1))", "Call { name: \"not\", args: [Call { name: \"equals\"");
        check("@True", "Literal(Bool(true))");
        check("@add(1,", "7: found its end at character 7; expected a function");
        check("@{add(1", "expected \",\" or \")\"");
        check("@f(\"x\")", "3: found \"\"\" at character 3; expected text in single quotes");
        check("é @{1} @{f('x)}", "12: text without its closing quote");
        check("@add(1, 2.3.4)", "8: \"2.3.4\" is no number");
        check(
            &format!("@{}1{}", "f(".repeat(100_000), ")".repeat(100_000)),
            "nested deeper than 100",
        );
    }
}
