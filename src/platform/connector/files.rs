//! Stores of files: blobs (§7.4), OneDrive, file systems (§7.7). The last writer wins; only blobs have leases, and
//! these over REST alone (`leases.rs`).

use super::contract::{Connector, delete, effect, keyed, overwrite, pure, read};

const NONE: &[&str] = &[];
const SET: &[&str] = &["dataset"];
const CONTAINER: &[&str] = &["containerName"];
const NAMED: &[&str] = &["folderPath", "name"];

pub(super) const BLOBS: Connector = Connector {
    ids: &["azureblob", "AzureBlob"],
    operations: &[
        read(
            &[
                "GetFileContent_V2",
                "GetFileContent",
                "GetFileMetadata_V2",
                "GetFileMetadata",
                "get /datasets/{dataset}/files/{id}/content",
                "get /v2/datasets/{dataset}/files/{id}/content",
                "get /datasets/{dataset}/files/{id}",
            ],
            SET,
            &["id"],
        ),
        read(
            &[
                "GetFileContentByPath_V2",
                "GetFileContentByPath",
                "GetFileMetadataByPath_V2",
                "GetFileMetadataByPath",
                "get /datasets/{dataset}/GetFileContentByPath",
                "get /v2/datasets/{dataset}/GetFileContentByPath",
            ],
            SET,
            &["path"],
        ),
        overwrite(
            &[
                "CreateFile_V2",
                "CreateFile",
                "CreateBlockBlob_V2",
                "post /datasets/{dataset}/files",
                "post /v2/datasets/{dataset}/files",
            ],
            SET,
            NAMED,
            "",
        ),
        overwrite(
            &[
                "UpdateFile_V2",
                "UpdateFile",
                "put /datasets/{dataset}/files/{id}",
                "put /v2/datasets/{dataset}/files/{id}",
            ],
            SET,
            &["id"],
            "",
        ),
        delete(
            &[
                "DeleteFile_V2",
                "DeleteFile",
                "delete /datasets/{dataset}/files/{id}",
                "delete /v2/datasets/{dataset}/files/{id}",
            ],
            SET,
            &["id"],
        ),
        read(&["readBlob", "getBlobMetadata", "blobExists"], CONTAINER, &["blobName"]),
        overwrite(&["uploadBlob"], CONTAINER, &["blobName"], ""),
        delete(&["deleteBlob"], CONTAINER, &["blobName"]),
        effect(&[
            "CopyFile_V2",
            "CopyFile",
            "copyBlob",
            "post /datasets/{dataset}/copyFile",
            "post /v2/datasets/{dataset}/copyFile",
            "ExtractFolder_V2",
        ]),
        pure(&[
            "ListFolder_V4",
            "ListFolder_V2",
            "ListFolder",
            "ListRootFolder_V4",
            "listBlobs",
            "listContainers",
            "get /datasets/{dataset}/foldersV2/{id}",
            "get /v2/datasets/{dataset}/foldersV2/{id}",
            "get /datasets/{dataset}/folders/{id}",
        ]),
    ],
};

pub(super) const FILES: Connector = Connector {
    ids: &[
        "onedriveforbusiness",
        "onedrive",
        "dropbox",
        "box",
        "googledrive",
        "filesystem",
        "azurefile",
        "AzureFile",
        "ftp",
        "sftp",
        "Sftp",
        "sftpwithssh",
        "amazons3",
        "fileSystem",
    ],
    operations: &[
        read(
            &[
                "GetFileContent",
                "GetFileMetadata",
                "get /datasets/{dataset}/files/{id}/content",
                "get /datasets/{dataset}/files/{id}",
            ],
            NONE,
            &["id"],
        ),
        read(
            &[
                "GetFileContentByPath",
                "GetFileMetadataByPath",
                "getFileContentByPath",
                "getFileContent",
                "getFileMetadata",
                "get /datasets/{dataset}/GetFileContentByPath",
                "get /buckets/objects/content",
            ],
            NONE,
            &["path"],
        ),
        keyed(&["CreateFile", "createFile", "post /datasets/{dataset}/files"], NONE, NAMED, ""),
        overwrite(
            &["UpdateFile", "updateFile", "put /datasets/{dataset}/files/{id}"],
            NONE,
            &["id"],
            "",
        ),
        delete(
            &["DeleteFile", "deleteFile", "delete /datasets/{dataset}/files/{id}"],
            NONE,
            &["id"],
        ),
        effect(&[
            "CopyFile",
            "CopyDriveFile",
            "MoveFile",
            "ExtractFolder",
            "CreateShareLink",
            "CreateFolder",
            "RenameFile",
            "MoveDriveFile",
        ]),
        pure(&[
            "ListFolder",
            "ListFolderV2",
            "ListRootFolder",
            "listFolder",
            "FindFiles",
            "ConvertFile",
            "ConvertFileByPath",
            "get /datasets/{dataset}/folders",
            "get /datasets/{dataset}/foldersV2/{id}",
            "get /datasets/{dataset}/folders/{id}",
            "get /buckets/objects",
        ]),
    ],
};
