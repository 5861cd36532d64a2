//! Days, as a baseline writes them: `2027-01-31`.

/// Whether a text is a day of the calendar.
pub fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let digits =
        |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
        return false;
    }
    let number = |part: &str| part.parse::<u32>().unwrap_or_default();
    let leap = number(year) % 4 == 0 && (number(year) % 100 != 0 || number(year) % 400 == 0);
    let last = match number(month) {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=last).contains(&number(day))
}

/// The day so many days after 1970-01-01 (civil calendar; Hinnant, *chrono-compatible low-level date algorithms*).
pub fn day(since_epoch: u64) -> String {
    let days = since_epoch + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{:02}", of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::{day, is_day};

    #[test]
    fn days() {
        for (number, text) in [(0, "1970-01-01"), (11_016, "2000-02-29"), (20_782, "2026-11-25")] {
            assert_eq!(day(number), text);
        }
        for no in ["", "2026-2-1", "2026-02-30", "2026-13-01", "2026-00-10", "1900-02-29", "today"]
        {
            assert!(!is_day(no), "{no}");
        }
        assert!((0..60_000).all(|number| is_day(&day(number))));
    }
}
