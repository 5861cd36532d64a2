//! The expressions of ARM templates, `[concat('a', parameters('b'))]`: syntax only.

/// Calls and brackets inside each other at most.
const DEEPEST: usize = 60;

/// An expression; `from..to` are its bytes in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Text(String),
    Number(i64),
    Call { name: String, args: Vec<Expr>, from: usize, to: usize },
    Index { base: Box<Expr>, key: Box<Expr>, from: usize, to: usize },
}

/// The inside of the brackets as an expression; `None` if it is none.
pub(super) fn parse(text: &str) -> Option<Expr> {
    let mut parser = Parser { text, at: 0 };
    let expr = parser.expr(0)?;
    parser.blanks();
    (parser.at == text.len()).then_some(expr)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.blanks();
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn expr(&mut self, depth: usize) -> Option<Expr> {
        if depth > DEEPEST {
            return None;
        }
        self.blanks();
        let from = self.at;
        let mut expr = match self.rest().chars().next()? {
            '\'' => Expr::Text(self.quoted()?),
            c if c.is_ascii_digit() || c == '-' => self.number()?,
            _ => self.call(depth, from)?,
        };
        loop {
            let key = if self.eat('.') {
                Expr::Text(self.name()?)
            } else if self.eat('[') {
                let key = self.expr(depth + 1)?;
                if !self.eat(']') {
                    return None;
                }
                key
            } else {
                return Some(expr);
            };
            expr = Expr::Index { base: Box::new(expr), key: Box::new(key), from, to: self.at };
        }
    }

    fn quoted(&mut self) -> Option<String> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let end = self.rest().find('\'')?;
            out.push_str(&self.text[self.at..self.at + end]);
            self.at += end + 1;
            if !self.rest().starts_with('\'') {
                return Some(out);
            }
            out.push('\'');
            self.at += 1;
        }
    }

    fn number(&mut self) -> Option<Expr> {
        let end = self.rest().find(|c: char| !c.is_ascii_digit() && c != '-');
        let end = end.unwrap_or(self.rest().len());
        let number = self.rest()[..end].parse().ok()?;
        self.at += end;
        Some(Expr::Number(number))
    }

    fn name(&mut self) -> Option<String> {
        self.blanks();
        let ends = |c: char| !c.is_alphanumeric() && c != '_';
        let end = self.rest().find(ends).unwrap_or(self.rest().len());
        let name = self.rest()[..end].to_owned();
        self.at += end;
        (!name.is_empty()).then_some(name)
    }

    fn call(&mut self, depth: usize, from: usize) -> Option<Expr> {
        let mut name = self.name()?;
        // A function of the template's own: `contoso.unique('x')`.
        while self.rest().starts_with('.') {
            self.at += 1;
            name = format!("{name}.{}", self.name()?);
        }
        if !self.eat('(') {
            return None;
        }
        let mut args = Vec::new();
        if !self.eat(')') {
            loop {
                args.push(self.expr(depth + 1)?);
                if self.eat(')') {
                    break;
                }
                if !self.eat(',') {
                    return None;
                }
            }
        }
        Some(Expr::Call { name, args, from, to: self.at })
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(text: &str, expected: &str) {
        let shown = parse(text).map_or_else(|| "none".to_owned(), |expr| format!("{expr:?}"));
        assert!(shown.contains(expected), "{text}: {shown}");
    }

    #[test]
    fn grammar() {
        check("'it''s'", "Text(\"it's\")");
        check(" concat( 'a' , parameters('b') ) ", "name: \"concat\"");
        check("variables('a').b[0]", "key: Number(0), from: 0, to: 19");
        check("contoso.f()", "name: \"contoso.f\", args: []");
        check("concat('a'", "none");
        check("a b", "none");
        check("not an expression", "none");
        check(&format!("{}1{}", "f(".repeat(100_000), ")".repeat(100_000)), "none");
    }
}
