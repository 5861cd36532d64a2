//! Text that wants to harm the reader.

use super::*;

/// Neither a deep nor a long text overflows the stack or takes its time.
#[test]
fn hostile() {
    let many = |piece: &str, n: usize| piece.repeat(n);
    let texts = [
        format!("SELECT {}1{} FROM T", many("(", 100_000), many(")", 100_000)),
        format!("SELECT {} FROM T", many("(", 3_000)),
        format!("SELECT * FROM {}T", many("(", 900)),
        format!("SELECT {} FROM T", many("(SELECT a FROM (", 300)),
        format!("SELECT {} FROM T", many("CASE WHEN (", 300)),
        format!("SELECT {} FROM T", many("f(", 900)),
        format!("SELECT {} FROM T", many("CAST(", 400)),
        format!("SELECT {} FROM T", many("- ", 900)),
        format!("SELECT a FROM T WHERE {} a", many("NOT ", 900)),
        format!("SELECT a FROM T WHERE a = 1{}", many(" AND a = 1", 450)),
        format!("SELECT a FROM T WHERE a = 1{}", many(" OR a = 1", 450)),
        format!("UPDATE T SET a = 1{}", many(" + 1", 900)),
        format!("UPDATE T SET a = 1{}", many(" + 1", 300_000)),
        format!("{} DELETE FROM T", many("IF EXISTS (SELECT 1 FROM T) ", 200)),
        many("BEGIN ", 5_000),
        many("BEGIN TRY ", 5_000),
        many("MERGE T WITH (", 5_000),
        many("UPDATE TOP (1) T ", 4_000),
        many("FROM a, ", 9_000),
        many("SELECT a FROM T UNION ", 300),
        many("/*", 500_000),
        many("'", 1_000_001),
        many("[", 1_000_000),
        many(";", 1_000_000),
        many("@{x}", 100_000),
        format!("INSERT INTO T (a) VALUES (1){}", many(", (1)", 4_000)),
        many("x", 1_000_000),
    ];
    for text in texts {
        let statements = parse(&parts(&text)).unwrap();
        assert!(statements.iter().all(|s| s.tables().len() < 4), "{}", &text[..60]);
    }
}

/// Statements cut up and put together at random: always an answer.
#[test]
fn scrambled() {
    let words: Vec<&str> = include_str!("mod.rs")
        .split(|c: char| c.is_whitespace() || c == '"')
        .filter(|word| !word.is_empty() && !word.contains("@{"))
        .collect();
    let mut seed = 7_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    for _ in 0..400 {
        let starts = [
            "SELECT",
            "UPDATE T SET",
            "MERGE T USING",
            "INSERT INTO T (a)",
            "IF EXISTS (",
            "DELETE",
            "BEGIN",
        ];
        let mut text = starts[random(starts.len())].to_owned();
        for _ in 0..random(12) {
            let from = random(words.len());
            for word in words.iter().skip(from).take(1 + random(6)) {
                text.push(' ');
                text.push_str(word);
            }
        }
        let _ = parse(&[SqlPart::Text(text)]);
    }
}
