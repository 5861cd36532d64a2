//! SharePoint (semantics §7.1): list items and library files; no operation but `HttpRequest` takes an etag.

use super::contract::{
    Connector, delete, effect, insert, keyed, overwrite, pure, query, read, write,
};

const LIST: &[&str] = &["dataset", "table"];
const SITE: &[&str] = &["dataset"];

pub(super) const CONNECTOR: Connector = Connector {
    ids: &["sharepointonline"],
    operations: &[
        read(&["GetItem", "get /datasets/{dataset}/tables/{table}/items/{id}"], LIST, &["id"]),
        read(
            &["GetFileItem", "get /datasets/{dataset}/tables/{table}/items/{id}/getfileitem"],
            LIST,
            &["id"],
        ),
        query(&["GetItems", "get /datasets/{dataset}/tables/{table}/items"], LIST),
        query(&["GetFileItems", "get /datasets/{dataset}/tables/{table}/getfileitems"], LIST),
        query(&["GetItemAttachments"], &["dataset", "table", "itemId"]),
        query(&["GetItemChanges", "SearchForUser"], LIST),
        insert(&["PostItem", "post /datasets/{dataset}/tables/{table}/items"], LIST, "item"),
        write(
            &["PatchItem", "patch /datasets/{dataset}/tables/{table}/items/{id}"],
            LIST,
            &["id"],
            "item",
        ),
        write(
            &["PatchFileItem", "patch /datasets/{dataset}/tables/{table}/items/{id}/patchfileitem"],
            LIST,
            &["id"],
            "item",
        ),
        delete(
            &["DeleteItem", "delete /datasets/{dataset}/tables/{table}/items/{id}"],
            LIST,
            &["id"],
        ),
        read(&["GetFileContent", "get /datasets/{dataset}/files/{id}/content"], SITE, &["id"]),
        read(
            &["GetFileContentByPath", "get /datasets/{dataset}/GetFileContentByPath"],
            SITE,
            &["path"],
        ),
        read(&["GetFileMetadata", "get /datasets/{dataset}/files/{id}"], SITE, &["id"]),
        read(&["GetFileMetadataByPath", "get /datasets/{dataset}/GetFileByPath"], SITE, &["path"]),
        keyed(&["CreateFile", "post /datasets/{dataset}/files"], SITE, &["folderPath", "name"], ""),
        overwrite(&["UpdateFile", "put /datasets/{dataset}/files/{id}"], SITE, &["id"], ""),
        delete(&["DeleteFile", "delete /datasets/{dataset}/files/{id}"], SITE, &["id"]),
        insert(&["CreateAttachment"], &["dataset", "table", "itemId"], ""),
        read(&["GetAttachmentContent"], &["dataset", "table", "itemId"], &["attachmentId"]),
        delete(&["DeleteAttachment"], &["dataset", "table", "itemId"], &["attachmentId"]),
        keyed(&["CreateNewFolder", "CreateNewDocumentSet"], LIST, &["path"], ""),
        write(&["SetApprovalStatus"], LIST, &["id"], ""),
        effect(&[
            "CopyFileAsync",
            "MoveFileAsync",
            "CopyFolderAsync",
            "MoveFolderAsync",
            "CopyFile",
            "GrantAccess",
            "CreateSharingLink",
            "UnshareItem",
            "CheckOutFile",
            "CheckInFile",
            "DiscardFileCheckOut",
            "ExtractFolderV2",
            "CreateApprovalRequest",
            "JoinHubSite",
            "NotifyHubSiteJoinApprovalStarted",
        ]),
        pure(&[
            "ListFolder",
            "ListRootFolder",
            "GetTables",
            "GetAllTables",
            "GetTable",
            "GetTableViews",
        ]),
    ],
};
