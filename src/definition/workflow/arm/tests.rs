//! Templates: what their functions come to, and what only a deployment knows.

use super::*;
use serde_json::json;

/// What one text of a template comes to.
fn check(text: &str, expected: &Value) {
    let template = json!({
        "parameters": {
            "name": {"type": "string", "defaultValue": "orders"},
            "region": {"type": "string"},
            "empty": {"type": "string", "defaultValue": ""},
            "key": {"type": "securestring", "defaultValue": "canary"},
            "rounds": {"type": "int", "defaultValue": 3},
        },
        "variables": {
            "list": "[concat(parameters('name'), '-list')]",
            "where": "[parameters('region')]",
            "config": {"sites": ["[variables('list')]"], "region": "[parameters('region')]"},
            "loop": "[variables('loop')]",
        }
    });
    let budget = scope::budget();
    let scope = Scope::of(&template, &BTreeMap::new(), &budget);
    assert_eq!(scope.text(text, 0).written(), *expected, "{text}");
}

#[test]
fn expressions() {
    check("plain", &json!("plain"));
    check("[[parameters('name')]", &json!("[parameters('name')]"));
    check("[not closed", &json!("[not closed"));
    check("[parameters('NAME')]", &json!("orders"));
    check("[parameters('rounds')]", &json!(3));
    check("[variables('list')]", &json!("orders-list"));
    check("[variables('config').sites[0]]", &json!("orders-list"));
    check("[concat('r-', variables('config').region)]", &json!("r-@{parameters('[region]')}"));
    check("[format('{0}/{{x}}/{1}', 'a', 2)]", &json!("a/{x}/2"));
    check("[if(equals(parameters('name'), 'orders'), 'yes', 'no')]", &json!("yes"));
    check("[toLower(last(split('A,B', ',')))]", &json!("b"));
    check("[concat('/x/@{body(''', parameters('name'), ''')}')]", &json!("/x/@{body('orders')}"));
}

#[test]
fn what_only_the_deployment_knows_is_a_parameter() {
    check("[parameters('region')]", &json!("@parameters('[region]')"));
    check("[parameters('empty')]", &json!("@parameters('[empty]')"));
    check("[parameters('key')]", &json!("@parameters('[key]')"));
    check("[variables('where')]", &json!("@parameters('[where]')"));
    check("[variables('loop')]", &json!("@parameters('[loop]')"));
    check("[listKeys('x', '2020').a]", &json!("@parameters('[listKeys(''x'', ''2020'').a]')"));
    check(
        "[concat('/subs/', subscription().id, '/', parameters('name'))]",
        &json!("/subs/@{parameters('[subscription().id]')}/orders"),
    );
    check("[concat('@{body(''', parameters('region'), ''')}')]", &json!("@{body('[region]')}"));
    check(
        "[concat('@concat(', parameters('region'), ')')]",
        &json!("@concat(parameters('[region]'))"),
    );
    check(
        "[resourceId('Microsoft.Web/connections', parameters('name'))]",
        &json!("@{parameters('[resourceGroup().id]')}/providers/Microsoft.Web/connections/orders"),
    );
    check("[broken(]", &json!("@parameters('[broken(]')"));
}

#[test]
fn hostile_variables_end() {
    let mut variables = serde_json::Map::new();
    variables.insert("v0".into(), "x".repeat(1000).into());
    for n in 1..40 {
        let before = n - 1;
        let twice = format!("[concat(variables('v{before}'), variables('v{before}'))]");
        variables.insert(format!("v{n}"), twice.into());
    }
    let template = json!({"variables": variables});
    let budget = scope::budget();
    let scope = Scope::of(&template, &BTreeMap::new(), &budget);
    let text = scope.text("[variables('v39')]", 0).written().to_string();
    assert!((100..4_000_000).contains(&text.len()), "{}", text.len());
}

#[test]
fn nested_templates_and_symbolic_names() {
    let workflow = |text: &str| {
        json!({"type": "microsoft.logic/Workflows", "name": "[parameters('n')]",
            "properties": {"definition": {"actions": {"A": {"inputs": text}}}}})
    };
    let template = json!({
        "parameters": {"n": {"defaultValue": "outer"}},
        "resources": {
            "one": workflow("[parameters('n')]"),
            "two": {"type": "Microsoft.Resources/deployments", "properties": {
                "expressionEvaluationOptions": {"scope": "inner"},
                "parameters": {"n": {"value": "[concat(parameters('n'), '-given')]"}},
                "template": {"parameters": {"n": {"defaultValue": "inner"}}, "resources": [workflow("[parameters('n')]")]}}},
            "three": {"type": "x", "properties": {"mainTemplate": {
                "parameters": {"n": {"defaultValue": "packed"}}, "resources": [workflow("[[parameters('n')]")]}}},
            "four": {"type": "Microsoft.Resources/deployments", "properties": {
                "template": {"resources": [workflow("[parameters('n')]")]}}},
        }
    });
    assert!(is_template(&template));
    let found: Vec<_> = workflows(&template)
        .into_iter()
        .map(|w| format!("{} {}", w.pointer, w.definition["actions"]["A"]["inputs"]))
        .collect();
    assert_eq!(
        found,
        [
            "/resources/one/properties/definition \"outer\"",
            "/resources/two/properties/template/resources/0/properties/definition \"outer-given\"",
            "/resources/three/properties/mainTemplate/resources/0/properties/definition \"packed\"",
            "/resources/four/properties/template/resources/0/properties/definition \"outer\"",
        ]
    );
}
