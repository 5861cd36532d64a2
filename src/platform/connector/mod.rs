//! What each operation of each connector does: one file a connector, one line here.

mod cell;
mod contract;
mod dataverse;
mod describe;
mod external;
mod files;
mod leases;
mod lists;
mod messages;
mod native;
mod odata;
mod parameter;
mod predicate;
mod rest;
mod services;
mod sharepoint;
mod statements;
mod tables;
mod unread;

use super::leaf::Resolver;
use crate::definition::ast::{Action, Call};
use crate::definition::problem::Problem;
use crate::model::program::Step;
use contract::Connector;
pub use external::{SYMBOL, StoreUse, answer_of, blob, leased, named_by, store, stores};
pub use lists::same;
pub use statements::Table;
pub use unread::Unread;

/// The catalogue.
const CONNECTORS: &[Connector] = &[
    sharepoint::CONNECTOR,
    dataverse::CONNECTOR,
    tables::SQL_SERVER,
    tables::AZURE_TABLES,
    tables::COSMOS_DB,
    tables::EXCEL_ONLINE,
    tables::RECORDS,
    files::BLOBS,
    files::FILES,
    messages::OUTLOOK,
    messages::CHAT,
    messages::APPROVALS,
    messages::PLANNER,
    messages::QUEUES,
    services::SENTINEL,
    services::LOGS,
    services::SECRETS,
    services::DIRECTORY,
    services::MODELS,
    services::JOBS,
    services::BUILT_IN,
];

/// The indivisible steps of a call, in order: what the service does atomically, no more.
pub fn steps(call: &Call, action: &Action, names: &mut Resolver<'_>) -> Result<Vec<Step>, Problem> {
    if call.connector == "cell" {
        return cell::steps(call, action, names);
    }
    external::steps(call, action, names)
}
