//! Through one helper: text in, statements out, one a line. `@{n}` in the text is a flow expression.

mod hostile;

use super::*;
use crate::model::value::Value;
use std::fmt::Write;

fn check(text: &str, expected: &str) {
    assert_eq!(read(text), expected, "{text}");
}

fn read(text: &str) -> String {
    match parse(&parts(text)) {
        Ok(statements) => statements.iter().map(show).collect::<Vec<_>>().join("\n"),
        Err(message) => format!("error: {message}"),
    }
}

/// `@{n}` becomes the flow expression `n`.
fn parts(text: &str) -> Vec<SqlPart> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        let (name, after) = after.split_once('}').unwrap();
        parts.push(SqlPart::Text(before.to_owned()));
        parts.push(SqlPart::Value(Expr::Opaque(format!("{{{name}}}").into(), Vec::new())));
        rest = after;
    }
    parts.push(SqlPart::Text(rest.to_owned()));
    parts
}

fn show(statement: &Statement) -> String {
    match statement {
        Statement::Select { table, columns, filter, condition, order, limit } => {
            let order = order
                .iter()
                .map(|o| format!(" by {}{}", expr(&o.by), if o.descending { " desc" } else { "" }));
            format!(
                "select {table} {}{}{}",
                cols(columns),
                which(filter, condition.as_ref(), *limit),
                order.collect::<String>()
            )
        }
        Statement::Update { table, set, filter, condition, limit, output } => {
            let output =
                output.as_ref().map(|o| format!(" answers {}", cols(o))).unwrap_or_default();
            format!(
                "update {table} set {}{}{output}",
                row(set),
                which(filter, condition.as_ref(), *limit)
            )
        }
        Statement::Insert { table, row: r } => format!("insert {table} {}", row(r)),
        Statement::InsertIfNone { table, row: r, unless, serialized } => {
            format!("insert {table} {} unless {}{}", row(r), row(unless), held(*serialized))
        }
        Statement::Merge { table, on, matched, not_matched, serialized } => {
            let part = |r: &Option<Row>| r.as_ref().map_or("-".to_owned(), row);
            format!(
                "merge {table} on {} set {} else {}{}",
                row(on),
                part(matched),
                part(not_matched),
                held(*serialized)
            )
        }
        Statement::Delete { table, filter, condition, limit, output } => {
            let output =
                output.as_ref().map(|o| format!(" answers {}", cols(o))).unwrap_or_default();
            format!("delete {table}{}{output}", which(filter, condition.as_ref(), *limit))
        }
        Statement::Opaque { tables, writes } => {
            format!("opaque {} {}", if *writes { "rw" } else { "r" }, tables.join(" "))
        }
    }
}

fn held(serialized: bool) -> &'static str {
    if serialized { " (serialized)" } else { "" }
}

fn which(filter: &Row, condition: Option<&Expr>, limit: Option<u64>) -> String {
    let mut text = String::new();
    if !filter.is_empty() {
        let _ = write!(text, " where {}", row(filter));
    }
    if let Some(condition) = condition {
        let _ = write!(text, " if {}", expr(condition));
    }
    if let Some(limit) = limit {
        let _ = write!(text, " top {limit}");
    }
    text
}

fn cols(columns: &Columns) -> String {
    match columns {
        Columns::All => "*".to_owned(),
        Columns::Each(r) => row(r),
        Columns::Totals { totals, row: r } => format!("{totals:?}: {}", row(r)),
    }
}

fn row(row: &Row) -> String {
    let pairs: Vec<String> =
        row.iter().map(|(name, value)| format!("{name}={}", expr(value))).collect();
    format!("({})", pairs.join(", "))
}

fn list(args: &[Expr]) -> String {
    args.iter().map(expr).collect::<Vec<_>>().join(", ")
}

fn expr(value: &Expr) -> String {
    match value {
        Expr::Const(Value::Int(number)) => number.to_string(),
        Expr::Const(Value::Float(number)) => format!("{:?}", number.0),
        Expr::Const(Value::String(text)) => format!("'{text}'"),
        Expr::Const(Value::Null) => "null".to_owned(),
        Expr::Const(Value::Bool(value)) => value.to_string(),
        Expr::Column(name) => name.to_string(),
        Expr::Concat(parts) => format!("\"{}\"", list(parts)),
        Expr::Call(function, args) => format!("{}({})", function.name(), list(args)),
        Expr::Opaque(name, args) if args.is_empty() => name.to_string(),
        Expr::Opaque(name, args) => format!("{name}?({})", list(args)),
        other => format!("{other:?}"),
    }
}

#[test]
fn selects() {
    check("SELECT * FROM Orders", "select Orders *");
    check(
        "select Id, o.Name as n from [dbo].[Orders] AS o where o.Id = 5",
        "select Orders (Id=Id, n=Name) where (Id=5)",
    );
    check(
        "SELECT Id FROM db..Orders WHERE 5 = Id AND (Name = N'it''s')",
        "select Orders (Id=Id) where (Id=5, Name='it's')",
    );
    check(
        "SELECT COUNT(*) FROM Orders WHERE Status = 'New';",
        "select Orders [Count]: (=#0) where (Status='New')",
    );
    check(
        "SELECT ISNULL(MAX(No), 0) + 1 AS Next FROM T",
        "select T [Max(Column(\"No\"))]: (Next=add(coalesce(#0, 0), 1))",
    );
    check(
        "SELECT TOP (1) Id FROM Q WITH (UPDLOCK, READPAST) ORDER BY Id DESC",
        "select Q (Id=Id) top 1 by Id desc",
    );
    check("SELECT a.Id FROM A a JOIN B b ON a.Id = b.Id", "opaque r A B");
    check("SELECT Id, COUNT(*) FROM A GROUP BY Id", "opaque r A");
    check("SELECT Id FROM A WHERE Id IN (SELECT Id FROM B)", "opaque r A B");
    check("SELECT 1", "opaque r ");
}

#[test]
fn conditions() {
    check(
        "SELECT a FROM T WHERE a = 1 AND n > 3 AND 1 = 1",
        "select T (a=a) where (a=1) if greater(n, 3)",
    );
    check(
        "SELECT a FROM T WHERE NOT (n > 3 OR m IS NULL)",
        "select T (a=a) if and(lessorequals(n, 3), not(equals(m, null)))",
    );
    check(
        "SELECT a FROM T WHERE s <> 'Done'",
        "select T (a=a) if and(not(equals(s, 'Done')), not(equals(s, null)))",
    );
    check(
        "SELECT a FROM T WHERE s IN ('a', 'b')",
        "select T (a=a) if or(equals(s, 'a'), equals(s, 'b'))",
    );
    check(
        "SELECT a FROM T WHERE n NOT BETWEEN 1 AND 2",
        "select T (a=a) if or(less(n, 1), greater(n, 2))",
    );
    check("SELECT a FROM T WHERE a = NULL", "select T (a=a) if false");
    check("SELECT a FROM T WHERE a = b", "select T (a=a) if equals(a, b)");
    check("SELECT a FROM T WHERE s LIKE 'x%'", "opaque r T");
}

#[test]
fn updates() {
    check(
        "UPDATE Counters SET Value = Value + 1 WHERE Id = 1",
        "update Counters set (Value=add(Value, 1)) where (Id=1)",
    );
    check(
        "UPDATE C SET v += 2, w -= 1 - 3, s += 'x'",
        "update C set (v=add(v, 2), w=sub(w, sub(1, 3)), s=concat(s, 'x'))",
    );
    check(
        "UPDATE o SET o.v = 1 FROM dbo.Orders o WHERE o.Id = 2",
        "update Orders set (v=1) where (Id=2)",
    );
    check(
        "UPDATE TOP (1) dbo.Q SET s = 'Busy' WHERE s = 'New'",
        "update Q set (s='Busy') where (s='New') top 1",
    );
    check(
        "UPDATE C SET n = n + 1 OUTPUT inserted.n, deleted.n AS old WHERE k = 1",
        "update C set (n=add(n, 1)) where (k=1) answers (n=n, old=deleted.n)",
    );
    check("UPDATE Q SET s = 1 OUTPUT inserted.*", "update Q set (s=1) answers *");
    check(
        "DECLARE @n INT; UPDATE C SET @n = n = n + 1 WHERE k = 1; SELECT @n AS Ticket",
        "update C set (n=add(n, 1)) where (k=1) answers (Ticket=n)",
    );
    check(
        "UPDATE C SET p = 2.5 * -q / 2 % 3, t = GETDATE()",
        "update C set (p=mod(div(mul(2.5, sub(0, q)), 2), 3), t=GETDATE)",
    );
    check(
        "UPDATE C SET s = 'a' + 'b' + CAST(n AS VARCHAR(10))",
        "update C set (s=concat(concat('a', 'b'), \"n\"))",
    );
    check(
        "UPDATE C SET s = CASE WHEN n > 1 THEN 'x' ELSE UPPER(s) END",
        "update C set (s=if(greater(n, 1), 'x', UPPER?(s)))",
    );
    check("UPDATE C SET n = (SELECT MAX(n) FROM D)", "opaque rw C D");
    check("UPDATE C SET n = 1 WHERE CURRENT OF cur", "opaque rw C");
}

#[test]
fn inserts_and_deletes() {
    check(
        "INSERT INTO T (a, [b]) VALUES (1, 'x'), (-2, NULL)",
        "insert T (a=1, b='x')\ninsert T (a=-2, b=null)",
    );
    check("INSERT T (a) OUTPUT inserted.Id VALUES (NEWID())", "insert T (a=NEWID)");
    check(
        "INSERT INTO T VALUES (1)",
        "error: INSERT INTO T does not name its columns; name the columns",
    );
    check("INSERT INTO T (a) VALUES (DEFAULT)", "opaque rw T");
    check("INSERT INTO T (a) SELECT b FROM U", "opaque rw T U");
    check("DELETE FROM T WHERE k = 1 AND n <= 2", "delete T where (k=1) if lessorequals(n, 2)");
    check("DELETE TOP (1) FROM Q OUTPUT deleted.Id", "delete Q top 1 answers (Id=Id)");
    check("DELETE q FROM Queue q WHERE q.k = 1", "delete Queue where (k=1)");
    check("TRUNCATE TABLE dbo.T", "opaque rw T");
}

#[test]
fn insert_if_none() {
    check(
        "INSERT INTO T (k, v) SELECT @{k}, 1 WHERE NOT EXISTS (SELECT 1 FROM T WHERE k = @{k})",
        "insert T (k={k}, v=1) unless (k={k})",
    );
    check(
        "INSERT T (k) SELECT 5 WHERE NOT EXISTS (SELECT * FROM dbo.T x WITH (UPDLOCK, HOLDLOCK) WHERE x.k = 5)",
        "insert T (k=5) unless (k=5) (serialized)",
    );
    check(
        "INSERT T (k) SELECT s.k FROM (SELECT 5 AS k) s WHERE NOT EXISTS (SELECT 1 FROM T t WITH (UPDLOCK) WHERE t.k = s.k)",
        "insert T (k=5) unless (k=5)",
    );
    check(
        "IF NOT EXISTS (SELECT 1 FROM T WHERE k = 5) INSERT INTO T (k) VALUES (5)",
        "insert T (k=5) unless (k=5)",
    );
    check(
        "IF (SELECT COUNT(*) FROM T WHERE k = 5) = 0 BEGIN INSERT INTO T (k) VALUES (5); END",
        "insert T (k=5) unless (k=5)",
    );
    check(
        "IF NOT EXISTS (SELECT 1 FROM T WITH (UPDLOCK, HOLDLOCK) WHERE k = 5) INSERT INTO T (k) VALUES (5)",
        "insert T (k=5) unless (k=5)",
    );
    check(
        "BEGIN TRAN; IF NOT EXISTS (SELECT 1 FROM T WITH (UPDLOCK, HOLDLOCK) WHERE k = 5) INSERT T (k) VALUES (5); COMMIT",
        "insert T (k=5) unless (k=5) (serialized)",
    );
    check(
        "IF NOT EXISTS (SELECT 1 FROM T WHERE k = 5) INSERT INTO U (k) VALUES (5)",
        "opaque rw T U",
    );
    check(
        "IF NOT EXISTS (SELECT 1 FROM T WHERE k > 5) INSERT INTO T (k) VALUES (5)",
        "opaque rw T",
    );
}

#[test]
fn merges() {
    let merge = |hint: &str, using: &str| {
        format!(
            "MERGE INTO dbo.T {hint} AS t USING {using} ON t.k = s.k WHEN MATCHED THEN UPDATE SET v = t.v + s.v \
             WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v);"
        )
    };
    let plain = "merge T on (k={k}) set (v=add(v, 1)) else (k={k}, v=1)";
    let serialized = format!("{plain} (serialized)");
    check(&merge("", "(VALUES (@{k}, 1)) AS s (k, v)"), plain);
    check(&merge("WITH (HOLDLOCK)", "(VALUES (@{k}, 1)) AS s (k, v)"), &serialized);
    check(&merge("WITH (ROWLOCK, serializable)", "(SELECT @{k} AS k, 1 AS v) AS s"), &serialized);
    check(&merge("WITH (UPDLOCK)", "(SELECT @{k}, 1) AS s(k, v)"), plain);
    check(&merge("", "Source AS s"), "opaque rw Source T");
    check(
        "IF EXISTS (SELECT 1 FROM T WHERE k = 1) UPDATE T SET v = 2 WHERE k = 1; ELSE INSERT INTO T (k, v) VALUES (1, 2)",
        "merge T on (k=1) set (v=2) else (k=1, v=2)",
    );
    check(
        "IF NOT EXISTS (SELECT 1 FROM T WHERE k = 1) INSERT INTO T (k) VALUES (1) ELSE UPDATE T SET v += 1 WHERE k = 1",
        "merge T on (k=1) set (v=add(v, 1)) else (k=1)",
    );
    check(
        "IF EXISTS (SELECT 1 FROM T WHERE k = 1) UPDATE T SET v = 2 WHERE k = 3 ELSE INSERT INTO T (k) VALUES (1)",
        "opaque rw T",
    );
    check(
        "MERGE T USING (SELECT 1 AS k) s ON T.k = s.k WHEN MATCHED AND T.v > 1 THEN DELETE;",
        "opaque rw T",
    );
}

#[test]
fn flow_expressions() {
    check("UPDATE C SET n = @{a} WHERE k = '@{b}'", "update C set (n={a}) where (k=\"{b}\")");
    check(
        "INSERT INTO T (a) VALUES ('abc-@{x}'), (N'@{x}@{y} ''')",
        "insert T (a=\"'abc-', {x}\")\ninsert T (a=\"{x}, {y}, ' ''\")",
    );
    check(
        "UPDATE C SET n = @{a} + 1 -- @{c}\nWHERE k = @p",
        "update C set (n=add({a}, 1)) where (k=@p)",
    );
    check("UPDATE C SET n = @flow1 + @{a}", "update C set (n=add(@flow1, {a}))");
    check("UPDATE C SET n = 5@{a}", "opaque rw C");
    check("UPDATE Orders_@{t} SET n = 1", "opaque rw Orders_@{}");
    check("SELECT * FROM @{t}", "opaque r @{}");
    check("@{sql}", "opaque rw ");
}

#[test]
fn batches() {
    check("UPDATE A SET n = 1 UPDATE B SET n = 2", "update A set (n=1)\nupdate B set (n=2)");
    check(
        "SET NOCOUNT ON; UPDATE A SET n = 1\nGO\nUPDATE B SET n = 2\ngo",
        "update A set (n=1)\nupdate B set (n=2)",
    );
    check(
        "DECLARE @k INT = @{x}; SET @k = @k + 1; DELETE FROM A WHERE k = @k",
        "delete A where (k=add({x}, 1))",
    );
    check(
        "DECLARE @x INT; SELECT @x = n FROM A; UPDATE A SET n = @x + 1",
        "opaque r A\nopaque rw A",
    );
    check(
        "UPDATE A SET n = 1; frobnicate the B; DELETE FROM C",
        "update A set (n=1)\nopaque rw \ndelete C",
    );
    check(
        "BEGIN TRAN SELECT n FROM A; UPDATE B SET n = 1; COMMIT; DELETE FROM C",
        "opaque rw A B\ndelete C",
    );
    check("BEGIN TRANSACTION; UPDATE B SET n = 1; COMMIT TRANSACTION", "update B set (n=1)");
    check(
        "BEGIN TRY BEGIN TRAN; UPDATE B SET n = 1; COMMIT; END TRY BEGIN CATCH ROLLBACK; THROW; END CATCH",
        "update B set (n=1)",
    );
    check(
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; INSERT T (k) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM T WHERE k = 1)",
        "insert T (k=1) unless (k=1) (serialized)",
    );
    check("DECLARE @n INT = (SELECT n FROM A); UPDATE B SET n = @n", "opaque r A\nopaque rw B");
    check("EXEC sp_executesql @sql", "opaque rw ");
    check(
        "UPDATE T SET v = 1 WHERE k = 2; IF @@ROWCOUNT = 0 INSERT INTO T (k, v) VALUES (2, 1)",
        "merge T on (k=2) set (v=1) else (k=2, v=1)",
    );
    check(
        "BEGIN TRAN; UPDATE T WITH (UPDLOCK, SERIALIZABLE) SET v = 1 WHERE k = 2; IF @@ROWCOUNT = 0 BEGIN INSERT T (k) VALUES (2); END; COMMIT",
        "merge T on (k=2) set (v=1) else (k=2) (serialized)",
    );
    check(
        "UPDATE T SET v = 1 WHERE k > 2; IF @@ROWCOUNT = 0 INSERT INTO T (k) VALUES (2)",
        "update T set (v=1) if greater(k, 2)\nopaque rw T",
    );
    check("EXEC dbo.usp_Add @id = 1", "opaque rw usp_Add");
    check("WITH c AS (SELECT * FROM A) DELETE FROM c", "opaque rw A");
    check("INSERT INTO #t (a) VALUES (1)", "opaque r ");
    check("SELECT 'oops FROM A", "opaque r A");
    check("", "");
}
