//! What GitHub documents as required, and what the schedule must look like.

use super::*;
use crate::definition::problem::Problem;
use crate::finding::{Finding, sample};

fn log(of: &Report) -> Json {
    serde_json::from_str(&report(of, None)).unwrap()
}

#[test]
fn the_frame_is_complete() {
    let log = log(&sample::report());
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["columnKind"], "utf16CodeUnits");
    assert_eq!(run["automationDetails"]["id"], "flowrace/");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), RULES.len(), "all of them, not only those that fired");
    for (rule, meta) in rules.iter().zip(RULES) {
        assert_eq!(rule["id"], meta.id);
        for text in [
            &rule["shortDescription"]["text"],
            &rule["fullDescription"]["text"],
            &rule["help"]["text"],
        ] {
            let text = text.as_str().unwrap();
            assert!(!text.is_empty() && text.len() <= 1024, "{}: {text}", meta.id);
        }
        assert_eq!(rule["help"]["markdown"], meta.page);
        assert!(rule["properties"].get("security-severity").is_none());
    }
    let tags = &rules[0]["properties"]["tags"];
    assert_eq!(*tags, json!(["concurrency", "external/cwe/cwe-362"]));
}

#[test]
fn a_finding_is_a_result_with_its_schedule() {
    let log = log(&sample::report());
    let result = &log["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&json!("lost-update"), &json!("error")));
    let text = result["message"]["text"].as_str().unwrap();
    assert!(
        text.starts_with("Update_item overwrites an update it never saw.\n\norder[1]"),
        "{text}"
    );
    assert!(text.contains("[order: the loop, 2 items, 2 at once](3)"), "{text}");
    assert_eq!(result["relatedLocations"].as_array().unwrap().len(), 3);
    assert_eq!(
        result["locations"][0]["physicalLocation"],
        json!({
            "artifactLocation": { "uri": "models/naive-counter.json", "uriBaseId": "%SRCROOT%" },
            "region": { "startLine": 8, "startColumn": 7, "endLine": 8, "endColumn": 27 },
        })
    );
    let prints = &result["partialFingerprints"];
    assert_eq!(prints["primaryLocationLineHash"], "0123456789abcdef:1");
    let flows = result["codeFlows"].as_array().unwrap();
    assert_eq!(flows.len(), 2);
    assert_eq!(flows[0]["threadFlows"].as_array().unwrap().len(), 1);
    let steps = flows[0]["threadFlows"][0]["locations"].as_array().unwrap();
    let said: Vec<_> =
        steps.iter().map(|s| s["location"]["message"]["text"].as_str().unwrap()).collect();
    assert_eq!(said[0], "order[1] · Get_item reads 5");
    assert!(said[3].starts_with("order[1] · Update_item writes 6, computed from 5"), "{said:?}");
    let importance: Vec<_> = steps.iter().map(|s| s["importance"].as_str().unwrap()).collect();
    assert_eq!(importance, ["essential", "important", "essential", "essential"]);
    let orders = |thread: &Json| -> Vec<u64> {
        let steps = thread["locations"].as_array().unwrap();
        steps.iter().map(|s| s["executionOrder"].as_u64().unwrap()).collect()
    };
    let threads = flows[1]["threadFlows"].as_array().unwrap();
    assert_eq!(threads.iter().map(orders).collect::<Vec<_>>(), [vec![1, 4], vec![2, 3]]);
}

#[test]
fn two_of_a_kind_are_told_apart() {
    let mut flow = sample::unsafe_flow();
    flow.findings = vec![sample::finding(); 2];
    let other = FlowReport { path: "other.json".into(), ..flow.clone() };
    let log = log(&Report { flows: vec![flow, other], problems: vec![] });
    let results = log["runs"][0]["results"].as_array().unwrap();
    let hash =
        |r: &Json| r["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap().to_owned();
    let hashes: Vec<_> = results.iter().map(|r| hash(r)[16..].to_owned()).collect();
    assert_eq!(hashes, [":1", ":2", ":1", ":2"]);
}

#[test]
fn what_was_not_read_is_in_the_file() {
    let at = Location {
        path: "b d.json".into(),
        line: 3,
        column: 4,
        column16: 5,
        ..Location::default()
    };
    let problems = vec![Problem { at, message: "not valid JSON".into() }];
    let open =
        FlowReport { verdict: Verdict::Inconclusive("stopped".into()), ..sample::safe_flow() };
    let log = log(&Report { flows: vec![open], problems });
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let said = invocation["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(said.len(), 2);
    assert_eq!(
        said[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "b%20d.json"
    );
    assert_eq!(said[1]["message"]["text"], "inconclusive: stopped");
}

#[test]
fn long_schedules_lose_their_middle_and_zips_have_no_lines() {
    let mut flow = sample::unsafe_flow();
    let steps = (1..=250).map(|n| sample::step(n % 2 + 1, "Update_item", "writes 6", 6)).collect();
    let finding: &mut Finding = &mut flow.findings[0];
    finding.witness.as_mut().unwrap().steps = steps;
    finding.location.path = "a.zip!/Workflows/A.json".into();
    let log = log(&Report { flows: vec![flow], problems: vec![] });
    let result = &log["runs"][0]["results"][0];
    let steps = result["codeFlows"][0]["threadFlows"][0]["locations"].as_array().unwrap();
    assert_eq!(steps.len(), 201);
    assert_eq!(steps[100]["location"]["message"]["text"], "… 50 steps …");
    assert_eq!(steps[101]["executionOrder"], 151);
    let place = &result["locations"][0];
    assert_eq!(place["physicalLocation"]["artifactLocation"]["uri"], "a.zip");
    assert!(place["physicalLocation"].get("region").is_none());
    assert_eq!(place["logicalLocations"][0]["fullyQualifiedName"], "Workflows/A.json#/flow/0/do/1");
}
