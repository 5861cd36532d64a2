//! Dataverse (semantics §7.2): no operation takes an etag; *Update a row* of the older designer makes missing rows.

use super::contract::{
    Connector, delete, effect, insert, overwrite, pure, query, read, upsert, write,
};
use crate::definition::expression::Template;

/// A place that operations name in two ways: [`environment`].
pub(super) const ENVIRONMENT: &str = "environment";
const TABLE: &[&str] = &[ENVIRONMENT, "entityName"];
const OLD: &[&str] = &[ENVIRONMENT, "table"];

/// Whose rows they are: the flow's own environment is called by default, or not at all.
pub(super) fn environment(get: &dyn Fn(&str) -> Option<Template>) -> Option<Template> {
    let named = ["organization", "dataset"].into_iter().find_map(get);
    named.filter(|named| match named {
        Template::Text(text) => !["default", "default.cds"].contains(&&*text.to_lowercase()),
        _ => true,
    })
}

/// Whether an operation runs what the environment has been given to run, or several operations that stand in no
/// parameter of their own: which rows that changes, nothing in the flow says.
pub(super) fn runs_code(operation: &str) -> bool {
    ["performboundaction", "performunboundaction", "performbackgroundoperation", "executechangeset"]
        .iter()
        .any(|name| operation.to_lowercase().starts_with(name))
}

pub(super) const CONNECTOR: Connector = Connector {
    ids: &["commondataserviceforapps", "commondataservice", "dynamicscrmonline"],
    operations: &[
        read(
            &[
                "GetItem",
                "GetItemWithOrganization",
                "get /v2/datasets/{dataset}/tables/{table}/items/{id}",
            ],
            TABLE,
            &["recordId"],
        ),
        read(&["GetItem_V2", "get /datasets/{dataset}/tables/{table}/items/{id}"], OLD, &["id"]),
        query(&["ListRecords", "ListRecordsWithOrganization"], TABLE),
        query(
            &[
                "GetItems_V2",
                "GetItems",
                "get /v2/datasets/{dataset}/tables/{table}/items",
                "get /datasets/{dataset}/tables/{table}/items",
            ],
            OLD,
        ),
        query(&["GetRelevantRows", "GetRelevantRowsV2"], &["search"]),
        insert(&["CreateRecord", "CreateRecordWithOrganization"], TABLE, "item"),
        insert(
            &["PostItem_V2", "PostItem", "post /v2/datasets/{dataset}/tables/{table}/items"],
            OLD,
            "item",
        ),
        upsert(&["UpdateRecord", "UpdateRecordWithOrganization"], TABLE, &["recordId"], "item"),
        write(
            &["UpdateOnlyRecord", "UpdateOnlyRecordWithOrganization"],
            TABLE,
            &["recordId"],
            "item",
        ),
        write(
            &[
                "PatchItem_V2",
                "PatchItem",
                "patch /v2/datasets/{dataset}/tables/{table}/items/{id}",
            ],
            OLD,
            &["id"],
            "item",
        ),
        delete(&["DeleteRecord", "DeleteRecordWithOrganization"], TABLE, &["recordId"]),
        delete(
            &[
                "DeleteItem_V2",
                "DeleteItem",
                "delete /v2/datasets/{dataset}/tables/{table}/items/{id}",
            ],
            OLD,
            &["id"],
        ),
        overwrite(
            &[
                "UpdateEntityFileImageFieldContent",
                "UpdateEntityFileImageFieldContentWithOrganization",
            ],
            TABLE,
            &["recordId", "fileImageFieldName"],
            "",
        ),
        read(
            &["GetEntityFileImageFieldContent", "GetEntityFileImageFieldContentWithOrganization"],
            TABLE,
            &["recordId", "fileImageFieldName"],
        ),
        effect(&[
            "AssociateEntities",
            "AssociateEntitiesWithOrganization",
            "DisassociateEntities",
            "DisassociateEntitiesWithOrganization",
            "PerformBoundAction",
            "PerformBoundActionWithOrganization",
            "PerformUnboundAction",
            "PerformUnboundActionWithOrganization",
            "PerformBackgroundOperation",
            "ExecuteChangeset",
        ]),
        pure(&[
            "aibuilderpredict_gptpromptengineering",
            "aibuilderpredict_customprompt",
            "aibuilderpredict_formsprocessing",
            "aibuilderpredict_invoiceprocessing",
            "aibuilderpredict_invoices",
            "Predict",
            "PredictV2",
            "PredictByReference",
            // Inside a flow it waits until a row changes.
            "SubscribeWebhookTrigger",
            "GetOrganizations",
            "GetEntities",
        ]),
    ],
};
