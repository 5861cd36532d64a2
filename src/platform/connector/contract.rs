//! What a connector promises the model: for each operation, what the service does to which cell.

/// What an operation does to the cell that its parameters name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Reads the row of a key.
    Read,
    /// Reads the rows that a condition selects.
    Query,
    /// Makes a row; the server gives it its id.
    Insert,
    /// Makes a row with a key of the caller's; refused if there is one.
    Keyed,
    /// Sets columns of a row, whatever its version, unless an etag is sent along.
    Write,
    /// Replaces the content of a row or file, or makes it.
    Overwrite,
    /// Sets columns of a row, or makes it.
    Upsert,
    /// Removes a row.
    Delete,
    /// Does something that no cell stands for: a mail, an order, a job.
    Effect,
    /// Answers from its arguments, or from what no flow changes.
    Pure,
}

/// One operation of a connector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// Its ids, and `method /path/{parameter}` as Logic Apps writes it.
    pub(super) names: &'static [&'static str],
    /// What it does.
    pub(super) class: Class,
    /// The parameters that say which store.
    pub(super) place: &'static [&'static str],
    /// The parameters that say which row.
    pub(super) key: &'static [&'static str],
    /// The parameter whose members are columns; empty: none, or the whole content.
    pub(super) columns: &'static str,
}

/// Names as written in a connector's table.
type Names = &'static [&'static str];

/// Reads the row of a key.
pub(super) const fn read(names: Names, place: Names, key: Names) -> Operation {
    Operation { names, class: Class::Read, place, key, columns: "" }
}

/// Reads rows by a condition.
pub(super) const fn query(names: Names, place: Names) -> Operation {
    Operation { names, class: Class::Query, place, key: &[], columns: "" }
}

/// Makes a row.
pub(super) const fn insert(names: Names, place: Names, columns: &'static str) -> Operation {
    Operation { names, class: Class::Insert, place, key: &[], columns }
}

/// Makes a row or file of this key.
pub(super) const fn keyed(
    names: Names,
    place: Names,
    key: Names,
    columns: &'static str,
) -> Operation {
    Operation { names, class: Class::Keyed, place, key, columns }
}

/// Sets columns of a row.
pub(super) const fn write(
    names: Names,
    place: Names,
    key: Names,
    columns: &'static str,
) -> Operation {
    Operation { names, class: Class::Write, place, key, columns }
}

/// Replaces or makes a row or file.
pub(super) const fn overwrite(
    names: Names,
    place: Names,
    key: Names,
    columns: &'static str,
) -> Operation {
    Operation { names, class: Class::Overwrite, place, key, columns }
}

/// Sets columns of a row or makes it.
pub(super) const fn upsert(
    names: Names,
    place: Names,
    key: Names,
    columns: &'static str,
) -> Operation {
    Operation { names, class: Class::Upsert, place, key, columns }
}

/// Removes a row.
pub(super) const fn delete(names: Names, place: Names, key: Names) -> Operation {
    Operation { names, class: Class::Delete, place, key, columns: "" }
}

/// Changes the world outside.
pub(super) const fn effect(names: Names) -> Operation {
    Operation { names, class: Class::Effect, place: &[], key: &[], columns: "" }
}

/// Answers and changes nothing.
pub(super) const fn pure(names: Names) -> Operation {
    Operation { names, class: Class::Pure, place: &[], key: &[], columns: "" }
}

/// The operations of one connector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connector {
    /// Its ids without `shared_` and running number.
    pub(super) ids: &'static [&'static str],
    /// What it can do.
    pub(super) operations: &'static [Operation],
}
