//! Stores of rows other than SharePoint and Dataverse: SQL Server (§7.3), Azure Table and Cosmos DB (§7.5), Excel
//! (§7.6), Service Now, Dynamics.

use super::contract::{
    Connector, delete, effect, insert, keyed, overwrite, pure, query, read, upsert, write,
};

const SQL: &[&str] = &["server", "database", "table"];
const TABLE: &[&str] = &["dataset", "table"];
const STORAGE: &[&str] = &["storageAccountName", "tableName"];
const KEYS: &[&str] = &["PartitionKey", "RowKey"];
const COSMOS: &[&str] = &["databaseAccount", "databaseId", "collectionId"];
const EXCEL: &[&str] = &["source", "drive", "file", "table"];

/// Single rows by primary key. What a statement does `native.rs` reads; a procedure is a call that nobody looks into.
pub(super) const SQL_SERVER: Connector = Connector {
    ids: &["sql", "sqldw", "postgresql", "mysql", "oracle", "db2", "informix"],
    operations: &[
        read(
            &[
                "GetItem_V2",
                "GetItem",
                "get /v2/datasets/{server},{database}/tables/{table}/items/{id}",
            ],
            SQL,
            &["id"],
        ),
        read(&["get /datasets/{dataset}/tables/{table}/items/{id}"], TABLE, &["id"]),
        query(
            &[
                "GetItems_V2",
                "GetItems",
                "get /v2/datasets/{server},{database}/tables/{table}/items",
            ],
            SQL,
        ),
        query(&["get /datasets/{dataset}/tables/{table}/items"], TABLE),
        insert(
            &[
                "PostItem_V2",
                "PostItem",
                "post /v2/datasets/{server},{database}/tables/{table}/items",
            ],
            SQL,
            "item",
        ),
        insert(&["post /datasets/{dataset}/tables/{table}/items"], TABLE, "item"),
        write(
            &[
                "PatchItem_V2",
                "PatchItem",
                "patch /v2/datasets/{server},{database}/tables/{table}/items/{id}",
            ],
            SQL,
            &["id"],
            "item",
        ),
        write(&["patch /datasets/{dataset}/tables/{table}/items/{id}"], TABLE, &["id"], "item"),
        delete(
            &[
                "DeleteItem_V2",
                "DeleteItem",
                "delete /v2/datasets/{server},{database}/tables/{table}/items/{id}",
            ],
            SQL,
            &["id"],
        ),
        effect(&[
            "ExecuteProcedure_V2",
            "ExecuteProcedure",
            "ExecutePassThroughNativeQuery_V2",
            "ExecutePassThroughNativeQuery",
            "executeQuery",
            "executeStoredProcedure",
            "post /v2/datasets/{server},{database}/query/sql",
            "post /v2/datasets/{server},{database}/procedures/{procedure}",
            "post /datasets/{dataset}/procedures/{procedure}",
            "post /datasets/{dataset}/query/sql",
        ]),
    ],
};

/// Merge, replace and delete take an `If-Match`.
pub(super) const AZURE_TABLES: Connector = Connector {
    ids: &["azuretables", "AzureTables", "azureTables"],
    operations: &[
        read(
            &[
                "GetEntity_V2",
                "getEntity",
                "get /Tables/{tableName}/entities(PartitionKey='{PartitionKey}',RowKey='{RowKey}')",
            ],
            STORAGE,
            KEYS,
        ),
        query(&["GetEntities_V2", "queryEntities", "get /Tables/{tableName}/entities"], STORAGE),
        keyed(
            &[
                "CreateEntity_V2",
                "CreateEntity",
                "insertEntity",
                "post /Tables/{tableName}/entities",
            ],
            STORAGE,
            KEYS,
            "entity",
        ),
        write(&["MergeEntity_V2", "mergeEntity"], STORAGE, KEYS, "entity"),
        overwrite(&["ReplaceEntity_V2", "replaceEntity", "updateEntity"], STORAGE, KEYS, "entity"),
        upsert(
            &[
                "InsertMergeEntity_V2",
                "InsertReplaceEntity_V2",
                "upsertEntity",
                "insertOrMergeEntity",
            ],
            STORAGE,
            KEYS,
            "entity",
        ),
        delete(&["DeleteEntity_V2", "deleteEntity"], STORAGE, KEYS),
        effect(&["CreateTable_V2", "createTable", "DeleteTable_V2"]),
        pure(&["GetTables_V2", "listTables"]),
    ],
};

/// Replace and delete take no etag, although documents carry one.
pub(super) const COSMOS_DB: Connector = Connector {
    ids: &["documentdb", "AzureCosmosDB", "cosmosdb"],
    operations: &[
        read(&["GetDocument_V2", "readDocument", "ReadDocument"], COSMOS, &["documentId"]),
        query(
            &["QueryDocuments_V5", "GetDocuments_V3", "queryDocuments", "QueryDocuments"],
            COSMOS,
        ),
        upsert(
            &[
                "CreateDocument_V3",
                "CreateOrUpdateDocument",
                "createOrUpdateDocument",
                "post /v2/cosmosdb/{databaseAccount}/dbs/{databaseId}/colls/{collectionId}/docs",
            ],
            COSMOS,
            &["body/id"],
            "body",
        ),
        overwrite(&["ReplaceDocument_V2"], COSMOS, &["documentId"], "body"),
        delete(&["DeleteDocument_V2", "deleteDocument"], COSMOS, &["documentId"]),
        effect(&["ExecuteStoredProcedure_V2"]),
    ],
};

/// Writes show up late and concurrent writers are not supported (§7.6); modelled as if each call were in order.
pub(super) const EXCEL_ONLINE: Connector = Connector {
    ids: &["excelonlinebusiness", "excelonline"],
    operations: &[
        read(&["GetItem"], EXCEL, &["idColumn", "id"]),
        query(&["GetItems"], EXCEL),
        insert(&["AddRowV2", "AddRow", "PostItem"], EXCEL, "item"),
        write(&["PatchItem"], EXCEL, &["idColumn", "id"], "item"),
        delete(&["DeleteItem"], EXCEL, &["idColumn", "id"]),
        effect(&[
            "RunScriptProd",
            "RunScriptProdV2",
            "CreateTable",
            "CreateWorksheet",
            "CreateIdColumn",
        ]),
        pure(&["GetTables", "GetAllWorksheets"]),
    ],
};

/// Business records by table and id.
pub(super) const RECORDS: Connector = Connector {
    ids: &["service-now", "dynamicsax", "salesforce", "d365finance"],
    operations: &[
        query(&["GetRecords", "GetItems", "get /api/now/v2/table/{table}"], &["table"]),
        read(&["GetRecord", "GetItem", "get /api/now/v2/table/{table}/{id}"], &["table"], &["id"]),
        insert(&["CreateRecord", "PostItem", "post /api/now/v2/table/{table}"], &["table"], "item"),
        write(
            &["UpdateRecord", "PatchItem", "put /api/now/v2/table/{table}/{id}"],
            &["table"],
            &["id"],
            "item",
        ),
        delete(&["DeleteRecord", "DeleteItem"], &["table"], &["id"]),
        effect(&["PerformUnboundAction", "PerformBoundAction"]),
    ],
};
