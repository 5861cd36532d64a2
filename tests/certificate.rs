//! Certificates: written, checked by other code, and refused once anything in them is changed.

use flowrace::check::Config;
use flowrace::check::certify::{certificate, verify};
use serde_json::{Value, json};

const PROVED: &[(&str, &str)] = &[
    ("models/lost-update/fixed.json", "up to 60 items"),
    ("models/lesson/sql-atomic.json", "any number of items"),
    ("models/lesson/blob-lease.json", "up to 61 items"),
];

fn written(path: &str) -> Value {
    let text = certificate(path, &Config::default()).expect("a proof");
    serde_json::from_str(&text).expect("JSON")
}

fn holds(certificate: &Value) -> Result<String, String> {
    let text = certificate.to_string();
    verify("c.json", &text).expect("a certificate").map(|(claim, _)| claim)
}

#[test]
fn what_is_proved_is_verified() {
    for (path, claim) in PROVED {
        assert_eq!(holds(&written(path)), Ok((*claim).to_owned()), "{path}");
    }
}

#[test]
fn a_certificate_that_was_tampered_with_does_not_hold() {
    for (path, _) in PROVED {
        let good = written(path);
        let states = good["states"].as_array().expect("states").clone();
        for at in 0..states.len() {
            let mut missing = good.clone();
            missing["states"].as_array_mut().expect("states").remove(at);
            assert!(holds(&missing).is_err(), "{path} without state {at}");
            let line = states[at].as_str().expect("a line");
            for (old, new) in
                [("ready", "running"), ("now", "was"), ("many", "few"), ("Current", "Stale")]
            {
                if line.contains(old) {
                    let mut changed = good.clone();
                    changed["states"][at] = json!(line.replacen(old, new, 1));
                    assert!(holds(&changed).is_err(), "{path}: {old} in state {at}");
                }
            }
        }
        let mut more = good.clone();
        more["states"].as_array_mut().expect("states").push(json!("anything"));
        assert!(holds(&more).is_err(), "{path} with a state more");
        for (key, value) in [
            ("claim", json!("up to 1000000 items")),
            ("growing", json!(["metrics.Other"])),
            ("model", json!("models/lost-update/racy.json")),
            ("model", json!("models/nowhere.json")),
        ] {
            let mut other = good.clone();
            other[key] = value;
            assert!(holds(&other).is_err(), "{path} with another {key}");
        }
    }
}

#[test]
fn what_may_go_wrong_has_no_certificate() {
    for path in ["models/lost-update/racy.json", "models/lesson/sharded-modulo.json"] {
        assert!(certificate(path, &Config::default()).is_err(), "{path}");
    }
}

#[test]
fn what_is_no_certificate_is_told_apart() {
    for text in ["", "{", "[]", "{}", r#"{ "schema": "flowrace.certificate/1" }"#] {
        assert!(verify("c.json", text).is_err(), "{text}");
    }
}
