//! What sqlparser refuses and T-SQL allows, put into words that it reads. Works on its tokens, never on text. What a
//! rewrite takes out is remembered as a mark at the end of a name, where [`unmark`] finds it.

use sqlparser::dialect::MsSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

/// After a table's name: the range is locked.
pub(super) const HOLD: &str = "$flowrace_hold";
/// After a table's name, with the number of rows: `TOP (n)`.
pub(super) const TOP: &str = "$flowrace_top";
/// After a column's name, with the function: `+=` and its like.
pub(super) const COMPOUND: &str = "$flowrace_set_";

/// A name and the mark it carries.
pub(super) fn unmark<'a>(name: &'a str, mark: &str) -> (&'a str, Option<&'a str>) {
    match name.split_once(mark) {
        Some((name, rest)) => (name, Some(rest)),
        None => (name, None),
    }
}

/// The pieces of the text that stand between semicolons, batch by batch (`GO`), without white space.
pub(super) fn pieces(tokens: Vec<Token>) -> Vec<Vec<Vec<Token>>> {
    batches(tokens).into_iter().map(|batch| split(rewrite(untry(batch)))).collect()
}

/// The text in tokens, with white space; none where a quote or a comment does not end.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    Tokenizer::new(&MsSqlDialect {}, text).tokenize().ok()
}

/// The batches between lines that are only `GO`.
fn batches(tokens: Vec<Token>) -> Vec<Vec<Token>> {
    let mut batches = vec![Vec::new()];
    let mut line: Vec<Token> = Vec::new();
    for token in tokens.into_iter().chain([Token::Whitespace(Whitespace::Newline)]) {
        match token {
            Token::Whitespace(
                Whitespace::Newline
                | Whitespace::SingleLineComment { .. }
                | Whitespace::MultiLineComment(_),
            ) => {
                if line.len() == 1 && is_word(line.first(), "GO") {
                    line.clear();
                    batches.push(Vec::new());
                } else if let Some(batch) = batches.last_mut() {
                    batch.append(&mut line);
                }
            }
            Token::Whitespace(_) => {}
            token => line.push(token),
        }
    }
    batches
}

/// `BEGIN TRY a END TRY BEGIN CATCH b END CATCH` is a, if b names no table.
fn untry(mut tokens: Vec<Token>) -> Vec<Token> {
    let at = |tokens: &[Token], words: [&str; 2], from: usize| {
        (from..tokens.len())
            .find(|i| is_word(tokens.get(*i), words[0]) && is_word(tokens.get(i + 1), words[1]))
    };
    for _ in 0..100 {
        let Some(begin) = at(&tokens, ["BEGIN", "TRY"], 0) else { break };
        let Some(end) = at(&tokens, ["END", "TRY"], begin) else { break };
        let Some(catch) = at(&tokens, ["BEGIN", "CATCH"], end) else { break };
        let Some(done) = at(&tokens, ["END", "CATCH"], catch) else { break };
        let nested = at(&tokens, ["BEGIN", "TRY"], begin + 1).is_some_and(|inner| inner < done);
        if catch != end + 2 || nested || !super::skim::skim(&tokens[catch..done]).tables.is_empty()
        {
            break;
        }
        tokens.splice(end..done + 2, [Token::SemiColon]);
        tokens.splice(begin..begin + 2, []);
    }
    tokens
}

/// Takes out hints and `TOP`, and spells out `+=`.
fn rewrite(tokens: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let operator = match token {
            Token::Plus => Some("add"),
            Token::Minus => Some("sub"),
            Token::Mul => Some("mul"),
            Token::Div => Some("div"),
            _ => None,
        };
        if let (Some(function), Some(Token::Eq), Some(Token::Word(word))) =
            (operator, rest.peek(), out.last_mut())
        {
            word.value.push_str(COMPOUND);
            word.value.push_str(function);
        } else {
            out.push(token);
        }
    }
    let mut index = 0;
    while index < out.len() {
        if is_word(out.get(index), "UPDATE") || is_word(out.get(index), "DELETE") {
            take_top(&mut out, index + 1);
        } else if is_word(out.get(index), "MERGE") || is_word(out.get(index), "INSERT") {
            take_hints(&mut out, index + 1);
        }
        index += 1;
    }
    out
}

/// `TOP (n)` at `index`: marks the name that follows.
fn take_top(tokens: &mut Vec<Token>, index: usize) {
    if !is_word(tokens.get(index), "TOP") {
        return;
    }
    let (number, next) = match tokens.get(index + 1) {
        Some(Token::LParen) => (index + 2, index + 4),
        _ => (index + 1, index + 2),
    };
    let Some(Token::Number(count, _)) = tokens.get(number) else { return };
    let mark = format!("{TOP}{count}");
    let name = next + usize::from(is_word(tokens.get(next), "FROM"));
    if let Some(last) = name_end(tokens, name)
        && let Some(Token::Word(word)) = tokens.get_mut(last)
    {
        word.value.push_str(&mark);
        tokens.drain(index..next);
    }
}

/// `[INTO] name WITH (…)` at `index`: marks the name if the hints lock the range.
fn take_hints(tokens: &mut Vec<Token>, index: usize) {
    let name = index + usize::from(is_word(tokens.get(index), "INTO"));
    let Some(last) = name_end(tokens, name) else { return };
    if !is_word(tokens.get(last + 1), "WITH") || tokens.get(last + 2) != Some(&Token::LParen) {
        return;
    }
    let Some(length) = tokens[last..].iter().position(|token| *token == Token::RParen) else {
        return;
    };
    let holds = tokens[last..last + length]
        .iter()
        .any(|token| matches!(token, Token::Word(w) if locks_range(&w.value)));
    tokens.drain(last + 1..=last + length);
    if let (true, Some(Token::Word(word))) = (holds, tokens.get_mut(last)) {
        word.value.push_str(HOLD);
    }
}

/// Whether a hint keeps others from inserting what was not found.
pub(super) fn locks_range(hint: &str) -> bool {
    ["HOLDLOCK", "SERIALIZABLE", "TABLOCKX"].iter().any(|known| hint.eq_ignore_ascii_case(known))
}

/// The last word of a dotted name.
pub(super) fn name_end(tokens: &[Token], mut index: usize) -> Option<usize> {
    while matches!(tokens.get(index), Some(Token::Word(_)))
        && tokens.get(index + 1) == Some(&Token::Period)
    {
        index += 2;
        while tokens.get(index) == Some(&Token::Period) {
            index += 1;
        }
    }
    matches!(tokens.get(index), Some(Token::Word(_))).then_some(index)
}

/// The pieces between semicolons that stand in no parentheses, no block and before no `ELSE`.
fn split(tokens: Vec<Token>) -> Vec<Vec<Token>> {
    let mut pieces = vec![Vec::new()];
    let mut depth = 0_usize;
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let next = rest.peek();
        match &token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(word) if word.keyword == Keyword::CASE => depth += 1,
            Token::Word(word) if word.keyword == Keyword::END => depth = depth.saturating_sub(1),
            Token::Word(word) if word.keyword == Keyword::BEGIN && !begins_transaction(next) => {
                depth += 1;
            }
            Token::SemiColon if depth == 0 && !is_word(next, "ELSE") => {
                pieces.push(Vec::new());
                continue;
            }
            _ => {}
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(token);
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn begins_transaction(next: Option<&Token>) -> bool {
    is_word(next, "TRAN") || is_word(next, "TRANSACTION")
}

/// Whether a token is this bare word.
pub(super) fn is_word(token: Option<&Token>, text: &str) -> bool {
    matches!(token, Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(text))
}
