//! What a flag may say, and the message where it may not.

use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Items {
    All(u64),
    Loop(String, u64),
}

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub(super) fn day(text: &str) -> Result<String, String> {
    let ok = crate::gate::date::is_day(text);
    ok.then(|| text.to_owned()).ok_or_else(|| "expected a day such as 2027-01-31".into())
}

pub(super) fn items(text: &str) -> Result<Items, String> {
    let (name, number) = text.rsplit_once('=').map_or((None, text), |(name, n)| (Some(name), n));
    let n = number.parse().ok().filter(|n| *n >= 1);
    let n = n.ok_or("expected a number of 1 or more, or LOOP=N")?;
    match name {
        None => Ok(Items::All(n)),
        Some("") => Err("expected the name of a loop before =".into()),
        Some(name) => Ok(Items::Loop(name.into(), n)),
    }
}

pub(super) fn positive(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|n| *n >= 1).ok_or_else(|| "expected a number of 1 or more".into())
}

pub(super) fn natural(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected a number of 0 or more".into())
}

pub(super) fn degree(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|n| (1..=50).contains(n)).ok_or_else(|| "expected 1 to 50".into())
}

pub(super) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let unit: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => {
            return Err(format!("unknown unit \"{unit}\"; expected a size such as 512MiB or 2GiB"));
        }
    };
    let bytes = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    bytes.filter(|n| *n > 0).ok_or_else(|| "expected a size such as 512MiB or 2GiB".into())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let millis: u64 = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("unknown unit \"{unit}\"; expected a time such as 10s or 2m")),
    };
    let total = number.parse::<u64>().ok().and_then(|n| n.checked_mul(millis));
    let total = total.filter(|n| *n > 0).ok_or("expected a time such as 10s or 2m")?;
    Ok(Duration::from_millis(total))
}

/// The digits, and what follows them.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}
