//! T-SQL: the text of a query action into what it does to which tables. The only home of sqlparser. What nobody can
//! read is opaque, never an error: it touches every table that it names.

mod condition;
mod expression;
mod parse;
mod rewrite;
mod scope;
mod skim;
mod table;
mod template;
#[cfg(test)]
mod tests;
mod upsert;

use crate::model::expression::Expr;
use crate::model::statement::{Columns, Row, Statement};
use scope::{Context, Local, Locals};
use sqlparser::ast as sql;
use sqlparser::dialect::MsSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;
use std::collections::BTreeSet;
use std::sync::Arc;
use template::Template;

/// More tokens than this are skimmed for names of tables, not read.
const TOKENS: usize = 20_000;
/// So are more operators and keywords in one statement: each may be a level of sqlparser's tree, which is recursive.
const OPERATORS: usize = 1_000;
/// How far sqlparser may recurse, and the stack for it: unoptimised it takes 100 kB a level.
const NESTING: usize = 50;
const STACK: usize = 16 << 20;
/// How far it may recurse on the caller's stack, where there are no threads.
const SHALLOW: usize = 8;

/// A piece of a query's text.
#[derive(Clone, Debug, PartialEq)]
pub enum SqlPart {
    /// As it was written.
    Text(String),
    /// `@{…}`, to be evaluated before the query is sent.
    Value(Expr),
}

/// Why a statement was not read.
#[derive(Debug)]
enum Refusal {
    /// It is beyond us: opaque.
    Unread,
    /// Its author should change it.
    Fault(String),
}

type Read<T> = Result<T, Refusal>;

/// What a query does, statement by statement. The error is for the author and says what to change.
pub fn parse(parts: &[SqlPart]) -> Result<Vec<Statement>, String> {
    parse_with(parts, &[])
}

/// The same with values for the parameters of the action, by their lower-case names.
pub fn parse_with(parts: &[SqlPart], bound: &[(String, Expr)]) -> Result<Vec<Statement>, String> {
    let template = Template::new(parts);
    let Some(tokens) = rewrite::tokens(&template.text) else {
        // A quote or a comment does not end: skim the words.
        let words = template.text.split(|c: char| !(c.is_alphanumeric() || "_@$#".contains(c)));
        let tokens: Vec<Token> =
            words.filter(|word| !word.is_empty()).map(|w| Token::make_word(w, None)).collect();
        return Ok(vec![opaque(&tokens, &template)]);
    };
    if tokens.len() > TOKENS {
        return Ok(vec![opaque(&visible(tokens), &template)]);
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        match thread.spawn_scoped(scope, || batches(tokens.clone(), &template, bound, NESTING)) {
            // If sqlparser panics, the text is one more that it cannot read.
            Ok(handle) => handle
                .join()
                .unwrap_or_else(|_| Ok(vec![opaque(&visible(tokens.clone()), &template)])),
            Err(_) => batches(tokens.clone(), &template, bound, SHALLOW),
        }
    })
}

fn batches(
    tokens: Vec<Token>,
    template: &Template,
    bound: &[(String, Expr)],
    nesting: usize,
) -> Result<Vec<Statement>, String> {
    let mut statements = Vec::new();
    for pieces in rewrite::pieces(tokens) {
        let mut batch = Batch::new(template, nesting);
        let local = |(name, value): &(String, Expr)| (name.clone(), Local::Bound(value.clone()));
        batch.locals.extend(bound.iter().map(local));
        for piece in pieces {
            batch.piece(&piece)?;
        }
        batch.end_transaction();
        statements.append(&mut batch.read);
    }
    Ok(statements)
}

fn visible(mut tokens: Vec<Token>) -> Vec<Token> {
    tokens.retain(|token| !matches!(token, Token::Whitespace(_)));
    tokens
}

/// A statement that could not be read further than its tables' names.
fn opaque(tokens: &[Token], template: &Template) -> Statement {
    let seen = skim::skim(tokens);
    let tables: BTreeSet<Arc<str>> =
        seen.tables.iter().map(|name| template.name(name).into()).collect();
    Statement::Opaque { tables: tables.into_iter().collect(), writes: seen.writes }
}

/// What is known in the middle of a batch.
struct Batch<'a> {
    template: &'a Template,
    nesting: usize,
    locals: Locals,
    serializable: bool,
    /// Under isolation that the model does not have.
    strange: bool,
    /// Whether the last UPDATE had a hint that locks the range.
    held: bool,
    /// The number of statements before the open transaction.
    open: Option<usize>,
    read: Vec<Statement>,
}

impl<'a> Batch<'a> {
    fn new(template: &'a Template, nesting: usize) -> Self {
        let locals = Locals::new();
        Self {
            template,
            nesting,
            locals,
            serializable: false,
            strange: false,
            held: false,
            open: None,
            read: Vec::new(),
        }
    }

    fn context(&self) -> Context<'_> {
        Context {
            template: self.template,
            locals: &self.locals,
            serializable: self.serializable,
            in_transaction: self.open.is_some(),
        }
    }

    /// The statements between two semicolons.
    fn piece(&mut self, tokens: &[Token]) -> Result<(), String> {
        let Some(list) = asts(tokens, self.nesting) else {
            self.unread(tokens);
            return Ok(());
        };
        list.iter().try_for_each(|(ast, from, to)| self.statement(ast, &tokens[*from..*to]))
    }

    fn statement(&mut self, ast: &sql::Statement, tokens: &[Token]) -> Result<(), String> {
        match ast {
            sql::Statement::StartTransaction { has_end_keyword: false, .. } => {
                // A transaction inside another is a part of it.
                self.open = self.open.or(Some(self.read.len()));
            }
            sql::Statement::Commit { .. } => self.end_transaction(),
            sql::Statement::Declare { stmts } if !skims(tokens) => {
                for one in stmts {
                    self.declare(one);
                }
            }
            sql::Statement::Set(set) => self.set(set, tokens),
            sql::Statement::Print(_) | sql::Statement::Use(_) => {}
            sql::Statement::Query(query) if self.answer(query) => {}
            sql::Statement::If(test) if self.otherwise(test) => {}
            other => match parse::statement(other, self.context()) {
                Ok(_) if self.strange => self.unread(tokens),
                Ok(mut read) => {
                    self.read.append(&mut read);
                    self.take_returned(other);
                }
                Err(Refusal::Unread) => self.unread(tokens),
                Err(Refusal::Fault(message)) => return Err(message),
            },
        }
        Ok(())
    }

    /// Opaque; its variables may be anything now.
    fn unread(&mut self, tokens: &[Token]) {
        for token in tokens {
            if let Token::Word(word) = token
                && word.value.starts_with('@')
            {
                self.locals.insert(word.value.to_lowercase(), Local::Unknown);
            }
        }
        self.read.push(opaque(tokens, self.template));
    }

    /// `COMMIT`, or the end: one statement in a transaction is itself, several are opaque.
    fn end_transaction(&mut self) {
        let Some(start) = self.open.take().filter(|start| self.read.len() > start + 1) else {
            return;
        };
        let inner = self.read.split_off(start);
        let tables: BTreeSet<Arc<str>> =
            inner.iter().flat_map(|read| read.tables().iter().cloned()).collect();
        let writes = inner.iter().any(Statement::writes);
        let anything = inner.iter().any(|read| read.writes() && read.tables().is_empty());
        let tables = if anything { Vec::new() } else { tables.into_iter().collect() };
        self.read.push(Statement::Opaque { tables, writes });
    }

    fn declare(&mut self, declared: &sql::Declare) {
        for name in &declared.names {
            let value = match &declared.assignment {
                Some(
                    sql::DeclareAssignment::Expr(value)
                    | sql::DeclareAssignment::MsSqlAssignment(value),
                ) => Some(value.as_ref()),
                Some(_) | None => None,
            };
            self.bind(&name.value, value);
        }
    }

    /// A variable gets a value; one that the store makes up is not the same wherever it is used.
    fn bind(&mut self, name: &str, value: Option<&sql::Expr>) {
        let value =
            value.and_then(|value| expression::read(value, &mut self.context().scope(&[])).ok());
        let local = match value {
            Some(value) if !expression::made_up(&value) => Local::Bound(value),
            Some(_) | None => Local::Unknown,
        };
        self.locals.insert(name.to_lowercase(), local);
    }

    fn set(&mut self, set: &sql::Set, tokens: &[Token]) {
        match set {
            sql::Set::SingleAssignment { variable, values, .. } => match values.as_slice() {
                [value] if !skims(tokens) => self.bind(&variable.to_string(), Some(value)),
                _ => self.unread(tokens),
            },
            sql::Set::SetTransaction { modes, snapshot: None, .. } => {
                for mode in modes {
                    if let sql::TransactionMode::IsolationLevel(level) = mode {
                        self.serializable = *level == sql::TransactionIsolationLevel::Serializable;
                        self.strange = *level == sql::TransactionIsolationLevel::Snapshot;
                    }
                }
            }
            sql::Set::SetSessionParam(_) => {}
            _ => self.unread(tokens),
        }
    }

    /// After an UPDATE its variables are what it returned.
    fn take_returned(&mut self, ast: &sql::Statement) {
        self.locals.retain(|_, local| !matches!(local, Local::Returned(_)));
        self.held = false;
        if let sql::Statement::Update(update) = ast {
            let target = table::factor(&update.table.relation, self.context());
            self.held = target.is_ok_and(|target| target.holds);
            for (name, value) in parse::returned(update) {
                self.locals.insert(name, value.map_or(Local::Unknown, Local::Returned));
            }
        }
    }

    /// `IF @@ROWCOUNT = 0 INSERT` after an UPDATE.
    fn otherwise(&mut self, test: &sql::IfStatement) -> bool {
        let update = self.read.last().filter(|_| !self.strange);
        let merged =
            update.and_then(|update| upsert::otherwise(update, self.held, test, self.context()));
        let (Some(merged), Some(last)) = (merged, self.read.last_mut()) else { return false };
        *last = merged;
        true
    }

    /// `SELECT @n` after `UPDATE … SET @n = c = c + 1`: what the UPDATE answers, in its step.
    fn answer(&mut self, query: &sql::Query) -> bool {
        let Ok(select) = parse::plain(query) else { return false };
        if !select.from.is_empty() || select.selection.is_some() {
            return false;
        }
        let mut scope = self.context().scope(&[]);
        scope.returned = true;
        let Ok(Columns::Each(row)) = parse::columns(&select.projection, &mut scope) else {
            return false;
        };
        if scope.columns == 0 {
            return false;
        }
        self.attach(row)
    }

    fn attach(&mut self, row: Row) -> bool {
        match self.read.last_mut() {
            Some(Statement::Update { output: output @ None, .. }) => {
                *output = Some(Columns::Each(row));
                true
            }
            _ => false,
        }
    }
}

/// Whether tokens name a table.
fn skims(tokens: &[Token]) -> bool {
    !skim::skim(tokens).tables.is_empty()
}

/// sqlparser's statements, each with where its tokens begin and end; none if it refuses any.
fn asts(tokens: &[Token], nesting: usize) -> Option<Vec<(sql::Statement, usize, usize)>> {
    let operators = tokens.iter().filter(|token| match token {
        Token::Word(word) => word.keyword != Keyword::NoKeyword && word.keyword != Keyword::NULL,
        Token::Comma
        | Token::LParen
        | Token::RParen
        | Token::Number(..)
        | Token::SingleQuotedString(_) => false,
        _ => true,
    });
    if operators.count() > OPERATORS {
        return None;
    }
    let mut parser =
        Parser::new(&MsSqlDialect {}).with_recursion_limit(nesting).with_tokens(tokens.to_vec());
    let mut list = Vec::new();
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        if parser.peek_token_ref().token == Token::EOF {
            return Some(list);
        }
        let from = parser.index();
        let statement = parser.parse_statement().ok()?;
        let to = parser.index().min(tokens.len());
        list.push((statement, from.min(to), to));
    }
}
