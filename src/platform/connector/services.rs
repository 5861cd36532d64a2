//! Services that real flows call often: directories, security products, models, jobs. Their records are rows where an
//! operation names one; the rest only answers.

use super::contract::{Connector, delete, effect, overwrite, pure, read, write};

/// Incidents are addressed by their ARM id; a comment or an entity is added, never replaced.
pub(super) const SENTINEL: Connector = Connector {
    ids: &["azuresentinel", "microsoftsentinel"],
    operations: &[
        effect(&[
            "post /Incidents/Comment",
            "put /Comment/{a}/{b}/{c}/{d}/{e}",
            "put /Comment/{a}/{b}/{c}/{d}/{e}/{f}",
            "put /Case/{a}/{b}/{c}/{d}/{e}/AddLabels",
            "post /Incidents/AddLabels",
        ]),
        write(&["put /Incidents"], &[], &["body/incidentArmId"], "body"),
        write(
            &["put /Case/{a}/{b}/{c}/{d}/{e}/Severity/{severity}"],
            &[],
            &["a", "b", "c", "d", "e"],
            "severity",
        ),
        write(
            &["put /Case/{a}/{b}/{c}/{d}/{e}/Status/{status}"],
            &[],
            &["a", "b", "c", "d", "e"],
            "status",
        ),
        pure(&[
            "post /entities/{kind}",
            "get /Cases/{a}/{b}/{c}/{d}",
            "get /Incidents/subscriptions/{a}/resourceGroups/{b}/workspaces/{c}/alerts/{d}",
        ]),
    ],
};

pub(super) const LOGS: Connector = Connector {
    ids: &[
        "azureloganalyticsdatacollector",
        "azuremonitorlogs",
        "azureloganalytics",
        "applicationinsights",
        "kusto",
    ],
    operations: &[
        effect(&["post /api/logs", "SendData"]),
        pure(&[
            "post /queryData",
            "post /visualizeQuery",
            "QueryData",
            "QueryDataV2",
            "RunQuery",
            "VisualizeQuery",
            "ListKustoResultsPost",
        ]),
    ],
};

pub(super) const SECRETS: Connector = Connector {
    ids: &["keyvault"],
    operations: &[pure(&[
        "GetSecret",
        "getSecret",
        "ListSecrets",
        "get /secrets/{name}/value",
        "EncryptData",
        "DecryptData",
    ])],
};

pub(super) const DIRECTORY: Connector = Connector {
    ids: &["azuread", "office365users", "office365groups", "azureadip"],
    operations: &[
        effect(&[
            "AddMemberToGroup",
            "RemoveMemberFromGroup",
            "AddUserToGroup",
            "CreateUser",
            "CreateSecurityGroup",
            "AssignManager",
            "RefreshTokens",
            "post /beta/riskyUsers/confirmCompromised",
            "post /beta/riskyUsers/dismiss",
        ]),
        write(&["UpdateUser", "patch /v1.0/users/{id}"], &[], &["id"], "body"),
        pure(&[
            "UserProfile_V2",
            "UserProfile",
            "MyProfile_V2",
            "MyProfile",
            "Manager_V2",
            "Manager",
            "DirectReports_V2",
            "SearchUserV2",
            "SearchUser",
            "UserPhoto_V2",
            "GetUser",
            "GetGroup",
            "GetMemberGroups",
            "ListGroupMembers",
            "ListOwnedGroups_V2",
            "CheckMemberGroups",
            "GetOwners",
            "get /users/me",
            "get /codeless/v1.0/users/{id}/manager",
        ]),
    ],
};

/// Language models, recognisers, converters: nothing of theirs is shared between processes.
pub(super) const MODELS: Connector = Connector {
    ids: &[
        "openai",
        "azureopenai",
        "azureaisearch",
        "formrecognizer",
        "cognitiveservicestextanalytics",
        "cognitiveservicescomputervision",
        "aibuilder",
        "microsoftcopilotstudio",
        "conversionservice",
        "wordonlinebusiness",
        "plumsail",
        "encodian",
        "rss",
        "msnweather",
        "microsoftforms",
        "virustotal",
        "riskiqintelligence",
        "hyasinsight",
        "recordedfuture",
        "reversinglabsintelligence",
        "bingmaps",
        "uiflow",
    ],
    operations: &[
        overwrite(
            &["indexDocuments", "indexDocument", "post /indexDocuments"],
            &["indexName"],
            &["documents"],
            "",
        ),
        effect(&["ExecuteCopilot", "ExecuteCopilotAsyncV2", "RunUIFlow_V2", "RunUIFlow"]),
        pure(&[
            "getArrayEmbeddings",
            "getSingleEmbedding",
            "getEmbeddings",
            "getChatCompletions",
            "vectorSearch",
            "hybridSearch",
            "semanticSearch",
            "ListFeedItems",
            "GetFormResponseById",
            "CreateFileItem",
            "HtmlToText",
            "aibuilderpredict_customprompt",
            "post /deployments/{name}/multipleEmbeddings",
            "post /deployments/{name}/embeddings",
            "post /{version}/deployments/{name}/chat/completions",
        ]),
    ],
};

pub(super) const JOBS: Connector = Connector {
    ids: &[
        "flowmanagement",
        "powerplatformforadmins",
        "azuredatafactory",
        "azureautomation",
        "arm",
        "powerbi",
        "wdatp",
        "microsoftgraphsecurity",
        "azurevm",
        "powerappsforadmins",
        "powerappsforappmakers",
    ],
    operations: &[
        effect(&[
            "CreatePipelineRun",
            "put /subscriptions/{a}/resourceGroups/{b}/providers/Microsoft.Automation/automationAccounts/{c}/jobs",
            "CreateJob",
            "StartFlow",
            "StopFlow",
            "TurnOnFlow",
            "UpdateFlow",
            "Edit-AppRoleAssignment",
            "RefreshDataset",
            "Refresh",
            "post /api/machines/{id}/isolate",
            "post /beta/security/tiIndicators",
            "post /beta/security/tiIndicators/submitTiIndicators",
        ]),
        read(
            &["get /subscriptions/{a}/resourcegroups/{b}/providers/{c}/{d}"],
            &[],
            &["a", "b", "c", "d"],
        ),
        write(&["patch /api/alerts/{id}"], &[], &["id"], "body"),
        delete(
            &["delete /subscriptions/{a}/resourcegroups/{b}/providers/{c}/{d}"],
            &[],
            &["a", "b", "c", "d"],
        ),
        pure(&[
            "GetFlow",
            "AdminGetFlow",
            "ListFlows",
            "AdminListFlows",
            "ListMyFlows_V2",
            "GetPipelineRun",
            "GetJobOutput",
            "GetStatusOfJob",
            "ListEnvironments",
            "Get-Connections",
            "Get-Environments",
            "Get-AdminEnvironment",
            "GetSingleEnvironment",
            "get /subscriptions",
            "get /subscriptions/{a}/resources",
            "get /api/machines",
            "get /api/machines/{id}",
        ]),
    ],
};

/// Action types of the platform itself that go out of the flow: whoever receives the call decides what it does. Calls
/// of child flows are not here; what is not inlined is listed as unknown.
pub(super) const BUILT_IN: Connector = Connector {
    ids: &["sendtobatch", "function", "agent", "apimanagement", "appservice"],
    operations: &[effect(&[""])],
};
