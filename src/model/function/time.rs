//! Dates. What is known at check time is computed; formats that depend on a culture stay unknown.

use super::{Row, unfit};
use crate::model::expression::Failure;
use crate::model::value::Value;

pub(super) const TABLE: &[Row] = &[
    ("adddays", 2, 3, |a| shift("adddays", a, 86_400)),
    ("addhours", 2, 3, |a| shift("addhours", a, 3_600)),
    ("addminutes", 2, 3, |a| shift("addminutes", a, 60)),
    ("addseconds", 2, 3, |a| shift("addseconds", a, 1)),
    ("ticks", 1, 1, ticks),
    ("dayofweek", 1, 1, |a| field("dayofweek", a, |s| (s.div_euclid(86_400) + 4).rem_euclid(7))),
    ("dayofmonth", 1, 1, |a| field("dayofmonth", a, |s| civil(s.div_euclid(86_400)).2)),
    ("dayofyear", 1, 1, |a| {
        field("dayofyear", a, |s| {
            let day = s.div_euclid(86_400);
            day - days(civil(day).0, 1, 1) + 1
        })
    }),
    ("startofday", 1, 2, |a| floor("startofday", a, 86_400)),
    ("startofhour", 1, 2, |a| floor("startofhour", a, 3_600)),
    ("startofmonth", 1, 2, |a| unknown("startofmonth", a)),
    ("formatdatetime", 1, 3, |a| unknown("formatdatetime", a)),
    ("parsedatetime", 1, 3, |a| unknown("parsedatetime", a)),
    ("addtotime", 3, 4, |a| unknown("addtotime", a)),
    ("subtractfromtime", 3, 4, |a| unknown("subtractfromtime", a)),
    ("converttimezone", 3, 4, |a| unknown("converttimezone", a)),
    ("convertfromutc", 2, 3, |a| unknown("convertfromutc", a)),
    ("converttoutc", 2, 3, |a| unknown("converttoutc", a)),
    ("datedifference", 2, 2, |a| unknown("datedifference", a)),
];

/// Depends on its arguments and nothing else, but its value is not modelled.
fn unknown(name: &str, args: &[Value]) -> Result<Value, Failure> {
    Ok(Value::term(name, args.to_vec()))
}

/// Days since 1970-01-01 (Howard Hinnant, *chrono-Compatible Low-Level Date Algorithms*, 2013).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y - era * 400;
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month, day.
fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z - era * 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let mp = (5 * of_year + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * mp + 2) / 5 + 1)
}

/// Seconds since 1970 of `2026-11-24T10:00:00Z`, with or without fraction and time.
fn seconds(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let mut parts = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let valid = (1..=9_999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let clock = time.strip_suffix('Z').unwrap_or(time);
    let clock = clock.split('.').next()?;
    let mut parts = clock.splitn(3, ':').map(str::parse::<i64>);
    let (h, m, s) =
        (parts.next()?.ok()?, parts.next()?.ok()?, parts.next().map_or(Some(0), Result::ok)?);
    let valid = valid && (0..24).contains(&h) && (0..60).contains(&m) && (0..60).contains(&s);
    valid.then(|| days(year, month, day) * 86_400 + h * 3_600 + m * 60 + s)
}

fn stamp(seconds: i64) -> Value {
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let clock = seconds.rem_euclid(86_400);
    let (h, m, s) = (clock / 3_600, clock / 60 % 60, clock % 60);
    Value::text(&format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.0000000Z"))
}

fn shift(name: &str, args: &[Value], unit: i64) -> Result<Value, Failure> {
    match args {
        [Value::String(text), Value::Int(n)] => match (seconds(text), n.checked_mul(unit)) {
            (Some(at), Some(by)) if by.abs() < 86_400 * 366 * 9_000 => Ok(stamp(at + by)),
            _ => super::fail(format!("{name}: no date")),
        },
        [_, _, _] => unknown(name, args),
        _ => unfit(name, args),
    }
}

fn floor(name: &str, args: &[Value], unit: i64) -> Result<Value, Failure> {
    match args {
        [Value::String(text)] => match seconds(text) {
            Some(at) => Ok(stamp(at - at.rem_euclid(unit))),
            None => super::fail(format!("{name}: no date")),
        },
        [_, _] => unknown(name, args),
        _ => unfit(name, args),
    }
}

fn field(name: &str, args: &[Value], part: impl Fn(i64) -> i64) -> Result<Value, Failure> {
    match args {
        [Value::String(text)] => match seconds(text) {
            Some(at) => Ok(Value::Int(part(at))),
            None => super::fail(format!("{name}: no date")),
        },
        _ => unfit(name, args),
    }
}

fn ticks(args: &[Value]) -> Result<Value, Failure> {
    field("ticks", args, |s| (s + 62_135_596_800) * 10_000_000)
}
