//! The names of tables in text that nobody could read further.

use super::rewrite::{COMPOUND, HOLD, TOP, is_word, name_end, unmark};
use sqlparser::tokenizer::Token;
use std::collections::BTreeSet;

/// Words that a table's name follows.
const BEFORE_NAME: [&str; 11] = [
    "FROM", "JOIN", "INTO", "UPDATE", "MERGE", "USING", "DELETE", "TABLE", "INSERT", "EXEC",
    "EXECUTE",
];
/// Words that are no name there.
const NO_NAME: [&str; 13] = [
    "SET", "SELECT", "VALUES", "FROM", "INTO", "TOP", "WHERE", "OUTPUT", "WITH", "INSERT", "AS",
    "ON", "TABLE",
];
/// Words after which something changes.
const WRITES: [&str; 11] = [
    "INTO", "UPDATE", "MERGE", "DELETE", "INSERT", "EXEC", "EXECUTE", "TRUNCATE", "CREATE",
    "ALTER", "DROP",
];

/// Words that begin something whose changes, if any, other words tell.
const BEGINS: [&str; 12] = [
    "SELECT",
    "WITH",
    "DECLARE",
    "SET",
    "IF",
    "BEGIN",
    "PRINT",
    "RETURN",
    "THROW",
    "RAISERROR",
    "ROLLBACK",
    "WAITFOR",
];

/// What the tokens let see.
#[derive(Debug, Default)]
pub(super) struct Skim {
    /// The tables that they name, and the procedures that they call: the last part of each name, without temporary
    /// tables, aliases and common table expressions.
    pub(super) tables: BTreeSet<String>,
    /// Whether a table may change; any, if there is none in `tables`.
    pub(super) writes: bool,
    /// Names that mean something else: aliases.
    local: BTreeSet<String>,
    /// Whether a temporary table or table variable is named.
    private: bool,
}

/// Skims tokens without white space.
pub(super) fn skim(tokens: &[Token]) -> Skim {
    let mut seen = Skim::default();
    for (index, token) in tokens.iter().enumerate() {
        if *token == Token::LParen
            && is_word(index.checked_sub(1).and_then(|i| tokens.get(i)), "AS")
            && index >= 2
        {
            seen.local.extend(word(tokens.get(index - 2)));
        }
        let Some(start) = name_start(tokens, index) else { continue };
        name_list(tokens, start, is_word(tokens.get(index), "FROM"), &mut seen);
    }
    let local: BTreeSet<String> = seen.local.iter().map(|name| name.to_lowercase()).collect();
    seen.tables.retain(|name| !local.contains(&name.to_lowercase()));
    if runs_text(tokens) {
        return Skim { writes: true, ..Skim::default() };
    }
    let known =
        |words: &[&str], token: Option<&Token>| words.iter().any(|word| is_word(token, word));
    let unknown = !known(&BEGINS, tokens.first()) && !known(&WRITES, tokens.first());
    let changes = tokens.iter().any(|token| known(&WRITES, Some(token)));
    seen.writes = unknown || changes && !(seen.private && seen.tables.is_empty());
    seen
}

/// `EXEC (…)` and `EXEC sp_executesql`: SQL that is made while it runs.
fn runs_text(tokens: &[Token]) -> bool {
    tokens.iter().enumerate().any(|(index, token)| {
        let runs = is_word(Some(token), "EXEC") || is_word(Some(token), "EXECUTE");
        let called = || name_end(tokens, index + 1).and_then(|last| tokens.get(last));
        runs && (tokens.get(index + 1) == Some(&Token::LParen)
            || is_word(called(), "sp_executesql"))
    })
}

/// Where the name begins that the word at `index` announces.
fn name_start(tokens: &[Token], index: usize) -> Option<usize> {
    if !BEFORE_NAME.iter().any(|known| is_word(tokens.get(index), known)) {
        return None;
    }
    let mut start = index + 1;
    if is_word(tokens.get(index), "EXEC") || is_word(tokens.get(index), "EXECUTE") {
        start += if tokens.get(start + 1) == Some(&Token::Eq) { 2 } else { 0 };
    }
    let bare = NO_NAME.iter().any(|known| is_word(tokens.get(start), known));
    (!bare).then_some(start)
}

/// Reads a name with its alias, and after `FROM` the names behind commas.
fn name_list(tokens: &[Token], mut start: usize, listed: bool, seen: &mut Skim) {
    while let Some(last) = name_end(tokens, start) {
        let Some(name) = word(tokens.get(last)) else { return };
        let function = listed && tokens.get(last + 1) == Some(&Token::LParen);
        let private = name.starts_with('#') || name.starts_with('@') && !name.starts_with("@flow");
        let mut next = last + 1;
        next += usize::from(is_word(tokens.get(next), "AS"));
        if let Some(Token::Word(alias)) = tokens.get(next)
            && (alias.keyword == sqlparser::keywords::Keyword::NoKeyword)
        {
            if !alias.value.eq_ignore_ascii_case(&name) && !alias.value.starts_with('@') {
                seen.local.insert(alias.value.clone());
            }
            next += 1;
        }
        seen.private |= private;
        if !function && !private {
            seen.tables.insert(name);
        }
        start = next + 1;
        let bare = NO_NAME.iter().any(|known| is_word(tokens.get(start), known));
        if !listed || bare || tokens.get(next) != Some(&Token::Comma) {
            return;
        }
    }
}

/// A word without its marks.
fn word(token: Option<&Token>) -> Option<String> {
    let Some(Token::Word(word)) = token else { return None };
    let name =
        [HOLD, TOP, COMPOUND].iter().fold(word.value.as_str(), |name, mark| unmark(name, mark).0);
    Some(name.to_owned())
}
