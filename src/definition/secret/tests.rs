//! Secrets: covered wherever they stand, told apart by identity alone.

use super::super::expression::parse_text;
use super::*;

/// A text as it is shown.
fn check(text: &str, expected: &str) {
    assert_eq!(shown(text, ""), expected, "{text}");
}

#[test]
fn secrets_in_texts() {
    check("https://x/y?sv=1&sig=CAN%2Bary&se=2", "https://x/y?sv=1&sig=‹secret›&se=2");
    check("https://x/api?code=CANARY==", "https://x/api?code=‹secret›");
    check(
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=CAN/ary==;E=x",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=‹secret›;E=x",
    );
    check("Server=s;Password = canary;x", "Server=s;Password = ‹secret›;x");
    check("Bearer CANARY", "Bearer ‹secret›");
    check("header: Basic Y2FuYXJ5", "header: Basic ‹secret›");
    check("basic canary", "basic ‹secret›");
    check("the bearer of news", "the bearer of news");
    check("see eyJhbGciOi.eyJzdWIi.c2ln there", "see ‹secret› there");
    check("https://user:canary@host/x", "https://user:‹secret›@host/x");
    check(
        "{\"user\": \"a\", \"password\": \"canary\"}",
        "{\"user\": \"a\", \"password\": \"‹secret›\"}",
    );
    check("{\\\"apiKey\\\":\\\"canary\\\"}", "{\\\"apiKey\\\":\\\"‹secret›\\\"}");
    check(&format!("key {}==", "Ab1/".repeat(12)), "key ‹secret›");
    check("token ghp_0123456789abcdef", "token ‹secret›");
    check("https://x?sig=@{body('t')}&a=1", "https://x?sig=@{body('t')}&a=1");
    check("SET Password='CAN''ary' WHERE Id = '5'", "SET Password='‹secret›' WHERE Id = '5'");
    check("SET u.[Client Secret] = N'CANARY', A='b'", "SET u.[Client Secret] = N'‹secret›', A='b'");
    check("where @pw<>'CANARY' or a = 'b'", "where @pw<>'‹secret›' or a = 'b'");
    check("WITH PASSWORD = 'CANARY'", "WITH PASSWORD = '‹secret›'");
    check("<user password=\"CANARY\"/>", "<user password=\"‹secret›\"/>");
    check(
        "INSERT INTO t (Id, [Password], N) VALUES (f(1, 2), 'CA,N)''ARY', 'x'), (5, N'CANARY2', 'y')",
        "INSERT INTO t (Id, [Password], N) VALUES (f(1, 2), '‹secret›', 'x'), (5, N'‹secret›', 'y')",
    );
    for plain in
        ["SELECT code = 1", "a=b", "www.contoso.example.com", "design=1", "?code=", "Orders/key/1"]
    {
        check(plain, plain);
    }
}

#[test]
fn secrets_by_their_key() {
    for key in [
        "Authorization",
        "item/Password",
        "x-functions-key",
        "Ocp-Apim-Subscription-Key",
        "connectionString",
        "client_secret",
        "sig",
        "pw",
        "sqlPw",
        "db_pwd",
        "dbpwd",
    ] {
        assert!(is_secret_key(key), "{key}");
    }
    for key in [
        "secretName",
        "key",
        "authorizationUrl",
        "title",
        "tokenCount",
        "etag",
        "pwCount",
        "Output",
    ] {
        assert!(!is_secret_key(key), "{key}");
    }
}

#[test]
fn a_secret_keeps_its_identity_and_nothing_else() {
    let secrets = Secrets::default();
    let read = |text: &str| {
        let template = parse_text(text, &Location::default()).unwrap();
        format!("{:?}", cover(template, true, &secrets))
    };
    let first = read("canary");
    assert_eq!(first, read("canary"));
    assert_ne!(first, read("another"));
    for text in [
        "canary",
        "Bearer @{body('x')} canary",
        "@concat('Bearer ', 'canary')",
        "@base64(concat('u', ':', 'canary'))",
    ] {
        assert!(!read(text).contains("canary"), "{}", read(text));
    }
    assert!(read("@parameters('canary')").contains("canary"), "a name is no secret");
    let open = |text: &str| {
        let template = parse_text(text, &Location::default()).unwrap();
        format!("{:?}", cover(template, false, &secrets))
    };
    assert!(!open("@setProperty(item(), 'password', 'canary')").contains("canary"));
    assert!(!open("@uriComponent('https://x?sig=canary')").contains("canary"));
    assert!(open("@equals(item(), 'canary')").contains("canary"));
    assert!(!open("@equals(variables('pw'), 'canary')").contains("canary"));
    assert!(!open("@equals('canary', triggerBody()?['password'])").contains("canary"));
    let split = open("INSERT INTO t (A, pwd, B) VALUES ('@{body('x')}', 'canary', 'open')");
    assert!(!split.contains("canary") && split.contains("open"), "{split}");
}
